"""What the asking reads from the store and writes to it: short transactions, from a thread beside the writer's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from hippomem.models.llm import Usage
from hippomem.store import Store, readings, runs
from hippomem.store.readings import Asked, Wanted
from indexing.extract import PassageText


class Outcome(NamedTuple):
    """What became of a passage: the answer to store, or why there is none."""

    wanted: Wanted
    answer: str | None
    error: str | None


class Ledger:
    """The readings of one namespace that are asked of one model, and the account of the run.

    only: rows of passages to which the run is confined; None for all that are wanted.    now: the clock.
    The account is opened with the first thing that is booked, so a run that asks nothing leaves none.
    """

    def __init__(
        self,
        store: Store,
        namespace_key: int,
        asked: Asked,
        *,
        options: dict[str, Any],
        only: Collection[int] | None,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._namespace_key = namespace_key
        self.asked = asked
        self._options = options
        self.only = None if only is None else frozenset(only)
        self._now = now
        self._run_key: int | None = None

    def count(self) -> int:
        """How many passages are wanted."""
        with self._store.reading() as db:
            if self.only is None:
                return readings.count(db, self._namespace_key).wanted
            return list(readings.states(db, sorted(self.only)).values()).count("wanted")

    def next(self, after: int, limit: int) -> list[Wanted]:
        """The next wanted passages behind a row; they are the run's from now on, whoever they were wanted from before."""
        with self._store.reading() as db:
            if self.only is None:
                return readings.next_wanted(db, self._namespace_key, after=after, limit=limit)
            keys = sorted(key for key in self.only if key > after)[:limit]
            return [each for key in keys for each in readings.next_wanted(db, self._namespace_key, only=key, limit=1)]

    def save(self, outcomes: Sequence[Outcome], usage: Usage, usd: float | None) -> None:
        """Store outcomes, and what was spent up to now, in one commit."""
        answers = [(o.wanted.row.passage_key, o.wanted.text_hash, o.answer) for o in outcomes if o.answer is not None]
        failures = [(o.wanted.row.passage_key, o.wanted.text_hash, o.error) for o in outcomes if o.error is not None]
        with self._store.transaction(aside=True) as db:
            readings.answer(db, answers, self.asked)
            readings.fail(db, failures)
            self.book(db, usage, usd, answered=len(answers), failed=len(failures))

    def book(
        self, db: sqlite3.Connection, usage: Usage, usd: float | None, *, answered: int = 0, failed: int = 0
    ) -> None:
        """Put on the account what was paid for, in the transaction that stores it."""
        runs.book(db, self._account(), usage, usd, answered=answered, failed=failed)

    def book_reused(self, count: int) -> None:
        """Count answers that were there already. Within the transaction that found them."""
        if count:
            runs.book(self._store.db, self._account(), reused=count)

    def end(self, outcome: str) -> None:
        """Close the account."""
        if self._run_key is not None:
            with self._store.transaction(aside=True) as db:
                runs.end(db, self._run_key, outcome, self._now())

    def _account(self) -> int:
        if self._run_key is None:
            self._run_key = runs.begin(self._store.db, self._namespace_key, self.asked, self._options, self._now())
        return self._run_key


def text_of(wanted: Wanted) -> PassageText:
    """What a scheme sees of a passage."""
    return PassageText(wanted.row.passage_id, wanted.row.title, wanted.row.text)
