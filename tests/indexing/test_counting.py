"""What a corpus holds that an LLM would be asked about, counted as a run would find it."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from hippomem.errors import EmptyTextError
from hippomem.memory import Memory
from hippomem.store import Store, readings
from hippomem.store.readings import Asked
from hippomem.testing import HashEmbedder
from hippomem.types import Document, Extraction
from indexing.asking.counting import Counted, count
from indexing.asking.looking import looking_into
from indexing.extract.llm import dump_answer

ASKED = Asked("model", "compact-1")


def documents(first: int, last: int) -> list[Document]:
    """Documents of one passage each."""
    return [Document(f"Passage number {number}.", title="T") for number in range(first, last)]


def counted(corpus: list[Document], store: Path, *, retry_failed: bool = False, asked: Asked = ASKED) -> Counted:
    """As a dry run counts."""
    with looking_into(store, "default", asked, retry_failed=retry_failed) as look:
        return count(corpus, look.known, retry_failed=retry_failed)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Holds passages 0 to 5, of which 0 and 1 are read, 2 failed, 3 is wanted, and 4 and 5 nobody asked about."""
    path = tmp_path / "s.hippo"
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add_many(documents(0, 6))
    with Store.open(path) as opened, opened.transaction() as db:
        key = opened.namespace_key("default")
        assert key is not None
        rows = dict(db.execute("SELECT text, passage_key FROM memories JOIN passages USING (memory_key)"))
        keys = [rows[document.text] for document in documents(0, 6)]
        readings.want(db, key, keys[:4], ASKED)
        hashes = [readings.text_hash("T", document.text) for document in documents(0, 6)]
        answer = dump_answer(Extraction())
        readings.answer(db, [(keys[0], hashes[0], answer), (keys[1], hashes[1], answer)], ASKED)
        readings.set_used(db, keys[:1])
        readings.fail(db, [(keys[2], hashes[2], "no JSON")])
    return path


def test_without_a_store_all_is_to_be_read(tmp_path: Path) -> None:
    """Documents, repeated ones, and the passages of long ones; no store is made by looking."""
    long = Document(" ".join(f"Sentence number {n} says nothing much." for n in range(75)), title="long")
    found = counted([*documents(0, 5), *documents(2, 4), long], tmp_path / "none.hippo")
    assert (found.documents, found.repeated, found.stored, found.read) == (8, 2, 0, 0)
    assert found.passages == found.unread == 5 + 3
    assert len(found.sample) == 8
    assert not list(tmp_path.iterdir())


def test_a_store_knows_what_costs_nothing(store: Path) -> None:
    """What was answered or failed is not asked about; what is wanted is, and so is what is stored without a reading."""
    found = counted(documents(0, 10), store)
    assert (found.documents, found.stored, found.passages) == (10, 6, 10)
    assert (found.read, found.wanted, found.unread) == (3, 1, 6)
    assert [passage.text for passage in found.sample] == [document.text for document in documents(3, 10)]


def test_retrying_asks_about_failures_again(store: Path) -> None:
    """With --retry-failed they are wanted."""
    found = counted(documents(0, 10), store, retry_failed=True)
    assert (found.read, found.wanted, found.unread) == (2, 2, 6)


def test_another_model_s_answers_stay_but_pay_for_no_other_passage(store: Path) -> None:
    """A passage that was read stays read, whoever is asked now; its text elsewhere was answered about by one model only."""
    same_text = [Document(document.text, title="T", occurred_at="2026-01-01") for document in documents(0, 2)]
    assert counted(same_text, store).read == 2
    assert counted(same_text, store, asked=Asked("other", "compact-1")).read == 0
    assert counted(documents(0, 2), store, asked=Asked("other", "compact-1")).read == 2


def test_what_could_not_be_stored_is_an_error(tmp_path: Path) -> None:
    """A dry run finds it before the run does."""
    with pytest.raises(EmptyTextError):
        counted([*documents(0, 3), Document(" ")], tmp_path / "none.hippo")


def test_the_sample_is_even(tmp_path: Path) -> None:
    """Each passage is as likely in it as any other: of 200 draws of 50 out of 500, each tenth has a tenth."""
    corpus = documents(0, 500)
    places = {document.text: place for place, document in enumerate(corpus)}
    tenths = [0] * 10
    with looking_into(tmp_path / "none.hippo", "default", ASKED) as look:
        for seed in range(40):
            sample = count(corpus, look.known, sample=50, seed=seed).sample
            drawn = [places[passage.text] for passage in sample]
            assert drawn == sorted(set(drawn))
            assert len(drawn) == 50
            for place in drawn:
                tenths[place // 50] += 1
    assert all(140 < number < 260 for number in tenths), tenths


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    """Three times the documents take no more: nothing of a document is kept but bits and a sample."""

    def peak(size: int) -> int:
        def corpus() -> Iterator[Document]:
            letters = random.Random(0)
            for number in range(size):
                yield Document(f"{number} " + "x" * letters.randrange(500, 1000))

        with looking_into(tmp_path / "none.hippo", "default", ASKED) as look:
            tracemalloc.start()
            try:
                count(corpus(), look.known)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert peak(18_000) < 1.05 * peak(6_000)
