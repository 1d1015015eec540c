"""Jobs that have ended come home: answers are stored, what failed is asked again, files at the vendor are deleted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice

from hippomem.errors import ContextOverflowError, ModelError, ModelUnavailableError
from hippomem.models.batch_api import Job
from hippomem.models.batch_lines import AnswerLine, read_lines
from hippomem.models.llm import Usage
from hippomem.store.batches import Batch
from hippomem.store.readings import Wanted
from indexing.asking.batch.keeping import Members, Outcomes
from indexing.asking.batch.scratch import scratch_file
from indexing.asking.batch.session import Session
from indexing.asking.ledger import text_of
from indexing.extract import PassageText
from indexing.extract.llm import dump_answer

_log = logging.getLogger("hippomem.batch")

#: Answers stored in one transaction.
SAVED_TOGETHER = 500


class Collector:
    """Takes in one job after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def collect(self, batch: Batch, job: Job) -> None:
        """Store everything that a job that has ended has answered; all else of it can be asked again.

        Killed in between, it is collected again from there. Raises ModelError, when all is stored, for a job that asking
        again would not help: stopped by somebody, or expired without any answer.
        """
        session = self._session
        if session.store.has_unanswered(batch.token):
            for file_id in (job.output_file, job.error_file):
                if file_id is not None:
                    await self._store(batch, file_id)
        reason = "the batch was completed without an answer" if job.state == "completed" else None
        again, failed = session.store.close(batch, reason)
        await self.clear(batch, job)
        session.count(Usage(), 0, 0, failed)
        if job.state == "cancelled":
            raise ModelError(
                f"batch {job.job_id} was cancelled at {session.api.endpoint}; what it had answered is stored, {again:,} "
                "passages still wait: run the same command again to have them asked"
            )
        if job.state == "expired" and not job.completed:
            raise ModelUnavailableError(
                f"batch {job.job_id} expired at {session.api.endpoint} without an answer to any of its {job.total:,} "
                "requests (nothing was paid); run the same command again, or leave out --batch-api"
            )

    async def clear(self, batch: Batch, job: Job) -> None:
        """Delete the job's files at the vendor, and then forget it."""
        session = self._session
        for file_id in job.files:
            await session.patience.call(session.api.delete, file_id)
        session.store.drop(batch.token)
        session.jobs.pop(batch.token, None)

    async def _store(self, batch: Batch, file_id: str) -> None:
        """Fetch a file and store what its lines say."""
        session = self._session
        with scratch_file() as copy:

            async def fetch() -> bool:
                copy.seek(0)
                copy.truncate()
                return await session.api.download(file_id, copy)

            if not await session.patience.call(fetch):
                _log.warning("file %s of batch %s is gone; what it answered is asked again", file_id, batch.vendor_id)
                return
            copy.seek(0)
            lines: Iterator[AnswerLine] = read_lines(copy)
            unknown: list[str] = []
            while block := list(islice(lines, SAVED_TOGETHER)):
                self._save(batch, block, unknown)
        if unknown:
            _log.warning(
                "batch %s: %d lines are about passages that do not wait for it (any more), the first %r; they were left out",
                batch.vendor_id,
                len(unknown),
                unknown[0],
            )

    def _save(self, batch: Batch, lines: list[AnswerLine], unknown: list[str]) -> None:
        """Store what some lines say; ids of requests that are not the job's go to *unknown*."""

        def read(members: Members) -> Outcomes:
            outcomes = Outcomes()
            for line in lines:
                # Taken out: a request answered by two lines counts once.
                if (group := members.pop(line.custom_id, None)) is None:
                    unknown.append(line.custom_id)
                elif line.ran:  # else it stays in the job, and is taken out with all that was not answered
                    outcomes.custom_ids.append(line.custom_id)
                    outcomes.usage += line.usage
                    outcomes.asked += len(group) if line.completion is not None else 0
                    self._read(batch, line, group, outcomes)
            return outcomes

        session = self._session
        outcomes, answered = session.store.save(batch, [line.custom_id for line in lines], read)
        session.count(outcomes.usage, outcomes.asked, answered, len(outcomes.failed))

    def _read(self, batch: Batch, line: AnswerLine, group: dict[int, Wanted], outcomes: Outcomes) -> None:
        """Add what a line says about the passages of its request."""
        if not group:
            return
        if line.completion is not None:
            # A passage that was forgotten meanwhile keeps its place: answers are told apart by theirs.
            places = [text_of(group[at]) if at in group else PassageText("", "", "") for at in range(max(group) + 1)]
            for at, answer in enumerate(self._session.scheme.answers(places, line.completion)):
                if (passage := group.get(at)) is None:
                    continue
                key, text_hash = passage.row.passage_key, passage.text_hash
                if isinstance(answer, Exception):
                    outcomes.fail(key, text_hash, passage.attempts, str(answer))
                else:
                    outcomes.answers.append((key, text_hash, dump_answer(answer)))
        elif line.error is not None and not self._session.learn(batch.token, line.error):
            is_too_long = isinstance(line.error, ContextOverflowError) and len(group) == 1
            advice = "; without --batch-api it is read in parts: hippomem index --retry-failed" if is_too_long else ""
            for passage in group.values():
                reason = f"{line.error}{advice}"
                outcomes.fail(passage.row.passage_key, passage.text_hash, passage.attempts, reason, final=is_too_long)
