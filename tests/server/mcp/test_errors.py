"""What a call that cannot be done gets: words for the model, or an error of the protocol."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from hippomem.errors import EDGE, ModelUnavailableError, RateLimitError, StoreBusyError
from hippomem.server.mcp.failures import ERROR_META, protocol_error, refusal
from hippomem.service.tenants import Tenants
from hippomem.testing import HashEmbedder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.mcp.conftest import Serve
    from tests.server.mcp.driving import Served, Session

#: tool, arguments, what the model must be told.
MENDABLE: list[tuple[str, dict[str, Any], str]] = [
    ("nosuch", {}, "there is no tool 'nosuch'; there are recall, remember"),
    ("recall", {}, "'query' is missing"),
    ("recall", {"query": "  "}, "query"),
    ("recall", {"query": "who?", "colour": "red"}, "there is no argument 'colour' (there are query, max_tokens"),
    ("recall", {"query": "who?", "max_tokens": "many"}, "'max_tokens': input should be a valid integer"),
    ("recall", {"query": "who?", "max_tokens": 10}, "'max_tokens': input should be greater than or equal to 100"),
    ("recall", {"query": "who?", "k": 1000}, "'k': input should be less than or equal to 100"),
    ("recall", {"query": "who?", "since": "someday"}, "someday"),
    ("recall", {"query": "who?", "kind": "gossip"}, "'kind': input should be 'semantic', 'episodic' or 'procedural'"),
    ("recall", {"query": "who?", "metadata": "{no json"}, "'metadata': input should be a valid dictionary"),
    ("recall", {"query": "who?", "metadata": {"n": {"gt": {"a": 1}}}}, "cannot compare by 'gt'"),
    ("remember", {}, "give either 'text' or 'messages', and not both"),
    ("remember", {"text": "a", "messages": [{"role": "user", "content": "b"}]}, "give either 'text' or 'messages'"),
    ("remember", {"text": " \n"}, "text"),
    ("remember", {"text": "a\x00b"}, "NUL"),
    ("remember", {"text": "a", "occurred_at": "2026-02-30"}, "2026-02-30"),
    ("remember", {"text": "a", "ttl": -1}, "'ttl': input should be greater than 0"),
    ("remember", {"text": "a", "ttl": 1e12}, "'ttl': input should be less than or equal to"),
    ("remember", {"text": "a", "supersedes": ["m-nosuch"]}, "no memory has the id 'm-nosuch'"),
    ("remember", {"text": "a", "user": 7}, "'user': input should be a valid string"),
    ("remember", {"messages": []}, "'messages': value should have at least 1 item"),
    ("remember", {"messages": [{"role": "king", "content": "a"}]}, "king"),
    ("remember", {"messages": [{"role": "user"}]}, "'messages.0.content' is missing"),
    ("remember", {"messages": [{"role": "user", "content": "a", "mood": "b"}]}, "no argument 'messages.0.mood'"),
    ("remember", {"messages": [{"role": "user", "content": "a", "timestamp": "noon"}]}, "noon"),
    ("explain", {"query": ""}, "query"),
    ("explain", {"query": "who?", "k": 0}, "'k': input should be greater than or equal to 1"),
    ("browse", {"limit": 0}, "'limit': input should be greater than or equal to 1"),
    ("correct", {"text": "a"}, "'memory_id' is missing"),
    ("correct", {"memory_id": "m-nosuch"}, "nothing to change"),
    ("correct", {"memory_id": "m-nosuch", "text": "a"}, "no memory has the id 'm-nosuch'"),
    ("forget", {}, "give either 'ids', or at least one filter"),
    ("forget", {"ids": []}, "'ids': value should have at least 1 item"),
    ("forget", {"ids": ["m-nosuch"], "user": "anna"}, "give either 'ids', or at least one filter"),
    ("forget", {"ids": ["m-nosuch"]}, "no memory has the id 'm-nosuch'; recall or browse show the ids there are."),
    ("forget", {"all": True}, "there is no argument 'all'"),
    ("recall", {"query": "who?", "namespace": "nosuch"}, "no namespace 'nosuch'"),
    ("recall", {"query": "who?", "namespace": ""}, "the namespace is empty"),
]


def test_a_model_is_told_what_to_change(served: Served) -> None:
    """Each is a failed result with the reason in words and the code of the table; the server goes on, and stores nothing."""

    async def work(s: Session) -> list[CallToolResult]:
        await s.data("remember", text="The RV Petrel is in the harbour.")
        return [await s.call(tool, **arguments) for tool, arguments, _ in MENDABLE]

    for (tool, arguments, told), result in zip(MENDABLE, served.ask(work), strict=True):
        case = f"{tool} {arguments}"
        assert result.is_error, case
        assert told in result.content[0].text, f"{case}: {result.content[0].text}"  # type: ignore[union-attr]
        assert result.meta is not None
        assert result.meta[ERROR_META]["code"] == -32602, case
        assert result.structured_content is None
    with served.tenants.reading("default") as memory:
        assert memory.count() == 1
    assert served.tenants.namespaces() == ["default"]


@pytest.mark.parametrize("cls", EDGE)
def test_every_error_has_its_code(cls: type[Exception]) -> None:
    """As a result or as an error of the protocol, with class and code of the table, and the words of the error."""
    error = RateLimitError("slow down", retry_after=2.5) if cls is RateLimitError else cls("slow down")
    made = refusal(error)  # type: ignore[arg-type]
    code = EDGE[cls].mcp_code  # type: ignore[index]
    if isinstance(made, CallToolResult):
        assert code == -32602
        assert made.is_error
        assert made.meta == {ERROR_META: {"type": cls.__name__, "code": code}}
    else:
        assert (made.code, made.message, made.data["type"]) == (code, "slow down", cls.__name__)
    assert protocol_error(error).code == code  # type: ignore[arg-type]


def test_a_rate_limit_says_when_to_come_back() -> None:
    """retry_after goes along for programs."""
    assert protocol_error(RateLimitError("slow down", retry_after=2.5)).data["retry_after"] == 2.5


class Failing(HashEmbedder):
    """A model that fails as it is told to."""

    failure: Exception | None = None

    def embed(self, texts: Any, **options: Any) -> Any:
        """Fail, or embed."""
        if self.failure is not None:
            raise self.failure
        return super().embed(texts, **options)


@pytest.mark.parametrize("failure", [ModelUnavailableError("the model is away."), StoreBusyError("the store is busy.")])
def test_what_no_other_arguments_would_mend_is_an_error_of_the_protocol(
    failure: Exception, tmp_path: Path, serve: Serve
) -> None:
    """Code and words reach the client, and the next call is served."""
    embedder = Failing()
    with Tenants(tmp_path / "failing.hippo", embedder=embedder) as tenants:

        async def work(s: Session) -> MCPError:
            await s.data("remember", text="The RV Petrel is in the harbour.")
            embedder.failure = failure
            with pytest.raises(MCPError) as caught:
                await s.call("remember", text="The RV Heron is at sea.")
            embedder.failure = None
            await s.data("remember", text="The RV Heron is at sea.")
            return caught.value

        error = serve(tenants=tenants).ask(work)
    assert error.code == EDGE[type(failure)].mcp_code  # type: ignore[index]
    assert error.message == str(failure)


def test_a_mistake_of_ours_tells_the_client_nothing_of_it(
    tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is -32603 with a generic message; class and place are in the log."""
    embedder = Failing()
    with Tenants(tmp_path / "failing.hippo", embedder=embedder) as tenants:
        embedder.failure = ZeroDivisionError("Anna keeps the key under the mat")

        async def work(s: Session) -> MCPError:
            with pytest.raises(MCPError) as caught:
                await s.call("remember", text="The RV Heron is at sea.")
            return caught.value

        with caplog.at_level(logging.ERROR, "hippomem.mcp"):
            error = serve(tenants=tenants).ask(work)
    assert error.code == -32603
    assert "under the mat" not in json.dumps([error.message, error.data])
    assert "ZeroDivisionError" in caplog.text
    assert "tools.py" in caplog.text
    assert "under the mat" not in caplog.text


@pytest.mark.parametrize(
    ("uri", "code", "told"),
    [
        ("hippomem://memories/m-nosuch", -32602, "no memory has the id 'm-nosuch'"),
        ("hippomem://nosuch", -32602, "there is no resource"),
        ("hippomem://stats/x", -32602, "there is no resource"),
        ("hippomem://memories/", -32602, "there is no resource"),
        ("file:///etc/passwd", -32602, "there is no resource"),
        ("hippomem://stats?namespace=nosuch", -32602, "no namespace 'nosuch'"),
    ],
)
def test_a_resource_that_is_not_there(served: Served, uri: str, code: int, told: str) -> None:
    """Is an error of the protocol, as the specification has it."""

    async def work(s: Session) -> MCPError:
        await s.data("remember", text="The RV Petrel is in the harbour.")
        with pytest.raises(MCPError) as caught:
            await s.client.read_resource(uri)
        return caught.value

    error = served.ask(work)
    assert error.code == code
    assert told in error.message
