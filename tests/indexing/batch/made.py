"""Stores with passages that wait to be read, a vendor that reads them, and runs over both."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hippomem.memory import Memory
from hippomem.models.batch_api import BatchApi
from hippomem.models.llm import Usage
from hippomem.store import batches, readings, runs
from hippomem.store.readings import Asked
from hippomem.store.store import Store
from hippomem.testing import HashEmbedder, LoopbackServer
from hippomem.testing.batches import Batches
from hippomem.types import Document
from indexing.asking.batch import BatchStatus, BatchStore, Ended, Limits, Timing, read_in_batches
from indexing.extract.llm import Scheme, load_answer

#: Everything at once, as far as that goes.
QUICK = Timing(first=0.01, longest=0.02, patience=5.0, settle=0.05)


@dataclass
class Purse:
    """The account of a run, that may spend so many tokens."""

    tokens: float = float("inf")
    spent: Usage = Usage()
    answered: int = 0
    failed: int = 0
    asked: list[Usage] = field(default_factory=list)

    def affords(self, expected: Usage) -> bool:
        """Whether the tokens do."""
        self.asked.append(expected)
        total = self.spent + expected
        return total.prompt_tokens + total.completion_tokens <= self.tokens

    def book(self, db: sqlite3.Connection, usage: Usage, *, answered: int, failed: int) -> None:
        """Add."""
        assert db.in_transaction
        self.spent += usage
        self.answered += answered
        self.failed += failed


class Booked(Purse):
    """An account in the store, as a run's."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        with store.transaction() as db:
            self._run_key = runs.begin(db, 1, Asked("loopback", "-"), {}, datetime.now(UTC))

    def book(self, db: sqlite3.Connection, usage: Usage, *, answered: int, failed: int) -> None:
        """Add to the run's row."""
        runs.book(db, self._run_key, usage, answered=answered, failed=failed)


def town(number: int) -> str:
    """The title of the passage with that number."""
    return f"Town {number}"


def make_store(path: Path, passages: int, scheme: Scheme | None = None, *, model: str = "loopback") -> Path:
    """A store whose passages all wait; one a memory, in the order of their numbers."""
    with Memory(path, embedder=HashEmbedder()) as memory:
        memory.add_many(Document(f"{town(n)} lies on river {n}.", title=town(n)) for n in range(passages))
        with memory.store.transaction() as db:
            keys = [row[0] for row in db.execute("SELECT passage_key FROM passages ORDER BY passage_key")]
            readings.want(db, 1, keys, Asked(model, (scheme or Scheme()).version))
    return path


def chat(messages: list[dict[str, Any]]) -> str:
    """Each passage's title lies on its river, in the compact form."""
    asked = messages[-1]["content"]

    def facts(text: str) -> dict[str, Any]:
        title, river = re.search(r"(Town \d+) lies on (river \d+)\.", text).groups()  # type: ignore[union-attr]
        return {"entities": [title, river], "triples": [[0, "lies on", 1]]}

    if asked.startswith("Passage:"):
        return json.dumps(facts(asked))
    parts = re.split(r"Passage (\d+):", asked)[1:]
    rows = [{"passage": int(number), **facts(text)} for number, text in zip(parts[::2], parts[1::2], strict=True)]
    return json.dumps({"passages": rows})


def vendor(server: LoopbackServer) -> Batches:
    """Its Batch API."""
    assert server.batches is not None
    return server.batches


def read(
    path: Path,
    base_url: str,
    *,
    scheme: Scheme | None = None,
    purse: Purse | None = None,
    status: Callable[[BatchStatus], None] = lambda status: None,
    stop: threading.Event | None = None,
    wait: bool = True,
    limits: Limits = Limits(),
    timing: Timing = QUICK,
    model: str = "loopback",
) -> Ended:
    """One run."""
    scheme = scheme or Scheme()

    async def run(store: Store) -> Ended:
        api = BatchApi(model, base_url, "key", timeout=5.0, transfer_timeout=5.0)
        keeping = BatchStore(store, 1, Asked(model, scheme.version), purse or Booked(store))
        given = stop or threading.Event()
        try:
            return await read_in_batches(
                keeping, api, scheme, status=status, stop=given, wait=wait, limits=limits, timing=timing
            )
        finally:
            await api.aclose()

    with Store.open(path) as store:
        return asyncio.run(run(store))


def rows(path: Path) -> dict[int, tuple[str, str | None, str | None, int]]:
    """(state, answer, error, attempts) by the number of the passage."""
    with Store.open(path) as store:
        sql = (
            "SELECT title, state, answer, error, attempts FROM readings JOIN"
            " (SELECT passage_key, title FROM passages JOIN memories USING (memory_key)) USING (passage_key)"
        )
        return {int(title.removeprefix("Town ")): tuple(row) for title, *row in store.db.execute(sql)}  # type: ignore[misc]


def states(path: Path) -> dict[str, int]:
    """How many passages are in each state of being read; states that none is in are left out."""
    with Store.open(path) as store:
        counts = readings.count(store.db, 1)._replace(open=0)
        return {name: count for name, count in counts._asdict().items() if count}


def jobs_left(path: Path) -> tuple[int, int]:
    """Jobs that the store knows, and passages in them."""
    with Store.open(path) as store:
        return len(batches.find(store.db, 1)), batches.count_passages(store.db, 1)


def check_answers(path: Path) -> None:
    """Every answered passage has the facts about itself."""
    for number, (state, answer, _, _) in rows(path).items():
        if state == "answered":
            assert answer is not None
            (triple,) = load_answer(answer).triples
            assert (triple.subject, triple.object) == (town(number), f"river {number}")
