"""What is forgotten is gone from every file, not merely unlinked."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hippomem.memory import Memory
from hippomem.store import Store, memories
from hippomem.testing import HashEmbedder
from hippomem.types import Document

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def traces(folder: Path, words: Iterable[str]) -> dict[str, list[str]]:
    """File → those of the words whose bytes it holds, in UTF-8 or UTF-16, in any case."""
    found, words = {}, list(words)
    for file in folder.iterdir():
        content = file.read_bytes().lower()
        held = [w for w in words if w.lower().encode() in content or w.lower().encode("utf-16-le") in content]
        if held:
            found[file.name] = held
    return found


def marker(number: int) -> str:
    """A word that occurs nowhere else."""
    return f"Zq{number:05d}xvortex"


def document(number: int, rng: random.Random) -> Document:
    """A memory whose text, title, ids and metadata all hold its marker; of any length, some spanning several pages."""
    word = marker(number)
    filler = " ".join(
        rng.choices(["lives", "in", "Rome", "Oslo", "and", "New York", "writes"], k=rng.choice([3, 30, 300, 1500]))
    )
    return Document(
        text=f"{word} {filler}. Then {word.upper()} met Ada.",
        title=f"About {word}",
        source_id=f"source-{word}",
        user=f"user-{word}",
        session=f"session-{word}",
        speaker=word,
        position=number,
        metadata={"note": [f"see {word}"]},
    )


@pytest.mark.parametrize("still_open", [True, False])
def test_nothing_of_a_forgotten_memory_is_left_in_any_file(tmp_path: Path, still_open: bool) -> None:
    """Text, title, names, ids and metadata are in no byte of any file, log included, while open and after closing."""
    memory = Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16))
    memory.add("Ada lives in Rome.")
    secret = memory.add(
        "The password of Zqsecret is Zqhunter.", title="Zqtitle", source_id="Zqsource", metadata={"Zqkey": "Zqvalue"}
    )
    words = ["Zqsecret", "Zqhunter", "Zqtitle", "Zqsource", "Zqkey", "Zqvalue"]
    assert memory.search("Zqsecret")[0].memory_id == secret
    assert {w for held in traces(tmp_path, words).values() for w in held} == set(words)
    memory.forget(secret)
    if not still_open:
        memory.close()
    assert traces(tmp_path, ["Zq"]) == {}
    memory.close()
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16)) as again:
        assert [record.text for record in again.list()] == ["Ada lives in Rome."]


@pytest.mark.parametrize("seed", range(3))
def test_many_forgotten_among_many_kept(tmp_path: Path, seed: int) -> None:
    """Also when pages were split, moved and freed many times, nothing forgotten is left and nothing kept is lost.

    Rows that move between pages leave copies behind, which SQLite's secure_delete does not reach.
    """
    rng = random.Random(seed)
    numbers = list(range(400))
    with Store.open(tmp_path / "a.hippo") as store:
        with store.transaction() as db:
            namespace_key = store.namespace_key("default", create=True)
            assert namespace_key is not None
            for n in numbers[:300]:
                memories.insert(db, namespace_key, "default", [(document(n, rng), [(0, 3)])], NOW)
        for n in numbers[300:]:
            with store.transaction() as db:
                memories.insert(db, namespace_key, "default", [(document(n, rng), [(0, 3)])], NOW)
        rng.shuffle(numbers)
        gone, kept = [marker(n) for n in numbers[:270]], {marker(n) for n in numbers[270:]}
        for word in gone:
            with store.transaction() as db:
                memories.delete(db, memories.find(db, namespace_key, f"source-{word}"))
                store.owe_purge()
        assert store.purge()
        assert traces(tmp_path, gone) == {}
        assert {word for words in traces(tmp_path, kept).values() for word in words} == kept
    assert traces(tmp_path, gone) == {}


def test_every_forgetting_ends_with_a_purge(tmp_path: Path) -> None:
    """Forgetting and updating leave no copies behind: afterwards none is due."""
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16)) as memory:
        memory_id = memory.add("Ada hid it.")
        memory.update(memory_id, "Ada lost it.", keep_history=False)
        assert not memory.stats().purge_due
        memory.forget(memory_id)
        assert not memory.stats().purge_due


def test_a_large_file_says_that_a_purge_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing the file anew would take long, forgetting does not wait for it, `stats` says so, `purge` does it."""
    monkeypatch.setattr("indexing.pipeline.PURGE_AT_ONCE", 0)
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16)) as memory:
        memory.forget(memory.add("Ada hid it under Zqfloorboard."))
        assert memory.stats().purge_due
        assert memory.purge()
        assert not memory.stats().purge_due
        assert traces(tmp_path, ["Zqfloorboard"]) == {}


def test_a_log_that_is_being_read_leaves_the_purge_due(tmp_path: Path) -> None:
    """While another connection reads, the log cannot be emptied: the purge stays due, and is done when it has ended."""
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16)) as memory:
        memory_id = memory.add("Ada hid it under Zqfloorboard.")
        memory.store.db.execute("PRAGMA busy_timeout = 100")
        with Store.open(tmp_path / "a.hippo") as other, other.reading() as db:
            db.execute("SELECT count(*) FROM memories").fetchone()
            memory.forget(memory_id)
            assert memory.stats().purge_due
        assert memory.purge()
        assert traces(tmp_path, ["Zqfloorboard"]) == {}


def test_an_updated_memory_leaves_nothing_of_its_old_text(tmp_path: Path) -> None:
    """Changing a text without keeping history forgets the old one as exactly; a history goes with its memory."""
    memory = Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16))
    memory_id = memory.add("Ada hid it under Zqfloorboard.", title="Ada")
    memory.update(memory_id, "Ada hid it.", keep_history=False)
    assert traces(tmp_path, ["Zqfloorboard"]) == {}
    assert len(memory.history(memory_id)) == 1
    memory.update(memory_id, "Ada hid it under Zqfloorboard.")
    memory.update(memory_id, "Ada hid it in Zqcellar.")
    assert [version.text for version in memory.history(memory_id)][1:] == [
        "Ada hid it under Zqfloorboard.",
        "Ada hid it in Zqcellar.",
    ]
    assert traces(tmp_path, ["Zqfloorboard"]) != {}
    memory.forget(memory_id)
    assert traces(tmp_path, ["Zqfloorboard"]) == {}
    memory.close()


def test_what_another_memory_says_too_stays(tmp_path: Path) -> None:
    """A word that a kept memory holds is still there and still found."""
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=16)) as memory:
        kept = memory.add("Zqshared is known to all.")
        memory.forget(memory.add("Zqshared is known to few."))
        assert [hit.memory_id for hit in memory.search("Zqshared", retriever="bm25")] == [kept]
        assert traces(tmp_path, ["few"]) == {}
