"""The stand-in server itself: its replies are OpenAI's, its replays are found, its sockets closed."""

from __future__ import annotations

import doctest
import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

import hippomem.testing.loopback
from hippomem.testing import Fault, LoopbackServer


def ask(server: LoopbackServer, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
    """One plain request: status and JSON answer."""
    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=5)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_models_are_listed() -> None:
    """``GET /v1/models`` has the names given."""
    with LoopbackServer(models=["a", "b"]) as server:
        status, answer = ask(server, "GET", "/v1/models")
    assert status == 200
    assert [model["id"] for model in answer["data"]] == ["a", "b"]


def test_recorded_answers_are_found_by_the_longest_text() -> None:
    """Of the recorded texts that occur in the last message the longest wins; none is a 404 that quotes the message."""
    recorded = {"Rome": "city", "Rome is old": "age"}
    with LoopbackServer(recorded) as server:

        def chat(text: str) -> tuple[int, Any]:
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            return ask(server, "POST", "/v1/chat/completions", json.dumps(body))

        assert chat("I say Rome is old.")[1]["choices"][0]["message"]["content"] == "age"
        assert chat("Rome?")[1]["choices"][0]["message"]["content"] == "city"
        status, answer = chat("Paris?")
    assert status == 404
    assert "Paris?" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [("GET", "/v1/none", None, 404), ("POST", "/v1/none", "{}", 404), ("POST", "/v1/embeddings", "{", 400)],
)
def test_unknown_paths_and_bodies_are_refused(method: str, path: str, body: str | None, status: int) -> None:
    """Errors have OpenAI's shape."""
    with LoopbackServer() as server:
        found, answer = ask(server, method, path, body)
    assert found == status
    assert answer["error"]["message"]


def test_closing_does_not_wait_for_sleeping_faults() -> None:
    """A fault that would sleep for a minute ends when the server does."""
    with LoopbackServer(faults=[Fault.timeout(60)]) as server:
        connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=5)
        connection.request("POST", "/v1/embeddings", '{"model": "m", "input": ["x"]}')
        time.sleep(0.05)
        start = time.perf_counter()
    connection.close()
    assert time.perf_counter() - start < 2


def test_requests_are_recorded_in_order() -> None:
    """Path, headers and body of each POST are kept."""
    with LoopbackServer() as server:
        for text in ("x", "y"):
            ask(server, "POST", "/v1/embeddings", json.dumps({"model": "m", "input": [text]}))
    assert [request.body["input"] for request in server.requests] == [["x"], ["y"]]
    assert server.requests[0].path == "/v1/embeddings"
    assert server.requests[0].at <= server.requests[1].at


def test_the_example_is_true() -> None:
    """The docstring's example runs."""
    assert doctest.testmod(hippomem.testing.loopback).failed == 0
