"""A run as the writer sees it, whichever way is asked: in calls, or in a vendor's batches."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from indexing.asking.budget import Budget
from indexing.asking.ledger import Ledger
from indexing.asking.status import AskingStatus

#: Puts a coroutine into the event loop of the client.
Runs = Callable[[Any], Future[None]]


class AskingRun(ABC):
    """`start` it, tell it of passages that become wanted (`expect`), `close` it when there will be no more, and `wait` until
    it has ended; then `error` says what stopped it, if anything did.
    """

    def __init__(self, budget: Budget, ledger: Ledger) -> None:
        self._budget = budget
        self._ledger = ledger
        self._future: Future[None] | None = None
        self._stopping = threading.Event()
        self._wanted = 0
        #: Answers that were there already.
        self.reused = 0
        #: What ended the run before its end: a ModelError for every passage alike, or a StoreError.
        self.error: Exception | None = None
        #: Why the run stopped with passages left, though nothing is wrong; empty otherwise.
        self.stopped = ""

    def start(self, run: Runs) -> None:
        """Begin, with the passages that are wanted now."""
        self._wanted = self._ledger.count()

    def expect(self, count: int) -> None:
        """So many more passages are wanted."""
        self._wanted += count

    def book_reused(self, count: int) -> None:
        """Count answers that were there already. For the transaction that found them."""
        self.reused += count
        self._ledger.book_reused(count)

    @abstractmethod
    def close(self) -> None:
        """No more passages will be wanted: end when all are done."""

    def stop(self, why: str = "") -> None:
        """Ask no more; what is under way is not lost."""
        self.stopped = self.stopped or why
        self._stopping.set()

    @abstractmethod
    def abandon(self) -> None:
        """End at once."""

    def wait(self, seconds: float | None = None) -> bool:
        """Whether the run has ended, after waiting so long. Raises what went wrong in the loop itself."""
        if self._future is None:
            return True
        try:
            self._future.result(seconds)
        except TimeoutError:
            if self._future.done():
                raise
            return False
        return True

    @property
    @abstractmethod
    def failed(self) -> int:
        """Passages that could not be read."""

    @abstractmethod
    def status(self) -> AskingStatus:
        """A snapshot, for displays."""
