"""Chat over real HTTP: answers, structured output with its fallbacks, retries, cost."""

from __future__ import annotations

import email.utils
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hippomem.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelOutputError,
    ModelRateLimitError,
    ModelUnavailableError,
)
from hippomem.models.llm import LLM, OpenAIChat, Usage
from hippomem.models.parse import parse_json
from hippomem.testing import Fault, LoopbackServer

ASK = [{"role": "user", "content": "Where is Rome?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def rome(messages: list[dict[str, Any]]) -> str:
    """The one answer."""
    return '{"city": "Rome"}'


def open_chat(server: LoopbackServer, waits: list[float] | None = None, **options: Any) -> OpenAIChat:
    """A chat on that server; waits are noted, not slept; no jitter."""
    sleep: Callable[[float], Any] = (lambda seconds: None) if waits is None else waits.append
    return OpenAIChat(
        "loopback", server.base_url, **{"sleep": sleep, "jitter": lambda: 0.0, "max_retries": 3, **options}
    )


def formats(server: LoopbackServer) -> list[str | None]:
    """The response formats asked for, in order."""
    return [request.body.get("response_format", {}).get("type") for request in server.requests]


def test_an_answer_has_text_reason_and_cost() -> None:
    """3 words asked and 2 words answered cost 3 + 2 tokens on a server that counts words."""
    with LoopbackServer({"Rome": "in Italy"}) as server, open_chat(server) as chat:
        assert isinstance(chat, LLM)
        answer = chat.complete(ASK, max_tokens=77)
        body = server.requests[0].body
    assert (answer.text, answer.finish_reason) == ("in Italy", "stop")
    assert answer.usage == chat.usage == Usage(prompt_tokens=3, completion_tokens=2, calls=1)
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0, 77, "loopback")
    assert "response_format" not in body


def test_half_a_surrogate_pair_is_sent_as_a_question_mark() -> None:
    """Legal in a Python string, it cannot be sent as UTF-8; the request goes out all the same."""
    with LoopbackServer(rome) as server, open_chat(server) as chat:
        chat.complete([{"role": "user", "content": "Where is \ud800 Rome?"}])
        assert server.requests[0].body["messages"] == [{"role": "user", "content": "Where is ? Rome?"}]


def test_usage_adds_and_subtracts() -> None:
    """Usages add field by field; a difference is what one step cost."""
    total = Usage(3, 2, 1) + Usage(10, 5, 1)
    assert total == Usage(13, 7, 2)
    assert total - Usage(3, 2, 1) == Usage(10, 5, 1)
    assert total.to_dict() == {"prompt_tokens": 13, "completion_tokens": 7, "calls": 2}


def test_a_schema_is_sent_strictly() -> None:
    """The schema goes along under its name; the words of the prompt stay as they are."""
    with LoopbackServer(rome) as server, open_chat(server) as chat:
        chat.complete(ASK, json_schema=SCHEMA, schema_name="place")
        body = server.requests[0].body
    assert body["response_format"]["json_schema"] == {"name": "place", "schema": SCHEMA, "strict": True}
    assert body["messages"] == ASK


@pytest.mark.parametrize(
    ("refused", "first", "later"),
    [
        ((), ["json_schema", "json_object", None], [None]),
        (("json_schema",), ["json_schema", "json_object"], ["json_object"]),
    ],
)
def test_a_server_without_schemas_is_asked_another_way(
    refused: Sequence[str], first: list[str | None], later: list[str | None]
) -> None:
    """400 on a response format leads to the next one, with the schema in words; what worked is remembered."""
    with (
        LoopbackServer(rome, faults=lambda request: Fault.no_structured_output(*refused)) as server,
        open_chat(server) as chat,
    ):
        assert parse_json(chat.complete(ASK, json_schema=SCHEMA).text) == {"city": "Rome"}
        chat.complete(ASK, json_schema=SCHEMA)
        assert formats(server) == first + later
        last = server.requests[-1].body["messages"][-1]["content"]
    assert last.startswith("Where is Rome?")
    assert '"additionalProperties": false' in last
    assert chat.usage.calls == 2


def test_a_refusal_for_another_reason_is_not_remembered() -> None:
    """When every format is refused the first refusal rises, and the next question asks by schema again."""
    fault = Fault.bad_request("messages must alternate")
    with LoopbackServer(rome, faults=[fault, fault, fault]) as server, open_chat(server) as chat:
        with pytest.raises(ModelError, match="must alternate") as caught:
            chat.complete(ASK, json_schema=SCHEMA)
        assert type(caught.value) is ModelError
        chat.complete(ASK, json_schema=SCHEMA)
        assert formats(server)[-1] == "json_schema"


def test_a_request_that_is_too_long_is_not_asked_another_way() -> None:
    """Another format makes no prompt shorter: the overflow rises at once."""
    fault = Fault.bad_request("this model's maximum context length is 4096 tokens")
    with LoopbackServer(rome, faults=lambda request: fault) as server, open_chat(server) as chat:
        with pytest.raises(ContextOverflowError, match="send a shorter text"):
            chat.complete(ASK, json_schema=SCHEMA)
        assert len(server.requests) == 1


def test_a_model_that_wants_other_parameters_gets_them() -> None:
    """Refused ``max_tokens`` and ``temperature`` are sent under the new name and left out; this too is remembered."""

    def picky(request: Any) -> Fault | None:
        if "max_tokens" in request.body:
            return Fault.bad_request("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in request.body:
            return Fault.bad_request("Unsupported value: 'temperature' does not support 0 with this model.")
        return None

    with LoopbackServer(rome, faults=picky) as server, open_chat(server) as chat:
        chat.complete(ASK, max_tokens=5)
        assert server.requests[-1].body["max_completion_tokens"] == 5
        chat.complete(ASK)
        assert len(server.requests) == 4


def test_extra_body_is_sent_along() -> None:
    """Settings of one server reach it."""
    with LoopbackServer(rome) as server, open_chat(server, extra_body={"top_k": 1}) as chat:
        chat.complete(ASK)
        assert server.requests[0].body["top_k"] == 1


def test_retry_after_is_honoured() -> None:
    """The wait is what the server asks for, on 429 and 503."""
    waits: list[float] = []
    faults = [Fault.rate_limited(7), Fault.failed(503, retry_after=2)]
    with LoopbackServer(rome, faults=faults) as server, open_chat(server, waits) as chat:
        chat.complete(ASK)
    assert waits == [7, 2]


def test_retry_after_may_be_a_date() -> None:
    """A date 30 seconds ahead is a wait of about 30 seconds; a date gone by is none."""
    waits: list[float] = []
    dates = [email.utils.formatdate(time.time() + shift, usegmt=True) for shift in (30, -30)]
    with (
        LoopbackServer(rome, faults=[Fault.rate_limited(date) for date in dates]) as server,
        open_chat(server, waits) as chat,
    ):
        chat.complete(ASK)
    assert 25 < waits[0] <= 30
    assert waits[1] == 0


def test_backoff_doubles_and_is_spread() -> None:
    """Without Retry-After the waits double; jitter halves them at most."""
    least, most = [], []
    with LoopbackServer(rome, faults=[Fault.failed()] * 3) as server, open_chat(server, least) as chat:
        chat.complete(ASK)
    with (
        LoopbackServer(rome, faults=[Fault.failed()] * 3) as server,
        open_chat(server, most, jitter=lambda: 1.0) as chat,
    ):
        chat.complete(ASK)
    assert least == [0.25, 0.5, 1.0]
    assert most == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "error", "tries"),
    [
        (Fault.rate_limited(), ModelRateLimitError, 4),
        (Fault.rate_limited(3600), ModelRateLimitError, 1),
        (Fault.rate_limited(code="insufficient_quota"), ModelRateLimitError, 1),
        (Fault.failed(500), ModelUnavailableError, 4),
        (Fault.failed(503), ModelUnavailableError, 4),
        (Fault.disconnected(), ModelUnavailableError, 4),
        (Fault.refused_key(), ModelAuthError, 1),
        (Fault.bad_request("bad"), ModelError, 1),
        (Fault.raw("<html>proxy</html>"), ModelOutputError, 1),
        (Fault.raw("oops", status=502), ModelUnavailableError, 4),
        (Fault.empty_choices(), ModelOutputError, 1),
    ],
)
def test_what_may_pass_is_tried_again_and_what_will_not_is_not(
    fault: Fault, error: type[ModelError], tries: int
) -> None:
    """Each failure is its own error after as many tries as make sense, and names model and endpoint."""
    with LoopbackServer(rome, faults=lambda request: fault) as server, open_chat(server) as chat:
        with pytest.raises(error, match=r"'loopback' at http://127") as caught:
            chat.complete(ASK)
        assert type(caught.value) is error
        assert len(server.requests) == tries


