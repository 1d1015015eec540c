"""The Batch API over real HTTP: files, jobs, lines, and what an endpoint without one answers."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from hippomem.errors import (
    ConfigError,
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelUnavailableError,
)
from hippomem.models.batch_api import BatchApi
from hippomem.models.batch_lines import read_line, read_lines, request_line
from hippomem.models.llm import Usage
from hippomem.testing import LoopbackServer

Result = TypeVar("Result")

BODY = {"model": "loopback", "messages": [{"role": "user", "content": "Where is Rome?"}]}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def ask(server: LoopbackServer, what: Callable[[BatchApi], Awaitable[Result]], **options: Any) -> Result:
    """What the calls give, on an API of their own."""

    async def run() -> Result:
        api = BatchApi("loopback", server.base_url, "key", **{"timeout": 5.0, **options})
        try:
            return await what(api)
        finally:
            await api.aclose()

    return asyncio.run(run())


def test_a_job_from_end_to_end() -> None:
    """Two lines in, two lines out, in whatever order, with their cost; the files can be deleted."""

    async def work(api: BatchApi) -> list[tuple[str, str, Usage]]:
        await api.check()
        file = io.BytesIO(request_line("one", BODY) + request_line("two", BODY))
        job = await api.create(await api.upload(file, "t0ken"), "t0ken")
        assert (job.state, job.total, job.has_ended) == ("validating", 2, False)
        ended = await api.retrieve(job.job_id)
        assert ended is not None
        assert (ended.state, ended.completed, ended.failed, ended.total) == ("completed", 2, 0, 2)
        assert ended.has_ended
        copy = io.BytesIO()
        assert ended.output_file is not None
        assert await api.download(ended.output_file, copy)
        for file_id in ended.files:
            await api.delete(file_id)
            await api.delete(file_id)  # gone already
        assert not await api.download(ended.output_file, copy)
        lines = read_lines(copy.getvalue().splitlines())
        return sorted((each.custom_id, each.completion.text, each.usage) for each in lines if each.completion)

    with LoopbackServer({"Rome": "in Italy"}, batches=True) as server:
        assert ask(server, work) == [("one", "in Italy", Usage(3, 2, 1)), ("two", "in Italy", Usage(3, 2, 1))]
        assert server.batches is not None
        assert server.batches.files == {}


@pytest.mark.parametrize("keeps_metadata", [True, False])
def test_a_job_is_found_by_its_token_among_many(keeps_metadata: bool) -> None:
    """On whatever page of the list it is; where the vendor shows no metadata, by the name of its file."""

    async def work(api: BatchApi) -> None:
        ids = {}
        for token in [f"t{number}" for number in range(130)]:
            file_id = await api.upload(io.BytesIO(request_line("one", BODY)), token)
            ids[token] = (await api.create(file_id, token)).job_id
        for token in ("t0", "t1", "t129"):
            found = await api.find(token, since=LONG_AGO)
            assert found is not None
            assert found.job_id == ids[token]
        assert await api.find("t1000", since=LONG_AGO) is None
        assert await api.find("t", since=LONG_AGO) is None

    with LoopbackServer({"Rome": "in Italy"}, batches=True) as server:
        assert server.batches is not None
        server.batches.keeps_metadata = keeps_metadata
        ask(server, work)


def test_jobs_from_before_are_not_looked_through() -> None:
    """A list of years is read as far back as the job can be, and an hour more for the vendor's clock."""

    async def work(api: BatchApi) -> None:
        await api.create(await api.upload(io.BytesIO(request_line("one", BODY)), "old"), "other")
        since = datetime.now(UTC) + timedelta(hours=2)
        for _ in range(101):
            await api.create("file-1", "newer")
        assert await api.find("old but not to be found", since=since) is None

    with LoopbackServer({"Rome": "in Italy"}, batches=True) as server:
        ask(server, work)
        assert server.batches is not None
        assert server.batches.calls.count(("GET", "/v1/batches")) == 1


def test_cancelling_keeps_what_was_answered() -> None:
    """Of four requests two are answered; cancelling again, or a job that is unknown, is no error."""

    async def work(api: BatchApi) -> None:
        file = io.BytesIO(b"".join(request_line(str(number), BODY) for number in range(4)))
        job = await api.create(await api.upload(file, "t0ken"), "t0ken")
        await api.cancel(job.job_id)
        await api.cancel(job.job_id)
        await api.cancel("batch_of_nobody")
        ended = await api.retrieve(job.job_id)
        assert ended is not None
        assert (ended.state, ended.completed) == ("cancelled", 2)
        assert await api.retrieve("batch_of_nobody") is None
        copy = io.BytesIO()
        assert await api.download(ended.error_file or "", copy)
        assert [line.ran for line in read_lines(copy.getvalue().splitlines())] == [False, False]

    with LoopbackServer({"Rome": "in Italy"}, batches=True) as server:
        assert server.batches is not None
        server.batches.seconds = 3600.0
        ask(server, work)


