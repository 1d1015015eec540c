"""A long ingestion tells how far it is; what was accepted is finished, whoever goes away."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from hippomem.testing import HashEmbedder
from tests.server.rest.conftest import PATIENCE, Served, error_of, serving

EVENTS = {"accept": "text/event-stream"}


class Slow(HashEmbedder):
    """Takes a while for each batch of texts."""

    def embed(self, *args: Any, **more: Any) -> Any:
        """As its parent, later."""
        time.sleep(0.5)
        return super().embed(*args, **more)


def texts(count: int) -> dict[str, Any]:
    """A body of so many texts."""
    return {"memories": [{"text": f"Ship {n} is commanded by Captain Number{n}."} for n in range(count)]}


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and data of each event."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
        else:
            assert line == "" or line.startswith(":"), line


def wait_for(server: Served, total: int) -> None:
    """Until so many memories are stored and indexed."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = server.client.get("/v1/stats")
        if answer.status_code == 200 and answer.json()["memories"] >= total and not answer.json()["pending"]:
            return
        time.sleep(0.05)
    pytest.fail(f"{total} memories were not there after {PATIENCE} s")


def test_progress_and_then_the_report(served: Served) -> None:
    """Events come in order, counts never go back within a stage, and the last is the report of a plain add."""
    body = texts(200)
    with served.client.stream("POST", "/v1/memories", json=body, headers=EVENTS) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = list(events(answer))
    assert [name for name, _ in told[:-1]] == ["progress"] * (len(told) - 1)
    assert len(told) > 2
    last: dict[str, int] = {}
    for _, data in told[:-1]:
        assert set(data) == {"stage", "done", "total"}
        assert data["done"] >= last.get(data["stage"], 0)
        last[data["stage"]] = data["done"]
    name, report = told[-1]
    assert name == "done"
    assert (report["added"], len(report["memory_ids"])) == (200, 200)
    again = served.client.post("/v1/memories", json=body).json()
    assert again["memory_ids"] == report["memory_ids"]
    assert again["duplicates"] == 200


def test_messages_stream_too(served: Served) -> None:
    """Any kind of add can be followed."""
    body = {"messages": [{"role": "user", "content": "I like tea."}], "session": "s"}
    with served.client.stream("POST", "/v1/memories", json=body, headers=EVENTS) as answer:
        assert [name for name, _ in events(answer)][-1] == "done"
    assert served.found("tea") == ["I like tea."]


def test_what_is_wrong_with_the_request_is_a_plain_answer(served: Served) -> None:
    """Checks come before the stream begins."""
    answer = served.client.post("/v1/memories", json={"memories": [{"text": " "}]}, headers=EVENTS)
    assert error_of(answer) == (422, "EmptyTextError")


def test_an_error_on_the_way_is_the_last_event(served: Served) -> None:
    """Once the stream has begun, errors come as an event with the same body, and nothing is stored."""
    body = {"memories": [{"text": "New.", "supersedes": ["m-none"]}]}
    with served.client.stream("POST", "/v1/memories", json=body, headers=EVENTS) as answer:
        [(name, data)] = list(events(answer))
    assert (name, data["error"]["type"]) == ("error", "NotFoundError")
    assert data["error"]["request_id"] == answer.headers["x-request-id"]
    assert error_of(served.client.get("/v1/memories")) == (404, "NotFoundError")


def test_a_client_that_leaves_stops_nothing(tmp_path: Path) -> None:
    """The connection is cut after the first event: the run is finished, all is stored once and searchable."""
    with serving(tmp_path / "notes.hippo", embedder=Slow()) as server:
        with server.client.stream("POST", "/v1/memories", json=texts(300), headers=EVENTS) as answer:
            next(answer.iter_lines())
        wait_for(server, 300)
        assert server.found("Who commands Ship 299?", k=1)
        with server.running.tenants.writing("default") as memory:
            assert memory.check().is_sound


def test_a_client_that_leaves_while_it_sends_stores_nothing(served: Served) -> None:
    """Half a body is no request."""
    place = urlsplit(served.url)
    body = json.dumps(texts(50)).encode()
    head = f"POST /v1/memories HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: application/json\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0)) as client:
        client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
    time.sleep(0.2)
    assert error_of(served.client.get("/v1/memories")) == (404, "NotFoundError")


def test_searches_do_not_wait_for_an_ingestion(tmp_path: Path) -> None:
    """While a long run is written, searches are answered, long before it ends."""
    with serving(tmp_path / "notes.hippo", embedder=Slow()) as server:
        server.add("Comet Sorrel was discovered at Gull Rock.")
        server.found("Comet Sorrel")
        with server.client.stream("POST", "/v1/memories", json=texts(100), headers=EVENTS) as answer:
            told = events(answer)
            next(told)
            with httpx.Client(base_url=server.url, timeout=PATIENCE) as other:
                found = other.post("/v1/search", json={"query": "Comet Sorrel", "k": 1})
            assert found.json()["hits"][0]["text"] == "Comet Sorrel was discovered at Gull Rock."
            assert [name for name, _ in told][-1] == "done"


def test_stopping_finishes_what_runs(tmp_path: Path) -> None:
    """A server that is told to stop while a client that left has an ingestion running: all of it is stored."""
    with (
        serving(tmp_path / "notes.hippo", embedder=Slow()) as server,
        server.client.stream("POST", "/v1/memories", json=texts(200), headers=EVENTS) as answer,
    ):
        next(answer.iter_lines())
    with serving(tmp_path / "notes.hippo") as server:
        assert server.client.get("/v1/stats").json()["memories"] == 200
        assert server.client.get("/v1/stats").json()["pending"] == 0