def test_silence_is_a_timeout_and_tried_again() -> None:
    """A server silent for longer than the timeout counts as unavailable; the next try may succeed."""
    with LoopbackServer(rome, faults=[Fault.timeout(5)]) as server, open_chat(server, timeout=0.15) as chat:
        assert chat.complete(ASK).text == '{"city": "Rome"}'
    with (
        LoopbackServer(rome, faults=lambda request: Fault.timeout(5)) as server,
        open_chat(server, timeout=0.15, max_retries=0) as chat,
        pytest.raises(ModelUnavailableError, match="in time; raise the timeout"),
    ):
        chat.complete(ASK)


def test_no_server_at_all_is_unavailable() -> None:
    """A port where nobody listens is an error that asks whether the server is up."""
    with LoopbackServer(rome) as server:
        url = server.base_url
    with (
        OpenAIChat("m", url, max_retries=0) as chat,
        pytest.raises(ModelUnavailableError, match="is the server up"),
    ):
        chat.complete(ASK)


def test_an_answer_cut_short_says_so() -> None:
    """The text so far comes back with finish_reason "length"; what was complete can still be read."""
    with (
        LoopbackServer({"Rome": '{"a": ["x", "y"], "b": "zzzzzzzzzzzzzz"}'}, faults=[Fault.cut_json()]) as server,
        open_chat(server) as chat,
    ):
        answer = chat.complete(ASK)
    assert answer.finish_reason == "length"
    read = parse_json(answer.text)
    assert isinstance(read, dict)
    assert read["a"] == ["x", "y"]


