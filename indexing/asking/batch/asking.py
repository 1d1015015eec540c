"""A run through a vendor's Batch API, as the writer sees it."""

from __future__ import annotations

import sqlite3

from hippomem.models.batch_api import BatchApi
from hippomem.models.llm import Usage
from hippomem.store import Store
from indexing.asking.batch.keeping import BatchStore
from indexing.asking.batch.reading import Timing, read_in_batches
from indexing.asking.batch.status import BatchStatus, Ended
from indexing.asking.budget import Budget
from indexing.asking.ledger import Ledger
from indexing.asking.run import AskingRun, Runs
from indexing.asking.status import AskingStatus
from indexing.extract.llm import Scheme


class BatchAsking(AskingRun):
    """Sends what is wanted when it is closed, because jobs are best as large as they may be.

    wait: False to send and collect, but not to wait for what is at the vendor.
    """

    def __init__(
        self,
        store: Store,
        namespace_key: int,
        api: BatchApi,
        scheme: Scheme,
        budget: Budget,
        ledger: Ledger,
        *,
        wait: bool,
        timing: Timing = Timing(),
    ) -> None:
        super().__init__(budget, ledger)
        self._kept = BatchStore(store, namespace_key, ledger.asked, _Account(budget, ledger))
        self._api = api
        self._scheme = scheme
        self._wait = wait
        self._timing = timing
        self._run: Runs | None = None
        self._state = BatchStatus()

    def start(self, run: Runs) -> None:
        """See `AskingRun.start`; nothing is sent yet."""
        super().start(run)
        self._run = run

    def close(self) -> None:
        """Send what is wanted, and collect what has been answered."""
        if self._future is None and not self._stopping.is_set():
            assert self._run is not None
            self._future = self._run(self._read())

    def abandon(self) -> None:
        """The same as `stop`: what is at the vendor goes on."""
        self.stop()

    @property
    def failed(self) -> int:
        """Passages that could not be read."""
        return self._state.gave_up

    def status(self) -> AskingStatus:
        """A snapshot, for displays: requests at the vendor count as calls under way."""
        state = self._state
        return AskingStatus(
            wanted=self._wanted,
            answered=state.answered,
            failed=state.gave_up,
            in_flight=max(state.total - state.completed - state.failed, 0),
            limit=state.total,
            usage=self._budget.spent,
            usd=self._budget.usd,
            paused_because=state.waiting_because,
            retries=0,
        )

    async def _read(self) -> None:
        ended = "error"
        try:
            result: Ended = await read_in_batches(
                self._kept,
                self._api,
                self._scheme,
                status=self._show,
                stop=self._stopping,
                wait=self._wait,
                timing=self._timing,
            )
            ended, self.stopped = result.outcome, result.message
        except Exception as error:  # told to the writer, who raises it
            self.error, ended = error, type(error).__name__
        finally:
            self._ledger.end(ended)

    def _show(self, status: BatchStatus) -> None:
        self._state = status


class _Account:
    """What batches cost, on the run's account."""

    def __init__(self, budget: Budget, ledger: Ledger) -> None:
        self._budget = budget
        self._ledger = ledger

    def affords(self, expected: Usage) -> bool:
        """Whether so much more may be spent."""
        return self._budget.allows(expected)

    def book(self, db: sqlite3.Connection, usage: Usage, *, answered: int, failed: int) -> None:
        """Add what a batch has cost, in the transaction that stores its answers."""
        self._budget.spend(usage)
        self._ledger.book(db, usage, self._budget.usd_of(usage), answered=answered, failed=failed)
