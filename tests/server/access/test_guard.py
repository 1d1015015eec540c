"""What the Guard lets through, what it answers itself, and how: over real connections."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hippomem import errors
from hippomem.errors import EDGE
from hippomem.server.access import Keys, RateLimit
from hippomem.store import Store

JSON = {"content-type": "application/json"}


def error_of(response: Any) -> dict[str, str]:
    """The error of a response, after a look at its form: one body, and the status of the table."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"type", "message", "request_id"}
    assert body["error"]["request_id"] == response.headers["x-request-id"]
    assert body["error"]["message"]
    cls = getattr(errors, body["error"]["type"])
    if cls not in (errors.InputError, errors.HippomemError):  # what a framework says with a status of its own
        assert EDGE[cls].http_status == response.status_code
    error: dict[str, str] = body["error"]
    return error


def test_what_is_right_comes_through_with_the_headers_that_all_have(serve: Any) -> None:
    """The app's answer as it is, safe to show and not to be kept."""
    with serve().client() as client:
        response = client.post("/v1/echo", json={"text": "ä"})
        assert (response.status_code, response.json()) == (200, {"length": len('{"text":"ä"}'.encode())})
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        plain = client.get("/metrics")
        assert (plain.text, plain.headers["content-type"]) == ("up 1", "text/plain; charset=utf-8")
        assert plain.headers["x-content-type-options"] == "nosniff"
        assert "cache-control" not in plain.headers


def test_another_host_is_421(serve: Any) -> None:
    """A name that was pointed here is answered, whatever the path, and the app does not hear of it."""
    served = serve()
    with served.client(host="evil.example") as client:
        for path in ("/v1/echo", "/nosuch", "/metrics", "/"):
            response = client.get(path)
            assert (response.status_code, error_of(response)["type"]) == (421, "HostError")
    assert served.seen == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", ""])
def test_another_origin_is_403(serve: Any, origin: str) -> None:
    """Also on loopback, also for GET, and no header tells a browser that it may read the answer."""
    served = serve()
    with served.client(origin=origin) as client:
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            response = client.request(method, "/v1/echo")
            assert (response.status_code, error_of(response)["type"]) == (403, "OriginError")
            assert not [name for name in response.headers if name.startswith("access-control")]
    assert served.seen == []


def test_own_and_allowed_names_are_let_in(serve: Any) -> None:
    """localhost by any name, and what was configured."""
    served = serve(allowed_hosts=["mem.example"], allowed_origins=["https://app.example"])
    for host, origin in [
        (f"localhost:{served.port}", f"http://localhost:{served.port}"),
        ("mem.example", "https://mem.example"),
        (f"127.0.0.1:{served.port}", "https://app.example"),
        ("[::1]", None),
    ]:
        with served.client(host=host, **({"origin": origin} if origin else {})) as client:
            assert client.get("/v1/memories/m1").status_code == 200, (host, origin)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/jsonx", 415),
        ("text/plain", 415),
        ("text/plain;application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
def test_a_body_must_say_that_it_is_json(serve: Any, content_type: str, status: int) -> None:
    """What a form of another site can send without asking is none."""
    served = serve()
    with served.client() as client:
        for method in ("POST", "PATCH", "DELETE", "GET"):
            response = client.request(method, "/v1/echo", content=b"{}", headers={"content-type": content_type})
            assert response.status_code == status
            if status == 415:
                assert error_of(response)["type"] == "UnsupportedMediaError"
    assert served.seen == ([2] * 4 if status == 200 else [])


def test_a_body_without_or_with_two_types_is_415(serve: Any) -> None:
    """Nothing is guessed."""
    with serve().client() as client:
        assert client.post("/v1/echo", content=b"{}").status_code == 415
        twice = [("content-type", "application/json"), ("content-type", "text/plain")]
        assert client.post("/v1/echo", content=b"{}", headers=twice).status_code == 415


def test_without_a_body_no_type_is_asked_for(serve: Any) -> None:
    """DELETE and an empty POST have nothing to be JSON."""
    with serve().client() as client:
        assert client.delete("/v1/echo").status_code == 200
        assert client.post("/v1/echo").status_code == 200
        assert client.post("/v1/echo", content=b"", headers={"content-type": "text/plain"}).status_code == 200


def test_compressed_bodies_are_415(serve: Any) -> None:
    """A small body that unpacks to a huge one is not unpacked."""
    with serve().client(**JSON) as client:
        response = client.post("/v1/echo", content=b"{}", headers={"content-encoding": "gzip"})
        assert error_of(response)["type"] == "UnsupportedMediaError"
        assert client.post("/v1/echo", content=b"{}", headers={"content-encoding": "identity"}).status_code == 200


def test_the_errors_of_hippomem_keep_their_words(serve: Any) -> None:
    """Raised anywhere in the app, they are the documented answer."""
    with serve().client() as client:
        response = client.get("/v1/missing")
        assert response.status_code == 404
        assert error_of(response) == {
            "type": "NotFoundError",
            "message": "there is no memory 'm1'; ask for another.",
            "request_id": response.headers["x-request-id"],
        }


def test_what_nobody_expected_is_500_without_a_trace(serve: Any) -> None:
    """The client learns the request id and nothing of the inside; the next request is served."""
    with serve().client() as client:
        response = client.get("/v1/fail")
        assert response.status_code == 500
        assert error_of(response)["type"] == "HippomemError"
        assert not re.search("Anna|ZeroDivision|Traceback|\\.py", response.text)
        assert error_of(client.get("/hollow/x"))["type"] == "HippomemError"
        assert client.get("/v1/memories/m1").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "words"),
    [
        ("GET", "/nosuch", 404, "NotFoundError", "nothing at this address"),
        ("GET", "/mcp/nosuch", 404, "NotFoundError", "nothing at this address"),
        ("GET", "/v1/memories/%00", 200, None, ""),
        ("PUT", "/v1/memories/m1", 405, "InputError", "does not take PUT; it takes "),
        ("BREW", "/v1/echo", 405, "InputError", "does not take BREW"),
        ("GET", "/v1/detail", 400, "InputError", "made by a framework"),
    ],
)
def test_what_the_framework_says_by_itself_has_the_same_form(
    serve: Any, method: str, path: str, status: int, kind: str | None, words: str
) -> None:
    """Plain text and ``detail`` become the error body; what the framework said in headers stays."""
    with serve().client() as client:
        response = client.request(method, path)
        assert response.status_code == status
        if kind is not None:
            error = error_of(response)
            assert error["type"] == kind
            assert words in error["message"]
        if status == 405:
            assert response.headers["allow"]


