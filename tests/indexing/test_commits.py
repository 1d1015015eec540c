"""What one addition costs: commits, calls of the encoder, rows of other memories that are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hippomem.memory import Memory
from hippomem.testing import HashEmbedder

TEXT = "Ada Byron met Charles Babbage in London. He built the Difference Engine."


def traced(memory: Memory, action: Callable[[], object]) -> list[str]:
    """The statements that an action runs."""
    statements: list[str] = []
    memory.store.db.set_trace_callback(statements.append)
    try:
        action()
    finally:
        memory.store.db.set_trace_callback(None)
    return statements


def writing_commits(statements: list[str]) -> int:
    """Commits of transactions that wrote: each waits for the disk."""
    count, wrote = 0, False
    for statement in statements:
        verb = statement.split(None, 1)[0].upper()
        if verb.startswith("BEGIN"):
            wrote = False
        elif verb in ("INSERT", "UPDATE", "DELETE"):
            wrote = True
        elif verb.startswith("COMMIT"):
            count += wrote
            wrote = False
    assert not wrote, "a statement outside of any transaction is one more commit"
    return count


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """A store in a file with a few memories."""
    memory = Memory(tmp_path / "a.hippo", embedder=HashEmbedder())
    memory.add_many([f"Charles Babbage saw Ada Byron on day {n}." for n in range(50)])
    return memory


def test_one_addition_is_two_commits(memory: Memory) -> None:
    """The text first, so that nothing acknowledged is lost; everything else in one, behind the encoder."""
    with memory:
        assert writing_commits(traced(memory, lambda: memory.add(TEXT, title="Ada Byron"))) == 2
        assert writing_commits(traced(memory, lambda: memory.add_many([TEXT, "Rain fell.", "Babbage left."]))) == 2
        assert memory.stats().pending == 0


def test_an_update_is_two_commits(memory: Memory) -> None:
    """The old text goes with the coming of the new, which is indexed in the second; the purge of a small file is its own."""
    with memory:
        memory_id = memory.add(TEXT)
        assert writing_commits(traced(memory, lambda: memory._indexer.finish())) == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(memory.store), "purge", lambda *_, **__: True)
            assert writing_commits(traced(memory, lambda: memory.update(memory_id, "Ada Byron wrote to London."))) == 2


def test_the_encoder_is_asked_once_for_each_kind_of_text(memory: Memory) -> None:
    """Passages, sentences, names: three calls, none inside a transaction, and none for what has a vector."""
    with memory:
        embedder = memory._embedder
        assert isinstance(embedder, HashEmbedder)
        before = len(embedder.calls)
        memory.add(TEXT)
        passages, sentences, names = embedder.calls[before:]
        assert passages == (TEXT,)
        assert [s.split(" ")[0] for s in sentences] == ["Ada", "He"]
        assert names == ("difference engine", "london"), "the others have a vector"


#: What may be read whole: what the transaction itself noted, as a table and as a subquery, and one row for each counter.
BOUNDED = ("touched", "temp.touched", "(subquery-1)", "sqlite_sequence")


def test_what_one_addition_asks_for_does_not_grow_with_the_store(tmp_path: Path) -> None:
    """The statements of an addition to 40 and to 400 memories are the same in number, and scan no table."""
    counts = []
    for size in (40, 400):
        with Memory(tmp_path / f"{size}.hippo", embedder=HashEmbedder()) as memory:
            memory.add_many([f"Number {n} was seen by Person{n} Smith{n}." for n in range(size)])
            statements = traced(memory, lambda memory=memory: memory.add("Quite New Name came to Old Town."))  # type: ignore[misc]
            counts.append(len(statements))
            for statement in statements:
                if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")):
                    for row in memory.store.db.execute(f"EXPLAIN QUERY PLAN {statement}"):
                        plan = row[3].split()
                        scanned = plan[1] if plan[0] == "SCAN" and "CONSTANT ROW" not in row[3] else None
                        assert scanned is None or scanned in BOUNDED, (statement, row[3])
    assert counts[0] == counts[1]
