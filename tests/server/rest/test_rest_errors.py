"""Bad input gets the documented error, in the one shape, and changes nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from hippomem.errors import ModelUnavailableError, StoreBusyError
from hippomem.server.access import Keys
from hippomem.server.strict import DEPTH
from hippomem.testing import HashEmbedder
from tests.server.rest.conftest import Served, error_of, serving

DEEP: Any = 1
for _ in range(DEPTH):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("memories", {}, "text"),
        ("memories", [], "dictionary"),
        ("memories", "text", "dictionary"),
        ("memories", {"text": 5}, "text"),
        ("memories", {"text": ""}, "text"),
        ("memories", {"text": "a", "colour": "red"}, "colour"),
        ("memories", {"text": "a", "memories": [{"text": "b"}]}, "text"),
        ("memories", {"memories": []}, "memories"),
        ("memories", {"memories": [{"text": "a", "namespace": "b"}]}, "namespace"),
        ("memories", {"messages": [{"role": "pirate", "content": "a"}]}, "role"),
        ("memories", {"messages": [{"role": "user", "content": 5}]}, "content"),
        ("memories", {"text": "a", "position": "1"}, "position"),
        ("memories", {"text": "a", "position": 1.5}, "position"),
        ("memories", {"text": "a", "kind": "epic"}, "kind"),
        ("memories", {"text": "a", "occurred_at": "soon"}, "soon"),
        ("memories", {"text": "a", "occurred_at": "2026-02-30"}, "2026-02-30"),
        ("memories", {"text": "a", "expires_at": "2001-01-01"}, "over"),
        ("memories", {"text": "a", "ttl": 0}, "ttl"),
        ("memories", {"text": "a", "ttl": -1}, "ttl"),
        ("memories", {"text": "a", "ttl": 1e18}, "ttl"),
        ("memories", {"text": "a", "ttl": 5, "expires_at": "2099-01-01"}, "both"),
        ("memories", {"text": "a", "metadata": [1]}, "metadata"),
        ("memories", {"text": "a", "metadata": DEEP}, "deeper"),
        ("memories", {"text": "a", "user": "\n"}, "user"),
        ("memories", {"text": "a", "namespace": ""}, "namespace"),
        ("memories", {"text": "a", "namespace": "n" * 201}, "namespace"),
        ("memories", {"text": "a", "namespace": "a\u0007b"}, "namespace"),
        ("search", {"query": "a", "k": 0}, "k"),
        ("search", {"query": "a", "k": 1001}, "k"),
        ("search", {"query": "a", "k": True}, "k"),
        ("search", {"query": "a", "k": 10**30}, "64 bits"),
        ("search", {"query": "a" * 20_001}, "query"),
        ("search", {"query": "a", "where": {"colour": "red"}}, "colour"),
        ("search", {"query": "a", "where": {"since": "yesterday"}}, "yesterday"),
        ("search", {"query": "a", "where": {"metadata": {"a": {"gte": [5]}}}}, "gte"),
        ("search", {"query": "a", "retriever": "magic"}, "retriever"),
        ("search/batch", {"queries": []}, "queries"),
        ("recall", {"query": "a", "max_tokens": 0}, "max_tokens"),
        ("forget", {}, "ids or where"),
        ("forget", {"ids": ["a"], "where": {"user": "b"}}, "ids or where"),
        ("forget", {"where": {}}, "empty"),
        ("forget", {"where": {"user": None}}, "empty"),
        ("forget", {"ids": []}, "ids"),
    ],
)
def test_what_does_not_fit_is_422(steady: Served, path: str, body: Any, word: str) -> None:
    """The message names the place, and nothing is stored."""
    answer = steady.client.post(f"/v1/{path}", json=body)
    assert error_of(answer) == (422, "InputError")
    assert word in answer.json()["error"]["message"]
    assert steady.client.get("/v1/memories").json()["total"] == 1


@pytest.mark.parametrize("body", [{"text": " \n\t"}, {"memories": [{"text": "a"}, {"text": "\u2003"}]}])
def test_a_text_of_nothing_visible(steady: Served, body: Any) -> None:
    """White space of any script is no memory."""
    assert error_of(steady.client.post("/v1/memories", json=body)) == (422, "EmptyTextError")


def test_a_query_of_nothing_visible(steady: Served) -> None:
    """White space is no query."""
    assert error_of(steady.client.post("/v1/search", json={"query": " "})) == (422, "EmptyQueryError")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe{}",
        b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "a", "ttl": NaN}',
        b'{"text": "a", "ttl": Infinity}',
        b'{"text": "a", "metadata": {"x": 1e999}}',
        b'{"text": "a", "metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_bytes_that_are_no_strict_json(steady: Served, raw: bytes) -> None:
    """Whatever the bytes are, the answer is 422 and nothing is stored."""
    answer = steady.client.post("/v1/memories", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (415, 422) if not raw else error_of(answer) == (422, "InputError")
    assert steady.client.get("/v1/memories").json()["total"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "limit=many",
        "limit=0",
        "limit=1001",
        "limit=1&limit=2",
        "metadata=5",
        "metadata=%7B",
        "user=%00",
        "kind=x",
    ],
)
def test_queries_of_a_get_are_checked_too(steady: Served, query: str) -> None:
    """Unknown, wrong and repeated parameters are refused."""
    assert error_of(steady.client.get(f"/v1/memories?{query}")) == (422, "InputError")


def test_posts_take_no_query(steady: Served) -> None:
    """A parameter where none is known is refused: it would be overlooked."""
    answer = steady.client.post("/v1/search?namespace=other", json={"query": "a"})
    assert error_of(answer) == (422, "InputError")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/memories/m-none"),
        ("DELETE", "/v1/memories/m-none"),
        ("GET", "/v1/memories/m-none/history"),
        ("GET", "/v1/memories?namespace=none"),
        ("GET", "/v1/stats?namespace=none"),
        ("GET", "/v1/memories/a%00b"),
        ("GET", "/v1/memories/%FF"),
        ("DELETE", "/v1/namespaces/none"),
        ("GET", "/nowhere"),
        ("GET", "/v1/"),
    ],
)
def test_what_is_not_there(steady: Served, method: str, path: str) -> None:
    """Unknown ids, namespaces and paths are 404 (a NUL in an id is 422)."""
    expected = (422, "InputError") if "%00" in path else (404, "NotFoundError")
    assert error_of(steady.client.request(method, path)) == expected


def test_namespaces_are_not_made_by_asking(steady: Served) -> None:
    """No call but an add makes a namespace."""
    steady.client.post("/v1/search", json={"query": "a", "namespace": "x"})
    steady.client.post("/v1/forget", json={"ids": ["a"], "namespace": "x"})
    steady.client.patch("/v1/memories/a", json={"title": "b", "namespace": "x"})
    steady.client.delete("/v1/namespaces/x")
    assert steady.client.get("/v1/namespaces").json() == {"namespaces": ["default"]}


def test_wrong_methods_say_which_are_right(steady: Served) -> None:
    """405 with all methods of the path."""
    answer = steady.client.put("/v1/memories/a", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    assert set(answer.json()["error"]) == {"type", "message", "request_id"}


def test_bodies_of_another_kind_are_415(steady: Served) -> None:
    """A form, which a page of another site could send without asking, is no JSON."""
    answer = steady.client.post("/v1/memories", content=b'{"text": "a"}', headers={"content-type": "text/plain"})
    assert error_of(answer) == (415, "UnsupportedMediaError")


def test_a_body_over_the_limit_is_413(tmp_path: Path) -> None:
    """Counted, and also where the length is not told beforehand."""
    with serving(tmp_path / "notes.hippo", max_body=2000) as server:
        big = json.dumps({"text": "a" * 3000}).encode()
        assert error_of(server.client.post("/v1/memories", content=big, headers=JSON)) == (413, "TooLargeError")
        assert error_of(server.client.post("/v1/memories", content=iter([big[:1000], big[1000:]]), headers=JSON)) == (
            413,
            "TooLargeError",
        )


JSON = {"content-type": "application/json"}


def test_keys_decide_before_bodies_are_read(served: Served) -> None:
    """Without a key 401, with too few rights or another namespace 403, whatever the body says."""
    with served.running.tenants.writing("mine") as memory:
        memory.add("Here.")
        keys = Keys(memory.store)
        _, reader = keys.create("reader", "read", ["mine"])
    assert error_of(served.client.post("/v1/memories", content=b"{", headers=JSON)) == (401, "UnauthenticatedError")
    assert served.client.get("/v1/stats").headers["www-authenticate"] == "Bearer"
    with httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {reader}"}, timeout=30) as client:
        assert client.get("/v1/stats", params={"namespace": "mine"}).status_code == 200
        assert error_of(client.get("/v1/stats")) == (403, "ForbiddenError")
        assert error_of(client.post("/v1/memories", json={"text": "a", "namespace": "mine"})) == (403, "ForbiddenError")
        assert error_of(client.post("/v1/memories", content=b"{", headers=JSON)) == (403, "ForbiddenError")
        assert error_of(client.delete("/v1/namespaces/mine")) == (403, "ForbiddenError")
        assert client.get("/v1/namespaces").json() == {"namespaces": ["mine"]}
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert served.client.get(path).status_code == 200, path


def test_too_many_requests_are_429(tmp_path: Path) -> None:
    """Over the rate of a key, with the time to wait."""
    with serving(tmp_path / "notes.hippo", rate=6) as server:
        answers = [server.client.get("/v1/namespaces") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 429, 429]
        assert error_of(answers[-1]) == (429, "RateLimitError")
        assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreBusyError("busy."), 503), (ModelUnavailableError("away."), 503), (RuntimeError("secret words"), 500)],
)
def test_failures_of_the_server_itself(
    tmp_path: Path, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What breaks on purpose says so; what nobody expected is 500 without its words, which the log has not either."""

    class Broken(HashEmbedder):
        def embed(self, *args: Any, **more: Any) -> Any:
            raise error

    caplog.set_level(logging.INFO, "hippomem.server")
    with serving(tmp_path / "notes.hippo", embedder=Broken()) as server:
        answer = server.client.post(
            "/v1/memories", json={"text": "Zebrafinch sings."}, headers={"x-request-id": "r-17"}
        )
    name = type(error).__name__ if status == 503 else "HippomemError"
    assert error_of(answer) == (status, name)
    assert answer.json()["error"]["request_id"] == "r-17"
    assert "r-17" in caplog.text
    assert "Zebrafinch" not in caplog.text
    if status == 500:
        assert "secret words" not in answer.text + caplog.text
        assert "test_rest_errors.py" in caplog.text  # where it arose


def test_a_server_opens_while_its_model_is_away(tmp_path: Path) -> None:
    """It answers 503 until the model is back, and needs no restart then."""

    class Away(HashEmbedder):
        away = True

        def embed(self, *args: Any, **more: Any) -> Any:
            if self.away:
                raise ModelUnavailableError("away.")
            return super().embed(*args, **more)

    model = Away()
    with serving(tmp_path / "notes.hippo", embedder=model) as server:
        assert error_of(server.client.post("/v1/memories", json={"text": "Here."}))[0] == 503
        model.away = False
        server.add("There.")
        assert sorted(server.found("Here or there?")) == ["Here.", "There."]
