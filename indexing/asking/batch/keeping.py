"""What reading in batches keeps in the store. Every change is one transaction, so that a killed run knows where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hippomem.models.llm import Usage
from hippomem.store import batches, readings
from hippomem.store.batches import Batch
from hippomem.store.readings import Asked, Wanted
from hippomem.store.store import Store

#: How often a passage is asked about before it counts as failed; having the failed ones read again is another round.
TRIES = 3
#: What requests have asked about: by custom_id, by the place of the passage in the request.
Members = dict[str, dict[int, Wanted]]


class Account(Protocol):
    """The money of a run: what it may spend, and what it has spent."""

    def affords(self, expected: Usage) -> bool:
        """Whether so much more may be spent, at batch prices, beyond what is booked."""
        ...

    def book(self, db: sqlite3.Connection, usage: Usage, *, answered: int, failed: int) -> None:
        """Add what a batch has cost and how many passages it answered; in the transaction that stores the answers."""
        ...


@dataclass(slots=True)
class Outcomes:
    """What came of some requests of a job.

    answers: (row of the passage, hash of its text, answer).    again, failed: (row, hash, reason) of those that are asked
    about again, and of those that are not.
    custom_ids: all requests that this settles; passages of those without an outcome are asked about again.
    asked: passages that the answers with that usage were about.
    """

    answers: list[tuple[int, bytes, str]] = field(default_factory=list)
    again: list[tuple[int, bytes, str]] = field(default_factory=list)
    failed: list[tuple[int, bytes, str]] = field(default_factory=list)
    custom_ids: list[str] = field(default_factory=list)
    usage: Usage = Usage()
    asked: int = 0

    def fail(self, passage_key: int, text_hash: bytes, attempts: int, reason: str, *, final: bool = False) -> None:
        """Note why a passage was not read. attempts: those before.    final: asking again will not help."""
        is_last = final or (attempts + 1) % TRIES == 0
        (self.failed if is_last else self.again).append((passage_key, text_hash, reason))


class BatchStore:
    """The jobs of a namespace, and the readings that they are for. One run at a time."""

    def __init__(self, store: Store, namespace_key: int, asked: Asked, account: Account) -> None:
        self.asked = asked
        self.account = account
        self._store = store
        self._namespace_key = namespace_key

    def batches(self) -> list[Batch]:
        """All jobs that were not collected yet, oldest first."""
        with self._store.reading() as db:
            return batches.find(db, self._namespace_key)

    def next_wanted(self, after: int, limit: int) -> list[Wanted]:
        """Passages that are to be read and are in no job, by row, behind a row; whoever they were wanted from before."""
        with self._store.reading() as db:
            return readings.next_wanted(db, self._namespace_key, after=after, limit=limit)

    def begin(self, batch: Batch, requests: Sequence[tuple[str, Sequence[int]]]) -> bool:
        """See `batches.begin`."""
        with self._store.transaction(aside=True) as db:
            return batches.begin(db, self._namespace_key, batch, requests)

    def exists(self, token: str) -> bool:
        """Whether the job is still ours."""
        with self._store.reading() as db:
            return batches.exists(db, token)

    def set_vendor_id(self, token: str, vendor_id: str) -> bool:
        """See `batches.set_vendor_id`."""
        with self._store.transaction(aside=True) as db:
            return batches.set_vendor_id(db, token, vendor_id)

    def has_unanswered(self, token: str) -> bool:
        """Whether the job has still something to answer."""
        with self._store.reading() as db:
            return bool(batches.unanswered(db, token))

    def count_passages(self) -> int:
        """How many passages are in jobs."""
        with self._store.reading() as db:
            return batches.count_passages(db, self._namespace_key)

    def save(
        self, batch: Batch, custom_ids: Sequence[str], read: Callable[[Members], Outcomes]
    ) -> tuple[Outcomes, int]:
        """Store what came of requests and take them out of the job.

        read: from what they have still to answer (see `batches.members`) to what came. It is called inside the transaction:
        whoever collects the same job at the same time finds these requests settled, and books nothing twice.
        Returns what it gave, and how many passages are answered by it.
        """
        with self._store.transaction(aside=True) as db:
            outcomes = read(batches.members(db, batch.token, custom_ids))
            answered = readings.answer(db, outcomes.answers, batch.asked)
            self._fail(db, outcomes)
            batches.settle(db, batch.token, outcomes.custom_ids)
            self.account.book(db, outcomes.usage, answered=answered, failed=len(outcomes.failed))
        return outcomes, answered

    def _fail(self, db: sqlite3.Connection, outcomes: Outcomes) -> None:
        readings.fail(db, outcomes.again, again=True)
        readings.fail(db, outcomes.failed)

    def close(self, batch: Batch, reason: str | None) -> tuple[int, int]:
        """Have what the job left unanswered asked again; returns passages (asked again, failed for good).

        reason: why it counts as an attempt; None where it does not. The job itself stays, for its files at the vendor.
        """
        with self._store.transaction(aside=True) as db:
            left = batches.unanswered(db, batch.token)
            outcomes = Outcomes()
            if reason is not None:
                for unanswered in left:
                    outcomes.fail(*unanswered, reason)
                self._fail(db, outcomes)
                self.account.book(db, Usage(), answered=0, failed=len(outcomes.failed))
            batches.release(db, batch.token)
        return len(left) - len(outcomes.failed), len(outcomes.failed)

    def drop(self, token: str) -> None:
        """Forget the job; what it has not answered can be asked again."""
        with self._store.transaction(aside=True) as db:
            batches.drop(db, token)
