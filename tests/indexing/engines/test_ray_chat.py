"""An LLM asked from Ray's workers: answers, errors and deaths come back as they would here."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hippomem.errors import ConfigError, ModelAuthError, ModelOutputError, ModelRateLimitError, ModelUnavailableError
from hippomem.models.async_chat import AsyncOpenAIChat
from hippomem.models.completion import Completion, Usage
from hippomem.testing import Fault, LoopbackServer
from indexing.engines.ray.chat import RayChat
from indexing.engines.ray.cluster import Cluster
from indexing.engines.ray.engine import RayEngine
from tests.indexing.engines.made import hashing

KEY = "sk-not-to-be-seen-in-any-log"
ASKED = [{"role": "user", "content": "Which river?"}]


@dataclass
class Line:
    """A chat over two workers, and the server that they ask. faults: of the next requests."""

    server: LoopbackServer
    chat: RayChat
    runner: asyncio.Runner
    faults: list[Fault] = field(default_factory=list)

    def run(self, question: Callable[[RayChat], Coroutine[Any, Any, Any]], *faults: Fault) -> Any:
        """What *question* gets from the chat, on the one event loop, while the server has these faults."""
        self.faults[:] = faults
        return self.runner.run(question(self.chat))


@pytest.fixture(scope="module")
def engine(cluster: Cluster) -> Iterator[RayEngine]:
    """Two workers."""
    made = RayEngine(cluster, hashing())
    yield made
    made.close()


@pytest.fixture(scope="module")
def line(engine: RayEngine) -> Iterator[Line]:
    """A server that answers "the Tiber" after half a second, unless it has a fault to show."""
    faults: list[Fault] = []
    with (
        LoopbackServer(
            lambda messages: "the Tiber", latency=0.5, faults=lambda request: faults.pop() if faults else None
        ) as server,
        asyncio.Runner() as runner,
    ):
        chat = engine.chat(partial(AsyncOpenAIChat, "loopback", server.base_url, KEY))
        assert isinstance(chat, RayChat)
        yield Line(server, chat, runner, faults)
        runner.run(chat.aclose())


def test_both_workers_ask_side_by_side_and_what_they_spent_is_added_up(line: Line) -> None:
    """Forty questions are under way together, from two processes, and each answer comes back whole."""
    before = line.chat.usage

    async def question(chat: RayChat) -> list[Completion]:
        return await asyncio.gather(*(chat.complete(ASKED, max_tokens=9) for _ in range(40)))

    assert line.run(question) == [Completion("the Tiber", "stop", Usage(2, 2, 1))] * 40
    assert line.chat.usage - before == Usage(80, 80, 40)
    assert line.chat.model == "loopback"
    assert line.server.most_at_once > 20
    assert {request.headers["authorization"] for request in line.server.requests} == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("fault", "kind", "transient", "retry_after"),
    [
        (Fault.rate_limited(7), ModelRateLimitError, True, 7.0),
        (Fault.failed(503), ModelUnavailableError, True, None),
        (Fault.refused_key(), ModelAuthError, False, None),
        (Fault.empty_choices(), ModelOutputError, False, None),
    ],
)
def test_errors_come_back_as_they_are(
    line: Line, fault: Fault, kind: type[Exception], transient: bool, retry_after: float | None
) -> None:
    """The class, the message, and whether and when another try may do; the key is in none."""

    async def question(chat: RayChat) -> None:
        with pytest.raises(kind, match="model 'loopback' at http://127") as raised:
            await chat.complete(ASKED)
        error: Any = raised.value
        assert type(error) is kind
        assert (error.transient, error.retry_after) == (transient, retry_after)
        assert KEY not in str(error)

    line.run(question, fault)


def test_a_worker_that_dies_while_it_asks_is_worth_another_try(line: Line) -> None:
    """The questions of the dead one fail in passing, those of the other are answered, and so is the next try."""
    seen = len(line.server.requests)

    async def question(chat: RayChat) -> None:
        asked = [asyncio.create_task(chat.complete(ASKED)) for _ in range(8)]
        while len(line.server.requests) < seen + 8:
            await asyncio.sleep(0.01)
        os.kill(chat.crew.hellos()[0].pid, signal.SIGKILL)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        failed = [each for each in outcomes if isinstance(each, ModelUnavailableError)]
        assert len(failed) == 4
        assert all(error.transient for error in failed)
        assert sum(isinstance(each, Completion) for each in outcomes) == 4
        assert (await chat.complete(ASKED)).text == "the Tiber"
        assert chat.crew.deaths == 1

    line.run(question, *[Fault.timeout(1.0)] * 8)


def test_a_question_that_is_no_longer_wanted_is_dropped(line: Line) -> None:
    """Cancelled here; the next one is answered."""

    async def question(chat: RayChat) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await chat.complete(ASKED)
        assert (await chat.complete(ASKED)).text == "the Tiber"

    line.run(question, Fault.timeout(30))


def test_check_is_made_by_every_worker(engine: RayEngine, line: Line) -> None:
    """Each has a way of its own to the endpoint; one that is not there is found before anything is asked."""
    line.run(lambda chat: chat.check())
    with LoopbackServer() as server:
        gone = server.base_url
    chat = engine.chat(partial(AsyncOpenAIChat, "loopback", gone, KEY))
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        line.runner.run(chat.check())
    line.runner.run(chat.aclose())


def test_what_cannot_be_made_there_says_why(engine: RayEngine) -> None:
    """An error of the making comes back as it is, when the chat is opened."""

    def make() -> AsyncOpenAIChat:
        raise ConfigError("no such model here")

    with pytest.raises(ConfigError, match="no such model here"):
        engine.chat(make)


def test_no_log_of_rays_has_the_key(line: Line) -> None:
    """Workers get it as an argument; nothing that Ray writes tells it."""
    import ray

    context = ray.get_runtime_context()
    logs = Path(context.get_temp_dir()) / context.get_session_name() / "logs"
    texts = [path.read_bytes() for path in logs.rglob("*") if path.is_file()]
    assert texts
    assert not any(KEY.encode() in text for text in texts)