def test_errors_that_are_as_they_should_be_stay(serve: Any) -> None:
    """Those of the app and those of JSON-RPC, and what the app says on caching."""
    with serve().client() as client:
        response = client.get("/v1/own")
        assert (response.status_code, response.json()) == (400, {"error": {"code": -32600}, "detail": "too"})
        assert response.headers["cache-control"] == "private"


def test_a_stream_is_passed_on_piece_by_piece(serve: Any) -> None:
    """The first piece is there before the app makes the second."""
    served = serve()
    with served.client() as client, client.stream("GET", "/v1/steps") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"event: progress\n\n"
        assert response.headers["cache-control"] == "no-store"
        ((loop, go_on),) = served.seen
        loop.call_soon_threadsafe(go_on.set)
        assert b"".join(pieces) == b"event: done\n\n"


def test_a_response_that_breaks_is_cut_off(serve: Any) -> None:
    """What has been sent cannot be taken back, but the client sees that it is not whole; the server goes on."""
    served = serve()
    sent = f"GET /v1/fail-late HTTP/1.1\r\nhost: localhost:{served.port}\r\n\r\n".encode()
    received = served.raw(sent)
    assert b"one " in received
    assert not received.endswith(b"0\r\n\r\n")
    assert b"Anna" not in received
    with served.client() as client:
        assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-123_X.y", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a b", False),
        ('"}', False),
        ("é", False),
        ("", False),
    ],
)
def test_a_request_id_is_kept_if_it_is_short_and_plain(serve: Any, given: str, kept: bool) -> None:
    """The app, the client and the log have the same one."""
    served = serve()
    with served.client() as client:
        response = client.get("/v1/memories/m1", headers={"x-request-id": given.encode()})
    request_id = response.headers["x-request-id"]
    assert (request_id == given) is kept
    assert kept or re.fullmatch("[0-9a-f]{32}", request_id)
    assert response.json()["request_id"] == request_id == served.log()[0]["request_id"]


def test_keys_over_http(serve: Any, store: Store) -> None:
    """Without, with a wrong one, and with a good one."""
    served = serve()
    with served.client() as client:
        assert client.get("/v1/whoami").json() == {"name": "local", "key_id": None}
        key_id, token = Keys(store).create("laptop")
        for headers in ({}, {"authorization": "Bearer nosuch"}):
            response = client.get("/v1/whoami", headers=headers)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
            assert error_of(response)["type"] == "UnauthenticatedError"
        response = client.get("/v1/whoami", headers={"authorization": f"Bearer {token}"})
        assert response.json() == {"name": "laptop", "key_id": key_id}


def test_too_many_requests_are_429_and_say_when(serve: Any) -> None:
    """In whole seconds, rounded up."""
    with serve(RateLimit(6, 2)).client() as client:
        assert [client.get("/v1/whoami").status_code for _ in range(3)] == [200, 200, 429]
        response = client.get("/v1/whoami")
        assert error_of(response)["type"] == "RateLimitError"
        assert response.headers["retry-after"] in ("9", "10")


def test_every_error_class_has_an_answer() -> None:
    """Status by the table, the class as type, the message as it is."""
    from hippomem.server.access import error_response

    for cls, at in EDGE.items():
        needs = {"retry_after": 0.2} if cls is errors.RateLimitError else {}
        answer = error_response(cls("words \udc80 ä", **needs), "r1")
        body = json.loads(answer.body)
        assert answer.status == at.http_status
        assert body == {"error": {"type": cls.__name__, "message": "words ? ä", "request_id": "r1"}}
        assert int(answer.headers["content-length"]) == len(answer.body)


def test_websockets_from_elsewhere_are_refused(serve: Any) -> None:
    """A page of another site could open one without asking."""
    served = serve()

    def upgrade(host: str, origin: str) -> bytes:
        received: bytes = served.raw(
            f"GET /socket HTTP/1.1\r\nhost: {host}\r\norigin: {origin}\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return received.partition(b"\r\n")[0]

    here = f"localhost:{served.port}"
    assert b" 403 " in upgrade(here, "http://evil.example")
    assert b" 403 " in upgrade("evil.example", "http://evil.example")
    assert served.seen == []
