"""Jobs go to the vendor: each exactly once, whenever the process dies.

In this order: the job and its passages are committed under a random token; its file is handed in; it is started, with the
token in its metadata; the vendor's id is committed. A job without an id is looked for at the vendor before its passages are
asked about again.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO

from hippomem.errors import ModelError
from hippomem.models.batch_api import Job
from hippomem.models.llm import Usage
from hippomem.store.batches import Batch
from indexing.asking.batch.blocks import Block, Writing, write_block
from indexing.asking.batch.patience import is_refusal
from indexing.asking.batch.scratch import scratch_file
from indexing.asking.batch.session import Session

_log = logging.getLogger("hippomem.batch")


class Submitter:
    """Sends what waits. settle: seconds after which a vendor lists a job that it has taken."""

    def __init__(self, session: Session, *, settle: float) -> None:
        self._session = session
        self._settle = settle
        self._after = -1
        #: The most requests in a job, halved when the vendor's queue has no room for one of that size.
        self._requests = session.limits.requests
        #: Whether the vendor's queue is full: nothing is sent until one of the jobs in it has ended.
        self.queue_is_full = False
        #: Whether the budget ended the last job.
        self.unaffordable = False

    async def recover(self) -> None:
        """Find out about jobs whose ids were not stored: the vendor has them, or their passages wait again."""
        session = self._session
        for batch in session.store.batches():
            if batch.vendor_id is not None or batch.endpoint != session.api.endpoint:
                continue
            age = (datetime.now(UTC) - batch.submitted_at).total_seconds()
            # Its request may have reached the vendor just before the process died.
            await session.patience.pause(min(max(0.0, self._settle - age), self._settle))
            job = await session.patience.call(session.api.find, batch.token, since=batch.submitted_at)
            if job is not None:
                session.store.set_vendor_id(batch.token, job.job_id)
            else:
                await self._delete_uploads(batch.token)
                session.store.drop(batch.token)

    def rewind(self) -> None:
        """Passages before the place that was reached may wait again."""
        self._after = -1

    def may_go_smaller(self, batch: Batch, job: Job) -> bool:
        """Whether a job was refused only because the vendor's queue had no room for one of that size.

        Then nothing is sent until another job has ended, or, where there is none, jobs of half the size are.
        """
        if not any(code == "token_limit_exceeded" for code, _ in job.errors):
            return False
        if len(self._session.jobs) > 1:
            self.queue_is_full = True
            return True
        self._requests = max(1, min(batch.expected.calls, self._requests) // 2)
        return batch.expected.calls > 1

    async def submit_all(self) -> None:
        """Send everything that waits, as far as the budget and the vendor's queue allow. Raises ModelError."""
        while not self.queue_is_full:
            with scratch_file() as file:
                block = self._next_block(file)
                if not block.requests or await self._submit(block):
                    self._after = block.after
                self.unaffordable = block.unaffordable
                if not block.requests or block.unaffordable:
                    return

    def _next_block(self, file: IO[bytes]) -> Block:
        session = self._session
        under_way = sum((batch.expected for batch in session.store.batches()), Usage())
        writing = Writing(
            session.scheme, session.api.model, session.dialect, session.api.extra_body, session.answer_tokens
        )
        limits = replace(session.limits, requests=self._requests)
        affords = session.store.account.affords
        return write_block(
            file, session.store.next_wanted, self._after, writing, limits, lambda more: affords(under_way + more)
        )

    async def _submit(self, block: Block) -> bool:
        """Send one job; False when nothing was sent: its passages were taken meanwhile, or the queue is full."""
        session = self._session
        await session.patience.pause(0)  # not one more, when the run is to stop
        token = secrets.token_hex(16)
        batch = Batch(token, session.store.asked, session.api.endpoint, None, datetime.now(UTC), block.expected)
        if not session.store.begin(batch, block.requests):
            return False
        session.sent[token] = session.question()
        try:
            file_id = await session.patience.call(session.api.upload, block.file, token)
            if not session.store.exists(token):  # another run did not find it at the vendor, and took its passages back
                await session.patience.call(session.api.delete, file_id)
                return False
            job = await self._create(file_id, batch)
            if job is None:
                self.queue_is_full = True
                await session.patience.call(session.api.delete, file_id)
                session.store.drop(token)
                return False
        except ModelError as error:
            # What may have been started all the same is left for `recover`.
            if is_refusal(error):
                session.store.drop(token)
            raise
        if not session.store.set_vendor_id(token, job.job_id):
            _log.warning("batch %s was given up by another run while it was sent; it is cancelled", job.job_id)
            await session.patience.call(session.api.cancel, job.job_id)
            return False
        session.jobs[token] = job
        session.show(waiting_because="")
        return True

    async def _create(self, file_id: str, batch: Batch) -> Job | None:
        """Start the job; when it is not known whether it was started, look before it is started again.

        None when the vendor takes no more jobs until one of those that it has is done.
        """
        session = self._session
        began, failures = time.monotonic(), 0
        while True:
            try:
                return await session.api.create(file_id, batch.token)
            except ModelError as error:
                if error.status == 429 and session.jobs:
                    return None
                failures += 1
                await session.patience.after(error, failures, began)
            await session.patience.pause(self._settle)
            found = await session.patience.call(session.api.find, batch.token, since=batch.submitted_at)
            if found is not None:
                return found

    async def _delete_uploads(self, token: str) -> None:
        session = self._session
        for file_id in await session.patience.call(session.api.uploads, token):
            await session.patience.call(session.api.delete, file_id)
