"""The access log: one line of JSON for each request, and nothing in it that was said or stored."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from hippomem.server.access import Keys
from hippomem.store import Store


def test_a_line_has_what_an_operator_needs(serve: Any, store: Store) -> None:
    """Method, pattern of the path, status, time, key and request id."""
    key_id, token = Keys(store).create("laptop")
    served = serve()
    with served.client(authorization=f"Bearer {token}") as client:
        response = client.get("/v1/whoami")
    (line,) = served.log()
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "method": "GET",
        "route": "/v1/whoami",
        "status": 200,
        "key_id": key_id,
        "request_id": response.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/v1/memories/secret-id?query=secret", "/v1/memories/{memory_id}", 200),
        ("/mcp/tools/secret", "/mcp/tools/{tool}", 200),
        ("/mcp/secret", "/mcp", 404),
        ("/secret", "-", 404),
        ("/v1/missing?secret", "/v1/missing", 404),
    ],
)
def test_the_path_is_logged_as_its_pattern(serve: Any, path: str, route: str, status: int) -> None:
    """Ids and queries are what people store and ask."""
    served = serve()
    with served.client() as client:
        client.get(path)
    (line,) = served.log()
    assert (line["route"], line["status"]) == (route, status)
    assert "secret" not in str(line)


def test_nothing_that_was_sent_gets_into_the_log(serve: Any, store: Store) -> None:
    """Not the key, not a part of it, not the body, no header, whatever is answered."""
    _, token = Keys(store).create("laptop")
    served = serve(max_body=1000)
    headers = {
        "authorization": f"Bearer {token}x",
        "user-agent": "secret",
        "cookie": "secret",
        "x-request-id": "no secret",
    }
    with served.client(**headers) as client:
        client.get("/v1/whoami")
        client.post("/v1/echo", json={"text": "secret"})
        client.post("/v1/echo", content=b"secret")
        client.post("/v1/echo", json={"text": "secret" * 1000})
        client.get("/v1/echo", headers={"host": "secret.example"})
        client.get("/v1/echo", headers={"origin": "http://secret.example"})
        client.request("SECRET" * 100, "/v1/echo")
    lines = served.log(7)
    assert [line["status"] for line in lines] == [401, 200, 415, 413, 421, 403, 405]
    assert lines[-1].pop("method") == ("SECRET" * 3)[:16]
    assert "secret" not in str(lines).lower()
    assert token.rpartition("_")[2][:8] not in str(lines)


@pytest.mark.parametrize(("path", "status"), [("/v1/fail", 500), ("/v1/fail-late", 200), ("/hollow/x", 500)])
def test_a_failure_is_logged_by_class_and_place_only(serve: Any, path: str, status: int) -> None:
    """Where it arose is enough to mend it; its words may hold what was stored."""
    served = serve()
    is_cut_off = pytest.raises(httpx.RemoteProtocolError) if status == 200 else nullcontext()
    with served.client() as client, is_cut_off:
        client.get(path)
    (line,) = served.log()
    assert line["status"] == status
    assert "Anna" not in str(line)
    if "fail" in path:
        assert line["error"] == "ZeroDivisionError"
        assert line["at"][-1].startswith(__file__.replace("test_guard_log", "conftest"))
