"""A model that says what a test wrote down, behind a real HTTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hippomem.memory import Memory
from hippomem.models.llm import OpenAIChat
from hippomem.testing import Fault, LoopbackServer
from hippomem.testing.toy import toy_memory


@dataclass(frozen=True)
class Scripted:
    """A model and the server behind it."""

    llm: OpenAIChat
    server: LoopbackServer

    def asked(self) -> list[list[dict[str, Any]]]:
        """The messages of each request so far."""
        return [request.body["messages"] for request in self.server.requests]


Script = Callable[..., Scripted]


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, URLs and proxies of the developer's own shell play no part."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@contextmanager
def scripted(*said: str, faults: tuple[Fault | None, ...] = ()) -> Iterator[Scripted]:
    """A model that says *said*, one a request it answers; asked once more it fails."""
    lines = iter(said)

    def chat(messages: list[dict[str, Any]]) -> str:
        line = next(lines, None)
        if line is None:
            raise LookupError("the script is at its end")
        return line

    with (
        LoopbackServer(chat, faults=faults) as server,
        OpenAIChat("loopback", server.base_url, sleep=lambda seconds: None, max_retries=2) as llm,
    ):
        yield Scripted(llm, server)


@pytest.fixture
def script() -> Iterator[Script]:
    """``script("first answer", "second", faults=(…,))``: a scripted model, closed after the test."""
    with ExitStack() as stack:
        yield lambda *said, faults=(): stack.enter_context(scripted(*said, faults=faults))


@pytest.fixture(scope="session")
def toy() -> Iterator[Memory]:
    """The toy memory, read only."""
    with toy_memory() as memory:
        yield memory
