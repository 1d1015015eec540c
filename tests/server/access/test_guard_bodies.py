"""Bodies that are too large, requests that are no HTTP, and clients that leave: by raw sockets."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import httpx
import pytest

LIMIT = 100_000
HEAD = "POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\n"


@pytest.fixture
def served(serve: Any) -> Any:
    """A server that takes 100,000 bytes."""
    return serve(max_body=LIMIT)


def status_and_error(received: bytes) -> tuple[int, str]:
    """The status line and the error type of one raw response."""
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["type"]


def test_the_limit_itself_is_taken_and_one_byte_more_is_not(served: Any) -> None:
    """Whether the length was said or is counted."""

    def chunks(size: int) -> Any:
        yield b'"' + b"x" * (size - 2)
        yield b'"'

    with served.client(**{"content-type": "application/json"}) as client:
        for size, status in [(LIMIT, 200), (LIMIT + 1, 413)]:
            assert client.post("/v1/echo", content=b'"' + b"x" * (size - 2) + b'"').status_code == status
            assert client.post("/v1/echo", content=chunks(size)).status_code == status
    assert served.seen == [LIMIT, LIMIT]


def test_a_length_over_the_limit_is_refused_before_the_body(served: Any) -> None:
    """Nothing of it need be sent."""
    began = time.monotonic()
    head = HEAD.format(path="/v1/echo", port=served.port)
    received = served.raw(f"{head}content-length: 999999999999\r\nexpect: 100-continue\r\n\r\n".encode())
    assert status_and_error(received) == (413, "TooLargeError")
    assert b"100 Continue" not in received
    assert b"connection: close" in received
    assert time.monotonic() - began < 2
    assert served.seen == []


def test_an_endless_chunked_body_is_refused_and_the_connection_ends(served: Any) -> None:
    """The answer comes while the client still sends, reading stops soon after, and others are served meanwhile."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(
            (HEAD.format(path="/v1/echo", port=served.port) + "transfer-encoding: chunked\r\n\r\n").encode()
        )
        piece = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        sent = 0
        began = time.monotonic()
        with pytest.raises(OSError, match=r"(?i)reset|pipe|aborted"):
            while time.monotonic() - began < 9:
                connection.sendall(piece)
                sent += 0x4000
                if sent == 20 * 0x4000:
                    with served.client() as client:
                        assert client.get("/v1/memories/m1").status_code == 200
    assert time.monotonic() - began < 8
    assert served.seen == []
    assert [line["status"] for line in served.log(2) if line["route"] == "/v1/echo"] == [413]


def test_a_client_that_sends_all_before_it_reads_gets_its_answer(served: Any) -> None:
    """It would see a broken pipe if the connection were closed under it."""
    body = b"x" * (30 * LIMIT)
    head = HEAD.format(path="/v1/echo", port=served.port) + f"content-length: {len(body)}\r\n\r\n"
    assert status_and_error(served.raw(head.encode() + body)) == (413, "TooLargeError")
    chunked = HEAD.format(path="/v1/echo", port=served.port) + "transfer-encoding: chunked\r\n\r\n"
    pieces = b"".join(b"%x\r\n%s\r\n" % (LIMIT, b"x" * LIMIT) for _ in range(30)) + b"0\r\n\r\n"
    assert status_and_error(served.raw(chunked.encode() + pieces)) == (413, "TooLargeError")
    assert served.seen == []


def test_a_client_that_stalls_after_a_refusal_is_cut_off(served: Any) -> None:
    """It gets two seconds to read, not for ever."""
    began = time.monotonic()
    head = HEAD.format(path="/v1/echo", port=served.port) + "content-length: 200000\r\n\r\n"
    assert status_and_error(served.raw(head.encode() + b"x")) == (413, "TooLargeError")
    assert 1.5 < time.monotonic() - began < 6


def test_other_refusals_of_a_body_close_the_connection_too(served: Any) -> None:
    """What follows on the connection would be the rest of a body that nobody read."""
    head = "POST /v1/echo HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 5\r\n\r\n{}   GET / HTTP/1.1\r\n\r\n"
    received = served.raw(head.encode())
    assert status_and_error(received) == (421, "HostError")
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_refusal_without_a_body_keeps_the_connection(served: Any) -> None:
    """A client that was refused may ask again on it."""
    with served.client() as client:
        assert client.get("/v1/echo", headers={"host": "evil.example"}).status_code == 421
        stream = client.stream("GET", "/v1/echo")
        with stream as response:
            assert response.status_code == 200
    assert "close" not in response.headers.get("connection", "")


def test_an_app_that_does_not_read_the_body_may_answer(served: Any) -> None:
    """What is not read is not counted, and does not matter."""
    with served.client(**{"content-type": "application/json"}) as client:
        assert client.post("/v1/unread", content=b"x" * LIMIT).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: \x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"POST /v1/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: " + b"9" * 6000 + b"\r\n\r\n",
        b"POST /v1/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 200_000 + b"\r\n\r\n",
        HEAD.format(path="/v1/echo", port=1).encode() + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    ],
    ids=lambda sent: repr(sent[:60]),
)
def test_what_is_no_http_is_400_or_hung_up_on(served: Any, sent: bytes) -> None:
    """The HTTP server answers that; no request reaches the app, and the next client is served."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            received = connection.recv(65536)
        except OSError:
            received = b""
    assert received == b"" or int(received.split()[1]) in (400, 413)
    assert served.seen == []
    with served.client() as client:
        assert client.get("/v1/memories/m1").status_code == 200


def test_http_1_0_without_a_host_is_421(served: Any) -> None:
    """It is HTTP, but not meant for this server as far as one can tell."""
    assert status_and_error(served.raw(b"GET /v1/memories/m1 HTTP/1.0\r\n\r\n")) == (421, "HostError")


def test_a_client_that_leaves_is_noticed_and_logged(served: Any) -> None:
    """The app is told; the log has 499, as there was nobody to answer."""
    with served.client() as client, pytest.raises(httpx.ReadTimeout):
        client.get("/v1/wait", timeout=0.3)
    assert served.log()[0]["status"] == 499
    assert served.seen == ["waiting", "left"]


def test_a_client_that_leaves_in_the_middle_of_a_body_is_no_failure(served: Any) -> None:
    """The app sees no half of it, and nothing is logged as an error."""
    head = HEAD.format(path="/v1/echo", port=served.port) + "content-length: 5000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head.encode() + b'{"text": "half')
    line = served.log()[0]
    assert (line["status"], "error" in line) == (499, False)
    assert served.seen == []
