"""Reading through a vendor's Batch API: send what waits, watch, collect, and again, until nothing waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hippomem.errors import ConfigError, ModelError
from hippomem.models.batch_api import BatchApi, Job
from hippomem.store.batches import Batch
from indexing.asking.batch.blocks import Limits
from indexing.asking.batch.collecting import Collector
from indexing.asking.batch.keeping import BatchStore
from indexing.asking.batch.patience import Patience, Stop, StoppedError
from indexing.asking.batch.session import Session
from indexing.asking.batch.status import BatchStatus, Ended, Outcome
from indexing.asking.batch.submitting import Submitter
from indexing.extract.llm import Scheme

_log = logging.getLogger("hippomem.batch")

#: How long a vendor keeps the files of a job.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. first, longest: between looks at the jobs, growing while nothing changes; longest: also between tries.

    patience: of failures in a row before the run gives up; jobs at the vendor go on.
    settle: after which a vendor lists a job that it has taken.
    """

    first: float = 2.0
    longest: float = 60.0
    patience: float = 6 * 3600.0
    settle: float = 15.0


async def read_in_batches(
    store: BatchStore,
    api: BatchApi,
    scheme: Scheme,
    *,
    status: Callable[[BatchStatus], None] = lambda status: None,
    stop: Stop,
    wait: bool = True,
    limits: Limits = Limits(),
    timing: Timing = Timing(),
) -> Ended:
    """Have every passage read that waits; first, take up the jobs of earlier runs.

    Best begun when all passages are known: what waits is sent at once, in jobs as large as they may be.
    status: told whenever something changed.    stop: once set, the run ends within a second, or when the call under way
    does, and leaves jobs at the vendor.
    wait: False to collect what has ended and send what waits, but not to wait for it.

    Raises ModelError when the vendor refuses a job or the key, or has no Batch API: the passages still wait.
    ConfigError for a scheme of two calls.
    """
    if scheme.calls == 2:
        raise ConfigError("a batch makes one call a passage; leave out --batch-api, or ask in one call (calls=1)")

    def waiting(reason: str) -> None:
        session.show(waiting_because=reason)

    patience = Patience(stop, longest=timing.longest, limit=timing.patience, waiting=waiting)
    session = Session(store, api, scheme, patience, limits, status)
    try:
        outcome = await _Reading(session, Submitter(session, settle=timing.settle), timing).run(wait)
    except StoppedError:
        outcome = "stopped"
    return Ended(outcome, len(store.batches()), store.count_passages(), session.status)


class _Reading:
    def __init__(self, session: Session, submitter: Submitter, timing: Timing) -> None:
        self._session = session
        self._submitter = submitter
        self._collector = Collector(session)
        self._timing = timing

    async def run(self, wait: bool) -> Outcome:
        session, submitter = self._session, self._submitter
        await session.patience.call(session.api.check)
        self._look_at_others()
        await submitter.recover()
        interval = self._timing.first
        while True:
            changed = await self._look()
            await submitter.submit_all()
            if not session.jobs:
                if submitter.queue_is_full:  # by jobs that have ended since
                    submitter.queue_is_full = False
                    continue
                return "budget" if submitter.unaffordable else "finished"
            if not wait:
                return "submitted"
            interval = self._timing.first if changed else min(1.5 * interval, self._timing.longest)
            await session.patience.pause(interval)

    def _is_ours(self, batch: Batch) -> bool:
        """Whether this run can collect it: the endpoint has it, and the answers are in the form that was asked for."""
        return batch.endpoint == self._session.api.endpoint and batch.asked.prompt == self._session.scheme.version

    def _look_at_others(self) -> None:
        """Say of jobs that this run cannot collect where they are; those that nobody can any more are dropped."""
        store = self._session.store
        for batch in store.batches():
            if self._is_ours(batch):
                continue
            since = batch.submitted_at.isoformat(timespec="minutes")
            if datetime.now(UTC) - batch.submitted_at > _KEPT:
                _log.warning("a batch of %s at %s was never collected; its passages wait again", since, batch.endpoint)
                store.drop(batch.token)
            else:
                _log.warning(
                    "a batch of %s is at %s, asked with prompt %s: run with these to collect it; its passages wait for it",
                    since,
                    batch.endpoint,
                    batch.asked.prompt,
                )

    async def _look(self) -> bool:
        """See how all jobs stand and take in those that have ended; returns whether anything changed."""
        session = self._session
        batches = session.store.batches()
        changed = self._let_go(batches)
        for batch in batches:
            if batch.vendor_id is None or not self._is_ours(batch):
                continue
            vendor_id, before = batch.vendor_id, session.jobs.get(batch.token)
            job = await session.patience.call(session.api.retrieve, vendor_id)
            changed |= job != before
            if job is None:
                _log.warning("batch %s is unknown at %s; its passages are asked again", vendor_id, batch.endpoint)
                session.store.drop(batch.token)
                session.jobs.pop(batch.token, None)
                self._submitter.rewind()
                continue
            session.jobs[batch.token] = job
            session.show(waiting_because="")
            if job.has_ended:
                await self._take_in(batch, job)
        return changed

    def _let_go(self, there: list[Batch]) -> bool:
        """Wait no more for jobs that another run has collected; returns whether there were any."""
        gone = self._session.jobs.keys() - {batch.token for batch in there}
        for token in gone:
            del self._session.jobs[token]
        if gone:
            self._submitter.rewind()
            self._submitter.queue_is_full = False
            self._session.show()
        return bool(gone)

    async def _take_in(self, batch: Batch, job: Job) -> None:
        self._submitter.rewind()
        if job.state != "failed":
            self._submitter.queue_is_full = False
            await self._collector.collect(batch, job)
            self._session.show()
            return
        goes_smaller = self._submitter.may_go_smaller(batch, job)
        await self._collector.clear(batch, job)
        self._session.show()
        if not goes_smaller:
            words = "; ".join(said for _, said in job.errors[:3]) or "no reason was given"
            raise ModelError(
                f"{batch.endpoint} refused batch {job.job_id} of {batch.expected.calls:,} requests to "
                f"{batch.asked.model!r}: {words}; nothing was paid, and its passages still wait"
            )