def test_an_endpoint_without_the_paths_says_what_to_leave_out() -> None:
    """Whichever call comes first."""
    with LoopbackServer() as server:
        for what in (
            lambda api: api.check(),
            lambda api: api.upload(io.BytesIO(b"{}"), "t"),
            lambda api: api.create("f", "t"),
        ):
            with pytest.raises(ModelUnavailableError, match="has no Batch API") as raised:
                ask(server, what)
            assert not raised.value.transient


def test_what_may_pass_is_marked() -> None:
    """Nobody there: transient; no key at all: an error before any call."""

    async def check() -> None:
        api = BatchApi("loopback", "http://127.0.0.1:9/v1", timeout=1.0)
        try:
            with pytest.raises(ModelUnavailableError, match="cannot be reached") as raised:
                await api.check()
            assert raised.value.transient
        finally:
            await api.aclose()

    asyncio.run(check())
    with pytest.raises(ConfigError, match="no key"):
        BatchApi("loopback")
    with pytest.raises(ConfigError, match="no model"):
        BatchApi("", "http://127.0.0.1:9/v1")


@contextmanager
def replying(raw: bytes) -> Iterator[str]:
    """The base URL of a server that answers one request with these bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(raw)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        thread.join()


def refusal(url: str, what: Callable[[BatchApi], Awaitable[Any]]) -> ModelError:
    """The error that a call raises there."""

    async def run() -> ModelError:
        api = BatchApi("loopback", url, "key", timeout=5.0)
        try:
            with pytest.raises(ModelError) as raised:
                await what(api)
            return raised.value
        finally:
            await api.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [(503, ModelUnavailableError, True), (429, ModelRateLimitError, True), (401, ModelAuthError, False)],
)
def test_a_cancelling_that_fails_may_be_tried_again(status: int, kind: type[ModelError], transient: bool) -> None:
    """It raises an error of ours like every other call, which says whether it may pass."""
    with replying(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status) as url:
        error = refusal(url, lambda api: api.cancel("batch_1"))
    assert (type(error), error.status, error.transient) == (kind, status, transient)


def test_a_download_that_breaks_off_may_be_tried_again() -> None:
    """The connection ends in the middle of the file."""
    with replying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf of it") as url:
        error = refusal(url, lambda api: api.download("file-1", io.BytesIO()))
    assert isinstance(error, ModelUnavailableError)
    assert error.transient
    assert "cannot be reached" in str(error)


def line(**row: Any) -> str:
    """A line of an output file."""
    return json.dumps({"custom_id": "one", "response": None, "error": None, **row})


def test_lines_that_name_no_request_are_none() -> None:
    """No JSON, no object, no id."""
    for text in ("", "{", "[]", "7", '{"response": {}}', '{"custom_id": 7}'):
        assert read_line(text) is None


@pytest.mark.parametrize(
    "body", [None, "text", {}, {"choices": []}, {"choices": [None]}, {"choices": [{"message": {"content": None}}]}]
)
def test_an_answer_of_any_shape_is_an_error_of_its_line(body: Any) -> None:
    """And never an exception; it counts as a call, because it may have been paid."""
    read = read_line(line(response={"status_code": 200, "body": body}))
    assert read is not None
    assert read.completion is None
    assert read.error is not None
    assert (read.ran, read.usage.calls) == (True, 1)


def test_errors_have_the_vendors_words_and_status() -> None:
    """From the body of a response, or from beside it; too long is an error of its own."""
    body = {"error": {"message": "Unknown parameter: 'x'", "code": "unknown_parameter"}}
    read = read_line(line(response={"status_code": 400, "body": body}))
    assert read is not None
    assert (str(read.error), read.ran) == ("400: Unknown parameter: 'x'", True)
    assert read.error is not None
    assert read.error.status == 400
    body = {"error": {"message": "Too much.", "code": "context_length_exceeded"}}
    read = read_line(line(response={"status_code": 400, "body": body}))
    assert read is not None
    assert isinstance(read.error, ContextOverflowError)
    for code, ran in (("batch_expired", False), ("batch_cancelled", False), ("internal", True)):
        read = read_line(line(error={"code": code, "message": "no time"}))
        assert read is not None
        assert (type(read.error), read.ran, read.usage.calls) == (ModelError, ran, 0)


def test_half_a_surrogate_pair_can_be_sent() -> None:
    """As "?", like the chat client does."""
    sent = request_line("one", {"messages": [{"role": "user", "content": "a\ud83d"}]})
    assert json.loads(sent)["body"]["messages"][0]["content"] == "a?"
    assert sent.count(b"\n") == 1
