"""A writer that dies at any moment leaves a store that opens, says what is unfinished, and can be finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Document

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

DOCUMENTS = [
    Document(f"{name} met Ada in Oslo in spring. The road to new york passes {name}.", title=name, source_id=name)
    for name in ("Oslo", "New York", "Ada", "Bergen", "北京", "Tromsø", "Rome", "Zanzibar", "São Paulo", "Now (film)")
]

#: Adds the documents to one store after the other; the child for each is killed at its moment. Prints what it could not do.
SCRIPT = """
import json, os, signal, sys
from hippomem.memory import Memory
from hippomem.testing import HashEmbedder
from hippomem.types import Document
from indexing import embedding, pipeline

pipeline._BATCH = pipeline._EXTRACT_BATCH = 4
embedding.COMMIT_EVERY = 7
documents = [Document(**row) for row in json.loads(sys.argv[1])]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Killer(HashEmbedder):
    left = 10**9

    def embed(self, texts, **options):
        Killer.left -= 1
        return super().embed(texts, **options) if Killer.left else die()


def child(path, how, count):
    memory = Memory(path, embedder=Killer())
    if how == "embedding":
        Killer.left = count
    elif how == "statement":
        seen = 0

        def count_down(sql):
            nonlocal seen
            seen += 1
            if seen == count:
                die()

        memory.store.db.set_trace_callback(count_down)

    def stream():
        for number, document in enumerate(documents):
            if how == "document" and number == count:
                die()
            yield document

    memory.add_many(stream())
    memory.close()


for path, how, count in json.loads(sys.argv[2]):
    pid = os.fork()
    if pid == 0:
        try:
            child(path, how, count)
        finally:
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        print("not killed:", how, count, status)
"""


def embedder() -> HashEmbedder:
    """The same model as the child's."""
    return HashEmbedder()


@pytest.fixture(scope="module")
def calm() -> str:
    """The export of a run that nobody disturbed."""
    with Memory(":memory:", embedder=embedder()) as memory:
        memory.add_many(DOCUMENTS)
        return memory.export()


def test_killed_at_any_moment_and_finished(tmp_path: Path, calm: str) -> None:
    """Whatever was going on, the store opens, holds whole documents only, and finishing it gives what a calm run gives."""
    moments: list[tuple[str, int]] = [("document", n) for n in (0, 3, 5, 9)]
    moments += [("embedding", n) for n in (1, 2, 4, 6)]
    moments += [("statement", n) for n in (1, 7, 40, 130, 220, 310, 400, 490, 550)]
    jobs = [(str(tmp_path / f"{how}-{n}.hippo"), how, n) for how, n in moments]
    rows = [{"text": d.text, "title": d.title, "source_id": d.source_id} for d in DOCUMENTS]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(rows), json.dumps(jobs)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    unfinished = 0
    for path, how, count in jobs:
        with Memory(path, embedder=embedder()) as memory:
            before = memory.stats()
            unfinished += before.pending
            assert before.memories == before.passages <= len(DOCUMENTS), (how, count)
            memory.search("Who met Ada in Oslo?")  # what is ready can be asked at once
            assert memory.resume() == 0
            assert memory.stats().pending == 0
            # What was never stored has to be handed in again; what was, is a duplicate and does no harm.
            report = memory.add_many(DOCUMENTS)
            assert report.duplicates == before.memories, (how, count)
            assert memory.export() == calm, (how, count)
    assert unfinished > 0


def test_resume_finishes_what_is_stored_without_the_documents(tmp_path: Path, calm: str) -> None:
    """Once all documents are stored, a run killed in the embedding needs nothing but ``resume``."""
    path = str(tmp_path / "a.hippo")
    rows = [{"text": d.text, "title": d.title, "source_id": d.source_id} for d in DOCUMENTS]
    subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(rows), json.dumps([(path, "embedding", 3)])], check=True, timeout=60
    )
    finishing = embedder()
    with Memory(path, embedder=finishing) as memory:
        assert memory.stats().memories == len(DOCUMENTS)
        assert memory.stats().pending == len(DOCUMENTS)
        memory.resume()
        assert memory.export() == calm
        assert memory.resume() == 0
        again = sum(map(len, finishing.calls))
    everything = embedder()
    with Memory(":memory:", embedder=everything) as memory:
        memory.add_many(DOCUMENTS)
    assert again < sum(map(len, everything.calls)), "what was embedded before the end is not paid for twice"


def test_an_error_in_the_stream_of_documents_loses_nothing_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the caller's own rises; whole batches before it stay and can be finished."""
    monkeypatch.setattr("indexing.pipeline._BATCH", 2)
    with Memory(":memory:", embedder=embedder()) as memory:

        def stream() -> object:
            yield from DOCUMENTS[:5]
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            memory.add_many(stream())  # type: ignore[arg-type]
        assert memory.stats().memories == 4
        memory.resume()
        assert memory.stats().pending == 0