def test_prose_around_json_can_be_read() -> None:
    """Small talk and a fence do not hide the answer."""
    with LoopbackServer(rome, faults=[Fault.prose_around_json()]) as server, open_chat(server) as chat:
        assert parse_json(chat.complete(ASK).text) == {"city": "Rome"}


def test_no_text_is_an_error_that_still_counts() -> None:
    """An answer without text is a ModelOutputError; its tokens are in the usage all the same."""
    with LoopbackServer(lambda messages: None) as server, open_chat(server) as chat:
        with pytest.raises(ModelOutputError, match="without text"):
            chat.complete(ASK)
        assert chat.usage == Usage(3, 0, 1)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"message": {"content": None, "refusal": "I cannot"}, "finish_reason": "stop"}, "declined.*I cannot"),
        ({"message": {"content": ""}, "finish_reason": "length"}, "raise it"),
        ({"message": None}, "without text"),
        ({"message": {"content": [1]}}, "without text"),
    ],
)
def test_odd_choices_are_explained(choice: dict[str, Any], words: str) -> None:
    """A refusal, an answer that never began, and wrong types each have their own message."""
    with (
        LoopbackServer(rome, faults=[Fault.raw({"choices": [choice]})]) as server,
        open_chat(server) as chat,
        pytest.raises(ModelOutputError, match=words),
    ):
        chat.complete(ASK)


def test_threads_share_one_count() -> None:
    """Twenty questions from eight threads are all answered, each with its own answer, and all counted."""
    answers: list[str] = []
    with LoopbackServer(lambda messages: messages[-1]["content"], latency=0.01) as server, open_chat(server) as chat:

        def ask(numbers: Sequence[int]) -> None:
            for number in numbers:
                answers.append(chat.complete([{"role": "user", "content": f"number {number}"}]).text)

        threads = [threading.Thread(target=ask, args=(range(n, 20, 8),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.most_at_once > 1
    assert sorted(answers) == sorted(f"number {n}" for n in range(20))
    assert chat.usage == Usage(40, 40, 20)


def test_long_messages_from_a_server_are_cut() -> None:
    """An error quotes a server's page of HTML only in part."""
    with (
        LoopbackServer(rome, faults=[Fault.raw("<p>" + "x" * 9999, status=403)]) as server,
        open_chat(server) as chat,
        pytest.raises(ModelAuthError) as caught,
    ):
        chat.complete(ASK)
    assert len(str(caught.value)) < 600
