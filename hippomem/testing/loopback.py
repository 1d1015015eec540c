"""A real HTTP server on 127.0.0.1 that speaks OpenAI's API, and misbehaves on request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from hippomem.models.embedder import Embedder
from hippomem.testing.batches import PATHS, Batches
from hippomem.testing.embedder import HashEmbedder
from hippomem.testing.faults import Fault
from hippomem.testing.wire import Json, Reply, chat_body, count_words, embed, error_body, models_body

#: From the messages of a request to the text of the answer, or None for an answer without text.
Chat = Callable[[list[Json]], str | None]


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came: path, headers (lower-case names), body, and when (``time.monotonic``)."""

    path: str
    headers: Mapping[str, str]
    body: Json
    at: float


Faults = Iterable[Fault | None] | Callable[[RecordedRequest], Fault | None]


class LoopbackServer:
    """An OpenAI-compatible server for tests: ``/chat/completions``, ``/embeddings``, ``/models`` under ``/v1``.

    >>> with LoopbackServer(lambda messages: "Rome") as server:
    ...     server.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        chat: Chat | Mapping[str, str] | None = None,
        *,
        embedder: Embedder | None = None,
        faults: Faults = (),
        latency: float = 0.0,
        models: Sequence[str] = ("loopback",),
        batches: bool = False,
    ) -> None:
        """chat: the answer to messages; or recorded answers by a text that occurs in the last message (the longest such
        text wins; none is a 404). Default: an empty JSON object.

        embedder: what ``/embeddings`` answers with; default ``HashEmbedder()``.
        faults: one a request, in order of arrival, None for none, well-behaved when used up; or chosen by a callable.
        latency: seconds added to each request.    models: the names ``/models`` lists; any name is served.
        batches: whether there are ``/files`` and ``/batches``; `LoopbackServer.batches` tells them how to behave.
        """
        self._chat: Chat = _replay(chat) if isinstance(chat, Mapping) else chat or (lambda messages: "{}")
        self._embedder = HashEmbedder() if embedder is None else embedder
        self._faults = faults if callable(faults) else iter(faults)
        self._latency = latency
        self._models = tuple(models)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        #: The vendor's side of batches: their lines are answered, and go wrong, like requests that come alone.
        self.batches = Batches(self._answer_line) if batches else None
        #: Every POST so far, in order of arrival.
        self.requests: list[RecordedRequest] = []
        #: The largest number of requests that were in work at the same time.
        self.most_at_once = 0
        self._at_once = 0
        server = self

        class Handler(_Handler):
            loopback = server

        self._server = _Listener(("127.0.0.1", 0), Handler)
        # Closing waits for the handlers, so that no socket outlives the server.
        self._server.daemon_threads = False
        self._server.block_on_close = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="loopback", daemon=True)
        self._started = False

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        self._started = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop; faults still sleeping are cut short."""
        self._closing.set()
        if self._started:
            self._server.shutdown()
            self._thread.join()
            self._started = False
        self._server.server_close()

    def handle(self, request: RecordedRequest) -> Reply | None:
        """The reply to a request, or None to hang up. Called by the handler, in its own thread."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            fault = self._faults(request) if callable(self._faults) else next(self._faults, None)
        try:
            if fault is None or not fault.hits(request.body):
                fault = Fault()
            self._sleep(self._latency + fault.delay)
            if fault.hang_up:
                return None
            if fault.status is not None:
                return Reply(fault.status, fault.body if fault.body is not None else {}, dict(fault.headers))
            answer = self._answer(request)
            return answer if answer.status != 200 else Reply(200, fault.spoil(answer.body))
        finally:
            with self._lock:
                self._at_once -= 1

    def _answer_line(self, body: Json) -> Reply:
        reply = self.handle(RecordedRequest("/v1/chat/completions", {}, body, time.monotonic()))
        return Reply(500, error_body("lost")) if reply is None else reply

    def list_models(self) -> Reply:
        """The reply to ``GET /v1/models``."""
        return Reply(200, models_body(self._models))

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._closing.wait(seconds)

    def _answer(self, request: RecordedRequest) -> Reply:
        if request.path == "/v1/chat/completions":
            return self._complete(request.body)
        if request.path == "/v1/embeddings":
            return embed(request.body, self._embedder)
        return Reply(404, error_body(f"no such path: {request.path}"))

    def _complete(self, body: Json) -> Reply:
        messages = body["messages"]
        try:
            text = self._chat(messages)
        except LookupError as error:
            return Reply(404, error_body(str(error)))
        spent = sum(count_words(str(message.get("content"))) for message in messages), count_words(text or "")
        return Reply(200, chat_body(body["model"], text, *spent))


class _Listener(ThreadingHTTPServer):
    #: Connections that may wait to be accepted: with the default of 5, fifty calls at once lose some.
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Silent clients are dropped after this many seconds.
    timeout = 5
    loopback: LoopbackServer

    def do_GET(self) -> None:
        if self._is_of_batches():
            self._send_of_batches(b"")
        elif self.path == "/v1/models":
            self._send(self.loopback.list_models())
        else:
            self._send(Reply(404, error_body(f"no such path: {self.path}")))

    def do_DELETE(self) -> None:
        self._send_of_batches(b"")

    def do_POST(self) -> None:
        raw = self._read()
        if self._is_of_batches():
            self._send_of_batches(raw)
            return
        try:
            body = json.loads(raw)
        except ValueError:
            self._send(Reply(400, error_body("the body is not JSON")))
            return
        self._send_or_hang_up(self.loopback.handle(RecordedRequest(self.path, self._names(), body, time.monotonic())))

    def _is_of_batches(self) -> bool:
        return self.path.startswith(PATHS)

    def _send_of_batches(self, raw: bytes) -> None:
        batches = self.loopback.batches
        if batches is None:
            self._send(Reply(404, error_body(f"no such path: {self.path}")))
        else:
            self._send_or_hang_up(batches.handle(self.command, self.path, self._names(), raw))

    def _names(self) -> dict[str, str]:
        """The headers, by names in lower case."""
        return {name.lower(): value for name, value in self.headers.items()}

    def _read(self) -> bytes:
        """The body, with a length or in chunks."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send_or_hang_up(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        text = isinstance(reply.body, str)
        if isinstance(reply.body, bytes):
            payload = reply.body
        else:
            payload = (reply.body if text else json.dumps(reply.body, ensure_ascii=False)).encode()
        try:
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/html" if text else "application/json")
            self.send_header("Content-Length", str(len(payload)))
            # One request a connection: an idle kept-alive one would hold up closing.
            self.send_header("Connection", "close")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a client that timed out has gone

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output quiet."""


def _replay(recorded: Mapping[str, str]) -> Chat:
    """Answers by the longest key that occurs in the last message."""

    def chat(messages: list[Json]) -> str:
        asked = str(messages[-1].get("content"))
        keys = [key for key in recorded if key in asked]
        if not keys:
            raise LookupError(f"no recorded answer for: {asked[:80]}")
        return recorded[max(keys, key=lambda key: (len(key), key))]

    return chat
