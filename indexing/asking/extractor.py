"""Triples by an LLM: who is asked, how, how fast and for how much; what `Memory(extractor=…)` takes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from types import TracebackType
from typing import cast

from hippomem.errors import ConfigError, StoreBusyError
from hippomem.models.async_chat import AsyncLLM, InThreads
from hippomem.models.batch_api import BatchApi
from hippomem.models.llm import LLM, Usage
from hippomem.models.pacing import Pace
from hippomem.models.prices import Price
from hippomem.store import IN_MEMORY, Store
from hippomem.store.readings import Asked
from indexing.asking.asking import Asking
from indexing.asking.batch.asking import BatchAsking
from indexing.asking.batch.reading import Timing
from indexing.asking.budget import Budget
from indexing.asking.ledger import Ledger
from indexing.asking.loop import LoopThread
from indexing.asking.run import AskingRun
from indexing.asking.status import AskingStatus
from indexing.extract.llm import Scheme


class LlmExtractor:
    """Has an LLM read passages, beside the sentences that the built-in extractor always stores.

    llm: whom to ask; one that is not asynchronous is asked from threads.
    scheme: in which words, how many passages a call (`Scheme`).    pace: how many calls at once, how patient (`Pace`).
    price: of the model, None where it is not known.    budget_usd, budget_tokens: what one run may spend, None for no limit.
    batch_api: asks through the vendor's Batch API instead, at its part of the price; batch_wait: and waits for the answers.
    share: in (0, 1], of the passages that are added, those where reading pays most.
    Safe to share by threads. Close it when done, or use it as a context manager. Raises ConfigError.
    """

    name = "llm"

    def __init__(
        self,
        llm: AsyncLLM | LLM,
        *,
        scheme: Scheme | None = None,
        pace: Pace | None = None,
        price: Price | None = None,
        budget_usd: float | None = None,
        budget_tokens: int | None = None,
        batch_api: BatchApi | None = None,
        batch_wait: bool = True,
        batch_timing: Timing = Timing(),
        share: float = 1.0,
    ) -> None:
        if budget_usd is not None and price is None:
            raise ConfigError(
                f"a budget of ${budget_usd} was given, but the price of '{llm.model}' is not known; give its price"
                " (--price-in, --price-out, or a table with --prices), or a budget in tokens."
            )
        if not 0 < share <= 1:
            raise ConfigError(f"share={share} was asked for; it is a part of the passages, in (0, 1].")
        self.llm = _asynchronous(llm)
        self.scheme = scheme or Scheme()
        self.pace = pace or Pace()
        self.price = price if batch_api is None or price is None else price.of_batches()
        self.batch_api = batch_api
        self.batch_wait = batch_wait
        self.batch_timing = batch_timing
        self.budget_usd = budget_usd
        self.budget_tokens = budget_tokens
        self.share = share
        self._loop = LoopThread("asking")
        self._lock = threading.Lock()
        self._checked = False
        self._budgets: list[Budget] = []
        self._spent_before = Usage()
        self._newest: AskingRun | None = None
        #: Answers, in all runs, that were there already.
        self.reused = 0
        #: How long all runs have taken together, in seconds.
        self.seconds = 0.0

    @property
    def asked(self) -> Asked:
        """The model and the version of the prompt: what stored answers are kept under."""
        return Asked(self.llm.model, self.scheme.version)

    @property
    def spent(self) -> Mapping[str, int]:
        """Running total of everything spent through this object: prompt_tokens, completion_tokens, calls."""
        with self._lock:
            total = self._spent_before
            for budget in self._budgets:
                total += budget.spent
            return total.to_dict()

    @property
    def usd(self) -> float | None:
        """The same in money; None where no price is known."""
        spent = self.spent
        return None if self.price is None else self.price.usd(Usage(spent["prompt_tokens"], spent["completion_tokens"]))

    def status(self) -> AskingStatus | None:
        """Where the newest run stands, for displays; None before the first."""
        newest = self._newest
        return None if newest is None else newest.status()

    def check(self) -> None:
        """See that the endpoint is there and takes the key, once, before anything is spent. Raises ModelError."""
        if not self._checked:
            self._loop.run(self.llm.check() if self.batch_api is None else self.batch_api.check()).result()
            self._checked = True

    @contextmanager
    def ask(
        self,
        store: Store,
        namespace_key: int,
        *,
        only: Collection[int] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Iterator[AskingRun]:
        """Ask, inside the block, about what is wanted in a namespace; what is under way at its end is waited for.

        only: rows of the passages to ask about. Without it one run at a time works on a store (StoreBusyError), and the
        endpoint is tried first (`check`).
        """
        if self.batch_api is not None:  # what is at the vendor, and what waits, is one
            only = None
        if only is None:
            self.check()
        with _alone(store) if only is None else nullcontext():
            options = {"passages_per_call": self.scheme.passages_per_call, "share": self.share}
            ledger = Ledger(store, namespace_key, self.asked, options=options, only=only, now=now)
            budget = Budget(self.price, usd=self.budget_usd, tokens=self.budget_tokens)
            asking = self._asking(store, namespace_key, budget, ledger)
            with self._lock:
                self._budgets.append(budget)
                self._newest = asking
            began = time.perf_counter()
            asking.start(self._loop.run)
            try:
                yield asking
            except BaseException:
                asking.stop()
                raise
            finally:
                asking.close()
                try:
                    asking.wait()
                except KeyboardInterrupt:  # the second: not even for what is under way
                    asking.abandon()
                    raise
                finally:
                    with self._lock:
                        self._budgets.remove(budget)
                        self.reused += asking.reused
                        self.seconds += time.perf_counter() - began
                        self._spent_before += budget.spent

    def _asking(self, store: Store, namespace_key: int, budget: Budget, ledger: Ledger) -> AskingRun:
        if self.batch_api is None:
            return Asking(self.llm, self.scheme, self.pace, budget, ledger)
        return BatchAsking(
            store,
            namespace_key,
            self.batch_api,
            self.scheme,
            budget,
            ledger,
            wait=self.batch_wait,
            timing=self.batch_timing,
        )

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self.batch_api is not None:
            self._loop.run(self.batch_api.aclose()).result()
        self._loop.run(self.llm.aclose()).result()
        self._loop.close()

    def __enter__(self) -> LlmExtractor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _asynchronous(llm: AsyncLLM | LLM) -> AsyncLLM:
    if asyncio.iscoroutinefunction(llm.complete):
        return cast(AsyncLLM, llm)
    return InThreads(cast(LLM, llm))


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """The right to ask about all that is wanted in a store. A lock of the system: it ends with the process."""
    if store.path == IN_MEMORY:
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(f"{store.path}-asking.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreBusyError(
            f"another run is having an LLM read '{store.path}'; two would pay for the same passages. Wait until it has"
            " ended; what it has stored by then is not asked again."
        ) from error
    try:
        yield
    finally:
        lock.release()
