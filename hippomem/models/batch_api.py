"""A vendor's Batch API (OpenAI's protocol): files of requests in, files of answers out within a day, at half the price."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, TypeVar, overload

from hippomem.errors import ModelError, ModelUnavailableError
from hippomem.models.batch_lines import ENDPOINT
from hippomem.models.openai_client import endpoint_settings, plain
from hippomem.models.openai_errors import quote, to_model_error

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

Answer = TypeVar("Answer")

#: Name in a job's metadata under which it carries our token.
TOKEN = "hippomem"  # noqa: S105 (a name, not a secret)
#: Seconds by which the clock of a vendor may be behind ours when jobs are looked through from the newest on.
_SKEW = 3600.0
#: Bytes of a download that are read at a time.
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """A batch at the vendor.

    state: validating, in_progress, finalizing, completed, failed (refused as a whole: see errors), expired (a day was not
    enough), cancelling, cancelled.    completed, failed, total: requests.    errors: (code, the vendor's words) each.
    """

    job_id: str
    state: str
    completed: int
    failed: int
    total: int
    input_file: str | None
    output_file: str | None
    error_file: str | None
    errors: tuple[tuple[str, str], ...]

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("completed", "failed", "expired", "cancelled")

    @property
    def files(self) -> list[str]:
        """All files that belong to it."""
        return [file for file in (self.input_file, self.output_file, self.error_file) if file]


class BatchApi:
    """The calls, each tried once; close it when done.

    Each raises ModelError: ModelUnavailableError where the endpoint has no Batch API at all, ModelAuthError for the key.
    The error tells whether it may pass (``transient``).
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        transfer_timeout: float = 900.0,
    ) -> None:
        """base_url, api_key: default OPENAI_BASE_URL and OPENAI_API_KEY; with a base_url no key is needed.

        extra_body: sent along with each request of a batch.
        timeout, transfer_timeout: seconds for a call, and for a call that carries a file. Raises ConfigError.
        """
        base_url, api_key = endpoint_settings(model, base_url, api_key)
        from openai import AsyncOpenAI

        self.model = model
        self.extra_body = dict(extra_body or {})
        self._transfer_timeout = transfer_timeout
        self._client = AsyncOpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=0)
        self.endpoint = str(self._client.base_url)

    async def check(self) -> None:
        """Is there a Batch API, and is the key accepted? Costs nothing."""

        async def newest(client: AsyncOpenAI) -> None:
            await client.batches.list(limit=1)

        await self._call(newest)

    async def upload(self, file: IO[bytes], token: str) -> str:
        """Hand in a file of request lines; returns its id. The token is part of its name."""
        file.seek(0)
        answer = await self._call(
            lambda client: client.files.create(
                file=(_file_name(token), file, "application/jsonl"), purpose="batch", timeout=self._transfer_timeout
            )
        )
        return self._id(answer)

    async def create(self, file_id: str, token: str) -> Job:
        """Start the batch. When this raises, the job may be there all the same: `find` it before it is started again."""
        answer = await self._call(
            lambda client: client.batches.create(
                input_file_id=file_id, endpoint=ENDPOINT, completion_window="24h", metadata={TOKEN: token}
            )
        )
        return self._job(answer)

    async def find(self, token: str, *, since: datetime) -> Job | None:
        """The job with that token, if the vendor has one that is not older than that time; looks at the newest first."""
        # A vendor that keeps no metadata still says of which file a job is.
        uploaded = set(await self.uploads(token))
        oldest = since.timestamp() - _SKEW

        async def look(client: AsyncOpenAI) -> Batch | None:
            async for batch in client.batches.list(limit=100):
                if (plain(batch, "metadata") or {}).get(TOKEN) == token or batch.input_file_id in uploaded:
                    return batch
                if isinstance(batch.created_at, int | float) and batch.created_at < oldest:
                    break
            return None

        found = await self._call(look)
        return None if found is None else self._job(found)

    async def uploads(self, token: str) -> list[str]:
        """Ids of files that were handed in under that token."""

        async def look(client: AsyncOpenAI) -> list[str]:
            files = client.files.list(purpose="batch")
            return [file.id async for file in files if plain(file, "filename") == _file_name(token)]

        return await self._call(look)

    async def retrieve(self, job_id: str) -> Job | None:
        """How a job stands; None when the vendor knows none of that id."""
        answer = await self._call(lambda client: client.batches.retrieve(job_id), expected=(404,))
        return None if answer is None else self._job(answer)

    async def cancel(self, job_id: str) -> None:
        """Have a job stopped; what it has answered by then is kept. One that has ended stays as it is."""
        await self._call(lambda client: client.batches.cancel(job_id), expected=(400, 404, 409))

    async def download(self, file_id: str, into: IO[bytes]) -> bool:
        """Write an output or error file there; False when it is gone. After an error, what is there is of no use."""

        async def fetch(client: AsyncOpenAI) -> bool:
            import openai

            timeout = self._transfer_timeout
            async with client.files.with_streaming_response.content(file_id, timeout=timeout) as response:
                # The client hands on what its HTTP library (httpx or httpx2) raises when a body breaks off.
                library = sys.modules[type(response.http_request).__module__.partition(".")[0]]
                try:
                    async for piece in response.iter_bytes(_PIECE):
                        into.write(piece)
                except library.TransportError as error:
                    raise openai.APIConnectionError(request=response.http_request) from error
            return True

        return await self._call(fetch, expected=(404,)) is not None

    async def delete(self, file_id: str) -> None:
        """Delete a file; one that is gone already is no error."""
        await self._call(lambda client: client.files.delete(file_id), expected=(404,))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    @overload
    async def _call(self, request: Callable[[AsyncOpenAI], Awaitable[Answer]]) -> Answer: ...

    @overload
    async def _call(
        self, request: Callable[[AsyncOpenAI], Awaitable[Answer]], *, expected: tuple[int, ...]
    ) -> Answer | None: ...

    async def _call(
        self, request: Callable[[AsyncOpenAI], Awaitable[Answer]], *, expected: tuple[int, ...] = ()
    ) -> Answer | None:
        """One try. Raises ModelError.    expected: statuses that are an answer too: None."""
        import openai

        try:
            return await request(self._client)
        # ValueError: the body is no JSON, or not what the client expects.
        except (openai.OpenAIError, ValueError) as error:
            ours = to_model_error(error, model=self.model, endpoint=self.endpoint)
            if ours.status in expected:
                return None
            if ours.status in (404, 405, 501):
                status = ours.status
                ours = ModelUnavailableError(
                    f"{self.endpoint} has no Batch API ({status}: {quote(error)}); leave out --batch-api"
                )
                ours.status, ours.endpoint_wide = status, True
            raise ours from error

    def _id(self, answer: object) -> str:
        given = plain(answer, "id")
        if not isinstance(given, str) or not given:
            raise ModelError(f"{self.endpoint} gave no id: {quote(answer)}; is its Batch API that of OpenAI?")
        return given

    def _job(self, answer: object) -> Job:
        counts = plain(answer, "request_counts")
        errors = plain(plain(answer, "errors"), "data")
        return Job(
            job_id=self._id(answer),
            state=str(plain(answer, "status")),
            completed=_number(plain(counts, "completed")),
            failed=_number(plain(counts, "failed")),
            total=_number(plain(counts, "total")),
            input_file=plain(answer, "input_file_id") or None,
            output_file=plain(answer, "output_file_id") or None,
            error_file=plain(answer, "error_file_id") or None,
            errors=tuple(_words(error) for error in errors) if isinstance(errors, list) else (),
        )


def _number(count: object) -> int:
    return count if isinstance(count, int) else 0


def _file_name(token: str) -> str:
    return f"{TOKEN}-{token}.jsonl"


def _words(error: object) -> tuple[str, str]:
    line = plain(error, "line")
    at = f" (line {line})" if isinstance(line, int) else ""
    return str(plain(error, "code") or ""), f"{quote(plain(error, 'message') or error)}{at}"
