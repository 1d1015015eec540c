"""Asking an LLM about all passages that are wanted: a producer, as many workers as calls may be under way, and one saver.

An answer is committed before its slot is given back and before anybody uses it, so what a killed run may have to pay again
is at most what was under way. Works in the extractor's event loop, beside the writer, and speaks with it by the store alone.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from hippomem.errors import ModelError, ModelOutputError
from hippomem.models.async_chat import AsyncLLM
from hippomem.models.llm import Completion, Usage
from hippomem.models.pacing import Pace
from hippomem.store.readings import Wanted
from hippomem.types import Extraction
from indexing.asking.budget import Budget, BudgetError
from indexing.asking.calling import call, probable_tokens
from indexing.asking.ledger import Ledger, Outcome, text_of
from indexing.asking.run import AskingRun, Runs
from indexing.asking.status import AskingStatus
from indexing.extract.llm import Request, Scheme, dump_answer

#: Wanted passages read from the store at a time.
_BLOCK = 256
#: Seconds until a producer that found nothing looks again.
_LOOK_AGAIN = 0.25
#: So many passages without one usable answer at the start of a run, and the model is given up.
_HOPELESS = 20


class _StoppedError(Exception):
    """The run is stopping; no further call is made."""


class Asking(AskingRun):
    """A run in calls. The methods are the writer's; what goes on in the loop is private."""

    def __init__(self, llm: AsyncLLM, scheme: Scheme, pace: Pace, budget: Budget, ledger: Ledger) -> None:
        super().__init__(budget, ledger)
        self._llm = llm
        self._scheme = scheme
        self._pace = pace
        self._closed = threading.Event()
        self._answered = self._failed = self._in_request = 0
        self._booked = Usage()
        self._under_way: set[int] = set()
        self._finished: list[tuple[list[Outcome], asyncio.Future[None]]] = []
        self._something = asyncio.Event()
        self._news = asyncio.Event()
        self._settled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = False
        self._ended = ""

    def start(self, run: Runs) -> None:
        """See `AskingRun.start`."""
        super().start(run)
        self._future = run(self._run())

    def expect(self, count: int) -> None:
        """See `AskingRun.expect`."""
        super().expect(count)
        self._wake()

    def close(self) -> None:
        """See `AskingRun.close`."""
        self._closed.set()
        self._wake()

    def _wake(self) -> None:
        """Have the producer look again; before the loop has begun it has not looked yet."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    def abandon(self) -> None:
        """End at once: what is under way is lost, and may have been paid."""
        assert self._future is not None
        self._stopping.set()
        self._future.cancel()

    @property
    def failed(self) -> int:
        """Passages that could not be read."""
        return self._failed

    def status(self) -> AskingStatus:
        """A snapshot, for displays."""
        state = self._pace.state
        return AskingStatus(
            wanted=self._wanted,
            answered=self._answered,
            failed=self._failed,
            in_flight=self._in_request,
            limit=state.limit,
            usage=self._budget.spent,
            usd=self._budget.usd,
            paused_because=state.paused_because,
            retries=state.retries,
        )

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pace.begin_run()
        groups: asyncio.Queue[list[Wanted] | None] = asyncio.Queue(self._pace.concurrency)
        with ThreadPoolExecutor(1, thread_name_prefix="ledger") as thread:
            saver = asyncio.create_task(self._save(thread))
            workers = [asyncio.create_task(self._work(groups)) for _ in range(self._pace.concurrency)]
            producer = asyncio.create_task(self._produce(groups, thread))
            ending = asyncio.create_task(self._end_early([*workers, producer]))
            try:
                await asyncio.gather(producer, *workers, return_exceptions=True)
                if not self._stopping.is_set() and (
                    left := await self._loop.run_in_executor(thread, self._ledger.count)
                ):
                    self.stopped = (
                        f"{left:,} passages are in jobs at a Batch API; the same command with --batch-api collects them"
                    )
            finally:
                ending.cancel()
                self._over = True
                self._something.set()
                await asyncio.gather(saver, ending, return_exceptions=True)

    async def _end_early(self, tasks: list[asyncio.Task[None]]) -> None:
        """When the run is to stop: let what is under way be answered and stored, then end who only waits."""
        while not self._stopping.is_set() or self._in_request or self._finished:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)  # an answer that has just come is being read
        for task in tasks:
            task.cancel()

    async def _produce(self, groups: asyncio.Queue[list[Wanted] | None], thread: ThreadPoolExecutor) -> None:
        """Put wanted passages into the queue, by row; what becomes wanted meanwhile, anywhere, comes in a later round."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            was_closed, after, seen, new = self._closed.is_set(), -1, 0, 0
            while not self._stopping.is_set():
                try:
                    found = await loop.run_in_executor(thread, self._ledger.next, after, _BLOCK)
                except Exception as error:
                    self._give_up(error)
                    break
                if not found:
                    break
                after = found[-1].row.passage_key
                fresh = [each for each in found if each.row.passage_key not in self._under_way]
                self._under_way.update(each.row.passage_key for each in fresh)
                seen, new = seen + len(found), new + len(fresh)
                by_id = {each.row.passage_id: each for each in fresh}
                for group in self._scheme.groups(map(text_of, fresh)):
                    await groups.put([by_id[passage.passage_id] for passage in group])
            if not seen and was_closed:
                break
            if not new:  # all that is wanted is under way, or nothing is
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _LOOK_AGAIN)
                self._news.clear()
        for _ in range(self._pace.concurrency):
            await groups.put(None)

    async def _work(self, groups: asyncio.Queue[list[Wanted] | None]) -> None:
        while (group := await groups.get()) is not None:
            if self._stopping.is_set():
                continue
            async with self._pace.slot():
                outcomes = await self._read(group)
                if outcomes:
                    stored = asyncio.get_running_loop().create_future()
                    self._finished.append((outcomes, stored))
                    self._something.set()
                    await stored

    async def _read(self, group: list[Wanted]) -> list[Outcome]:
        """Ask about a group; what would fail for all others too stops the run."""
        try:
            results: list[Extraction | Exception] = list(
                await self._scheme.read([text_of(each) for each in group], self._complete, model=self._llm.model)
            )
        except BudgetError as reason:
            self._ended = "budget"
            self.stop(str(reason))
            return []
        except _StoppedError:
            return []
        except ModelError as error:
            if error.endpoint_wide:
                self._give_up(error)
                return []
            if len(group) > 1:  # the refusal may be about one of them
                return [outcome for each in group for outcome in await self._read([each])]
            results = [error]
        except Exception as error:  # ours: told to the writer, who raises it
            self._give_up(error)
            return []
        outcomes = [
            Outcome(wanted, dump_answer(result), None)
            if isinstance(result, Extraction)
            else Outcome(wanted, None, str(result))
            for wanted, result in zip(group, results, strict=True)
        ]
        self._answered += sum(outcome.answer is not None for outcome in outcomes)
        self._failed += sum(outcome.error is not None for outcome in outcomes)
        if not self._answered and self._failed >= _HOPELESS:
            last = next(outcome.error for outcome in outcomes if outcome.error is not None)
            self._give_up(
                ModelOutputError(
                    f"{self._llm.model} gave no usable answer for the first {self._failed} passages; the last: {last}. Take"
                    " another model, or one whose endpoint offers structured output; --retry-failed asks about them again"
                )
            )
        return outcomes

    def _give_up(self, error: Exception) -> None:
        self.error = self.error or error
        self._stopping.set()

    async def _complete(self, request: Request) -> Completion:
        """One call, with all tries that the pace allows it."""

        async def attempt() -> Completion:
            if self._stopping.is_set():
                raise _StoppedError
            reserved = await self._reserve(request)
            usage = Usage()
            self._in_request += 1
            try:
                completion = await call(self._llm, request)
                usage = completion.usage
                return completion
            except ModelError as error:
                usage = error.usage or usage
                raise
            finally:
                self._in_request -= 1
                self._budget.settle(reserved, usage)
                self._settled.set()

        return await self._pace.call(attempt, tokens=probable_tokens(request))

    async def _reserve(self, request: Request) -> Usage:
        """Set aside what a call may cost; near the limit this waits for what calls under way have cost in fact."""
        while True:
            try:
                return self._budget.reserve(request.prompt_tokens, request.max_tokens)
            except BudgetError:
                if not self._budget.is_reserved:
                    raise
            self._settled.clear()
            await self._settled.wait()
            if self._stopping.is_set():
                raise _StoppedError

    async def _save(self, thread: ThreadPoolExecutor) -> None:
        """Commit what is finished, all that has come since the last commit at once; at the end close the account."""
        while not self._over or self._finished:
            await self._something.wait()
            self._something.clear()
            await self._commit(thread)
        ended = self._ended or ("stopped" if self._stopping.is_set() else "finished")
        await self._commit(thread, ended=type(self.error).__name__ if self.error else ended)

    async def _commit(self, thread: ThreadPoolExecutor, *, ended: str = "") -> None:
        finished, self._finished = self._finished, []
        outcomes = [outcome for some, _ in finished for outcome in some]
        spent = self._budget.spent
        usage = spent - self._booked
        loop = asyncio.get_running_loop()
        try:
            if outcomes or usage != Usage():
                await loop.run_in_executor(thread, self._ledger.save, outcomes, usage, self._budget.usd_of(usage))
                self._booked = spent
            if ended:
                await loop.run_in_executor(thread, self._ledger.end, ended)
        except Exception as error:  # a full disk: the answers are lost, and no more are asked for
            self._answered -= sum(outcome.answer is not None for outcome in outcomes)
            self._give_up(error)
        finally:
            self._under_way.difference_update(outcome.wanted.row.passage_key for outcome in outcomes)
            self._news.set()
            for _, stored in finished:
                if not stored.done():
                    stored.set_result(None)
