"""An LLM asked from Ray's workers: answers, errors and deaths come back as they would here."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
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


@pytest.fixture(scope="module")
def engine(cluster: Cluster) -> Iterator[RayEngine]:
    """Two workers."""
    made = RayEngine(cluster, hashing())
    yield made
    made.close()


def ask(engine: RayEngine, url: str, question: Callable[[RayChat], Coroutine[Any, Any, Any]]) -> Any:
    """What *question* gets from a chat of its own."""

    async def run() -> Any:
        chat = engine.chat(partial(AsyncOpenAIChat, "loopback", url, KEY))
        assert isinstance(chat, RayChat)
        try:
            return await question(chat)
        finally:
            await chat.aclose()

    return asyncio.run(run())


def test_both_workers_ask_side_by_side_and_what_they_spent_is_added_up(engine: RayEngine) -> None:
    """Forty questions are under way together, from two processes, and each answer comes back whole."""
    with LoopbackServer(lambda messages: "the Tiber", latency=0.5) as server:

        async def question(chat: RayChat) -> tuple[list[Completion], Usage, str]:
            answers = await asyncio.gather(*(chat.complete(ASKED, max_tokens=9) for _ in range(40)))
            return answers, chat.usage, chat.model

        answers, usage, model = ask(engine, server.base_url, question)
        assert answers == [Completion("the Tiber", "stop", Usage(2, 2, 1))] * 40
        assert (usage, model) == (Usage(80, 80, 40), "loopback")
        assert server.most_at_once > 20
        assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}


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
    engine: RayEngine, fault: Fault, kind: type[Exception], transient: bool, retry_after: float | None
) -> None:
    """The class, the message, and whether and when another try may do."""
    with LoopbackServer(faults=[fault]) as server:

        async def question(chat: RayChat) -> None:
            with pytest.raises(kind, match="model 'loopback' at http://127") as raised:
                await chat.complete(ASKED)
            error: Any = raised.value
            assert type(error) is kind
            assert (error.transient, error.retry_after) == (transient, retry_after)
            assert KEY not in str(error)

        ask(engine, server.base_url, question)


def test_a_worker_that_dies_while_it_asks_is_worth_another_try(engine: RayEngine) -> None:
    """The questions of the dead one fail in passing, those of the other are answered, and so is the next try."""
    with LoopbackServer(lambda messages: "the Tiber", latency=1.5) as server:

        async def question(chat: RayChat) -> None:
            asked = [asyncio.create_task(chat.complete(ASKED)) for _ in range(8)]
            while len(server.requests) < 8:
                await asyncio.sleep(0.01)
            os.kill(chat.crew.hellos()[0].pid, signal.SIGKILL)
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            failed = [each for each in outcomes if isinstance(each, ModelUnavailableError)]
            assert len(failed) == 4
            assert all(error.transient for error in failed)
            assert sum(isinstance(each, Completion) for each in outcomes) == 4
            assert (await chat.complete(ASKED)).text == "the Tiber"
            assert chat.crew.deaths == 1

        ask(engine, server.base_url, question)


def test_check_is_made_by_every_worker(engine: RayEngine) -> None:
    """Each has a way of its own to the endpoint; one that is not there is found before anything is asked."""
    with LoopbackServer() as server:
        ask(engine, server.base_url, lambda chat: chat.check())

        async def wrong(chat: RayChat) -> None:
            with pytest.raises(ModelUnavailableError, match="cannot be reached"):
                await chat.check()

        gone = server.base_url
    ask(engine, gone, wrong)


def test_a_question_that_is_no_longer_wanted_is_dropped_there_too(engine: RayEngine) -> None:
    """Cancelled here, its place is free again."""
    with LoopbackServer(lambda messages: "the Tiber", faults=[Fault.timeout(30)]) as server:

        async def question(chat: RayChat) -> None:
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(1):
                    await chat.complete(ASKED)
            assert (await chat.complete(ASKED)).text == "the Tiber"

        ask(engine, server.base_url, question)


def test_what_cannot_be_made_there_says_why(engine: RayEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ConfigError of the model's making comes back as one."""
    with pytest.raises(ConfigError, match="no base URL|http"):
        engine.chat(partial(AsyncOpenAIChat, "loopback", "not-a-url", KEY))


def test_no_log_of_rays_has_the_key(engine: RayEngine) -> None:
    """Workers get it as an argument; nothing that Ray writes tells it."""
    with LoopbackServer(lambda messages: "the Tiber", faults=[Fault.refused_key()]) as server:

        async def question(chat: RayChat) -> None:
            with pytest.raises(ModelAuthError):
                await chat.complete(ASKED)

        ask(engine, server.base_url, question)
    import ray

    context = ray.get_runtime_context()
    logs = Path(context.get_temp_dir()) / context.get_session_name() / "logs"
    texts = [path.read_bytes() for path in logs.rglob("*") if path.is_file()]
    assert texts
    assert not any(KEY.encode() in text for text in texts)
