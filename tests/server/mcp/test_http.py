"""Requests as such: from where they may come, and what they must be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.server.mcp.driving import INITIALIZE

if TYPE_CHECKING:
    from tests.server.mcp.conftest import Serve
    from tests.server.mcp.driving import Served

PING: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:80"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"accept": "text/html"}, 406),
    ],
)
def test_a_request_that_was_not_meant_for_this_server_is_refused(
    headers: dict[str, str], status: int, served: Served
) -> None:
    """A page of another site, by its own name or by rebinding one to 127.0.0.1; in either protocol nothing is stored."""
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "remember", "arguments": {"text": "planted"}},
    }
    for version in ("2025-06-18", "2026-07-28"):
        response = served.post(call, **{"mcp-protocol-version": version}, **headers)
        assert response.status_code == status, response.text
    assert served.tenants.namespaces() == []


def test_a_server_on_all_addresses_answers_to_addresses_but_not_to_names(serve: Serve) -> None:
    """An address cannot be pointed elsewhere, a name can."""
    served = serve(host="0.0.0.0")  # noqa: S104 - what it is told; the test's socket is on the loopback
    assert served.post(INITIALIZE, host="192.0.2.1:8766").status_code == 200
    assert served.post(INITIALIZE, host="evil.example").status_code == 421
    assert served.post(INITIALIZE, host="192.0.2.1:8766", origin="http://evil.example").status_code == 403


def test_its_own_pages_may_ask(served: Served) -> None:
    """An Origin of the loopback with the server's port."""
    port = served.origin.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost"):
        assert served.post(INITIALIZE, origin=f"http://{name}:{port}", host=f"{name}:{port}").status_code == 200


def test_allowed_hosts_and_origins_are_let_in(serve: Serve) -> None:
    """Those named at the start, and no others."""
    served = serve(allowed_hosts=["memory.example"], allowed_origins=["https://app.example"])
    assert served.post(INITIALIZE, host="memory.example", origin="https://app.example").status_code == 200
    assert served.post(INITIALIZE, host="other.example").status_code == 421
    assert served.post(INITIALIZE, host="memory.example", origin="https://other.example").status_code == 403


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_only_post_is_served(method: str, served: Served) -> None:
    """There are no streams from the server and no sessions; so says 405."""
    with httpx2.Client(trust_env=False) as http:
        response = http.request(method, served.url, headers={"accept": "text/event-stream"})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"jsonrpc": "2.0"}', b"[" * 100_000, json.dumps([PING, PING]).encode()],
)
def test_what_is_no_message_is_a_bad_request(body: bytes, served: Served) -> None:
    """In either protocol."""
    with httpx2.Client(trust_env=False) as http:
        for version in ("2025-06-18", "2026-07-28"):
            response = http.post(
                served.url,
                content=body,
                headers={
                    "content-type": "application/json",
                    "accept": "application/json, text/event-stream",
                    "mcp-protocol-version": version,
                },
            )
            assert 400 <= response.status_code < 500, (version, response.text)


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    """413, and nothing is stored."""
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "remember", "arguments": {"text": "x" * 2**24}},
    }
    assert served.post(call).status_code == 413
    assert served.tenants.namespaces() == []
