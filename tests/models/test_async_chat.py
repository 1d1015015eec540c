"""Chat on an event loop over real HTTP: the same questions as ``OpenAIChat`` asks, one try each, paced together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from hippomem.errors import (
    ConfigError,
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelOutputError,
    ModelRateLimitError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from hippomem.models.async_chat import AsyncLLM, AsyncOpenAIChat, InThreads
from hippomem.models.llm import Completion, OpenAIChat, Usage
from hippomem.models.pacing import Pace
from hippomem.testing import Fault, LoopbackServer
from tests.models.pacing.conftest import ask_all

ASK = [{"role": "user", "content": "Where is Rome?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
Result = TypeVar("Result")


def rome(messages: list[dict[str, Any]]) -> str:
    """The one answer."""
    return '{"city": "Rome"}'


def chatting(
    server: LoopbackServer, talk: Callable[[AsyncOpenAIChat], Coroutine[Any, Any, Result]], **options: Any
) -> Result:
    """What *talk* returns, on a loop of its own."""

    async def main() -> Result:
        async with AsyncOpenAIChat("loopback", server.base_url, **options) as chat:
            return await talk(chat)

    return asyncio.run(main())


async def ask(chat: AsyncOpenAIChat) -> Completion:
    """One question for JSON."""
    return await chat.complete(ASK, json_schema=SCHEMA, max_tokens=77)


@pytest.mark.parametrize("refused", [(), ("json_schema",), ("json_object", "json_schema")])
def test_both_clients_send_the_same_requests(refused: tuple[str, ...]) -> None:
    """Sync and async learn the same from the same refusals, and ask alike before and after."""

    def fault(request: Any) -> Fault | None:
        if "max_tokens" in request.body:
            return Fault.bad_request("Use 'max_completion_tokens' instead.")
        return Fault.no_structured_output(*refused) if refused else None

    async def twice(chat: AsyncOpenAIChat) -> list[Completion]:
        return [await ask(chat), await ask(chat)]

    with LoopbackServer(rome, faults=fault) as server:
        found = chatting(server, twice, extra_body={"top_k": 1})
        ours = [request.body for request in server.requests]
    with (
        LoopbackServer(rome, faults=fault) as server,
        OpenAIChat("loopback", server.base_url, extra_body={"top_k": 1}) as chat,
    ):
        wanted = [chat.complete(ASK, json_schema=SCHEMA, max_tokens=77) for _ in range(2)]
        theirs = [request.body for request in server.requests]
    assert ours == theirs
    assert found == wanted


@pytest.mark.parametrize(
    ("fault", "error", "transient", "retry_after", "endpoint_wide"),
    [
        (Fault.rate_limited(7), ModelRateLimitError, True, 7.0, False),
        (Fault.rate_limited(), ModelRateLimitError, True, None, False),
        (Fault.rate_limited(code="insufficient_quota"), ModelRateLimitError, False, None, True),
        (Fault.raw({"error": {"message": "Insufficient Balance"}}, 402), ModelRateLimitError, False, None, True),
        (Fault.failed(500), ModelUnavailableError, True, None, False),
        (Fault.failed(503, retry_after=2), ModelUnavailableError, True, 2.0, False),
        (Fault.failed(501), ModelUnavailableError, False, None, False),
        (Fault.disconnected(), ModelUnavailableError, True, None, False),
        (Fault.timeout(5), ModelTimeoutError, True, None, False),
        (Fault.refused_key(), ModelAuthError, False, None, True),
        (Fault.raw({"error": {"message": "no such model"}}, 404), ModelUnavailableError, False, None, True),
        (Fault.bad_request("bad"), ModelError, False, None, False),
        (Fault.raw("<html>proxy</html>"), ModelOutputError, False, None, False),
        (Fault.empty_choices(), ModelOutputError, False, None, False),
    ],
)
def test_one_try_says_whether_another_makes_sense(
    fault: Fault, error: type[ModelError], transient: bool, retry_after: float | None, endpoint_wide: bool
) -> None:
    """Each failure is one request, and an error that tells class, whether it may pass, when, and whom it concerns."""
    with LoopbackServer(rome, faults=lambda request: fault) as server:
        with pytest.raises(error, match=r"'loopback' at http://127") as caught:
            chatting(server, lambda chat: chat.complete(ASK), timeout=0.3)
        assert type(caught.value) is error
        assert caught.value.transient is transient
        assert caught.value.retry_after == retry_after
        assert caught.value.endpoint_wide is endpoint_wide
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens", None),
        (400, "Please reduce the length of the messages or completion.", "context_length_exceeded"),
        (400, "The decoder prompt (length 2136) is longer than the maximum model length of 2048.", None),
        (400, "request (4390 tokens) exceeds the available context size (4096 tokens)", "exceed_context_size_error"),
        (500, "Context size has been exceeded.", None),
        (400, "Requested tokens (2285) exceed context window of 2048", None),
        (400, "the input length exceeds the context length", None),
        (400, "prompt is too long: 207791 tokens > 200000 maximum", None),
        (400, "The input token count (314175) exceeds the maximum number of tokens allowed (131072).", None),
        (400, "The input (85050 tokens) is longer than the model's context length (32768 tokens).", None),
        (413, "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 14810", None),
        (429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389.", None),
    ],
)
def test_a_context_overflow_is_known_in_any_servers_words(status: int, message: str, kind: str | None) -> None:
    """OpenAI, Groq, vLLM, llama.cpp, Ollama, Anthropic, Gemini, SGLang: asked once, not for another format, not again."""
    body = {"error": {"message": message, "code": kind, "type": kind}}
    with LoopbackServer(rome, faults=lambda request: Fault.raw(body, status)) as server:
        with pytest.raises(ContextOverflowError) as caught:
            chatting(server, ask)
        assert not caught.value.transient
        assert len(server.requests) == 1


def test_a_refusal_of_a_parameter_is_no_overflow() -> None:
    """The words of other refusals are left alone."""
    fault = Fault.bad_request("max_tokens is too large: 9000. This model supports at most 4096 completion tokens")
    with LoopbackServer(rome, faults=lambda request: fault) as server, pytest.raises(ModelError) as caught:
        chatting(server, lambda chat: chat.complete(ASK))
    assert type(caught.value) is ModelError


def test_usage_counts_unusable_answers() -> None:
    """Tokens are paid for whether or not there was text."""
    seen = []

    async def talk(chat: AsyncOpenAIChat) -> None:
        await chat.complete(ASK)
        with pytest.raises(ModelOutputError):
            await chat.complete(ASK)
        seen.append(chat.usage)

    with LoopbackServer(rome, faults=[None, Fault.empty_choices()]) as server:
        chatting(server, talk)
    assert seen[0].calls == 2
    assert seen[0].prompt_tokens == 6


def test_check_accepts_a_server_that_is_there() -> None:
    """It asks for the list of models, not for an answer."""
    with LoopbackServer(rome) as server:
        chatting(server, lambda chat: chat.check())
        assert server.requests == []


def test_check_refuses_a_port_where_nobody_listens() -> None:
    """An error that asks whether the server is up."""
    with LoopbackServer(rome) as server:
        url = server.base_url

    async def main() -> None:
        async with AsyncOpenAIChat("m", url) as chat:
            await chat.check()

    with pytest.raises(ModelUnavailableError, match="is the server up"):
        asyncio.run(main())


def test_no_key_and_no_model_are_refused_before_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the sync client."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match="no key for model 'm'"):
        AsyncOpenAIChat("m")
    with pytest.raises(ConfigError, match="no model was named"):
        AsyncOpenAIChat("", "http://127.0.0.1:1/v1")


def test_it_works_in_a_loop_of_a_thread() -> None:
    """Made, used and closed in a thread beside the main one."""
    answers = []
    with LoopbackServer(rome) as server:
        thread = threading.Thread(target=lambda: answers.append(chatting(server, ask)))
        thread.start()
        thread.join()
    assert answers[0].text == '{"city": "Rome"}'


def test_a_sync_llm_answers_many_at_once() -> None:
    """In threads of its own, which end when it is closed."""
    with LoopbackServer(rome, latency=0.2) as server, OpenAIChat("loopback", server.base_url) as sync:

        async def main() -> list[Completion]:
            llm = InThreads(sync)
            assert isinstance(llm, AsyncLLM)
            try:
                await llm.check()
                return await asyncio.gather(*(llm.complete(ASK) for _ in range(20)))
            finally:
                await llm.aclose()

        assert len(asyncio.run(main())) == 20
        assert server.most_at_once > 10
        assert sync.usage == Usage(60, 40, 20)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("llm")]


def paced(server: LoopbackServer, calls: int, pace: Pace, **options: Any) -> list[Any]:
    """So many questions through *pace*; answers and errors."""
    return chatting(server, lambda chat: ask_all(pace, lambda: ask(chat), calls, tokens=5), **options)


def test_faults_of_all_kinds_are_outlived() -> None:
    """429, 500, 503, silence and closed connections among forty questions: all are answered."""
    kinds = [Fault.rate_limited(), Fault.failed(500), Fault.failed(503), Fault.disconnected(), Fault.timeout(5)]
    faults = [fault for kind in kinds for fault in (None, None, kind, None, kind)]
    pace = Pace(concurrency=10, jitter=lambda: 0.0)
    with LoopbackServer(rome, faults=faults) as server:
        answers = paced(server, 40, pace, timeout=1.0)
    assert {answer.text for answer in answers} == {'{"city": "Rome"}'}
    state = pace.state
    assert state.calls == 40 + state.retries
    assert (state.rate_limited, state.failures) == (4, 0)
    # The server's short queue of connections may add timeouts of its own.
    assert state.timeouts >= 2
    assert state.retries >= 10


def test_retry_after_is_honoured_by_all() -> None:
    """After a 429 that asks for a second, no request comes for a second."""
    pace = Pace(concurrency=8, jitter=lambda: 0.0)
    with LoopbackServer(rome, faults=[None] * 6 + [Fault.rate_limited(1)], latency=0.05) as server:
        answers = paced(server, 20, pace)
        at = [request.at for request in server.requests]
    assert all(isinstance(answer, Completion) for answer in answers)
    longest = max(range(1, len(at)), key=lambda later: at[later] - at[later - 1])
    assert at[longest] - at[longest - 1] > 0.8
    assert longest <= 6 + 8


def test_a_wrong_key_fails_at_once() -> None:
    """One request for each question that was under way, none again."""
    start = time.monotonic()
    with LoopbackServer(rome, faults=lambda request: Fault.refused_key()) as server:
        answers = paced(server, 3, Pace())
        assert len(server.requests) == 3
    assert all(isinstance(answer, ModelAuthError) for answer in answers)
    assert time.monotonic() - start < 5


def test_the_breaker_pauses_and_says_why() -> None:
    """A server that is gone: the state names endpoint and error, and in the end so does the failure."""
    with LoopbackServer(rome) as server:
        url = server.base_url
    pace = Pace(patience=4)
    seen = []

    async def main() -> list[Any]:
        async with AsyncOpenAIChat("m", url) as chat:
            calls = asyncio.ensure_future(ask_all(pace, lambda: ask(chat), 3, tokens=5))
            while not calls.done():
                await asyncio.sleep(0.05)
                if pace.state.paused_until is not None:
                    seen.append(pace.state)
            return await calls

    answers = asyncio.run(main())
    assert any(url in state.paused_because and "cannot be reached" in state.paused_because for state in seen)
    assert all(isinstance(answer, ModelUnavailableError) and answer.endpoint_wide for answer in answers)
