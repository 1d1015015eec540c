"""A real HTTP server on 127.0.0.1 that speaks OpenAI's API, and misbehaves on request."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import numpy as np

from hippomem.models.embedder import Embedder
from hippomem.testing.embedder import HashEmbedder

Json = dict[str, Any]
#: From the messages of a request to the text of the answer, or None for an answer without text.
Chat = Callable[[list[Json]], str | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request instead of, or to, its proper answer; build one with the class methods.

    status: answer this error instead.    headers, body: sent with it (body: JSON, or text as it is).
    delay: seconds before anything is sent.    hang_up: close the connection without an answer.
    content: from the proper chat text to the one that is sent.    answer: the same for the whole proper answer.
    format_only: only requests with a ``response_format`` are hit (of these types, when named).
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json | str | None = None
    delay: float = 0.0
    hang_up: bool = False
    content: Callable[[str], str] | None = None
    answer: Callable[[Json], Any] | None = None
    format_only: tuple[str, ...] | None = None

    @classmethod
    def rate_limited(cls, retry_after: float | str | None = None, *, code: str = "rate_limit_exceeded") -> Fault:
        """429, with a Retry-After in seconds or as an HTTP date."""
        return cls(
            429, {} if retry_after is None else {"Retry-After": str(retry_after)}, _error("slow down", code=code)
        )

    @classmethod
    def failed(cls, status: int = 500, retry_after: float | None = None) -> Fault:
        """500, 503 or another 5xx."""
        return cls(
            status, {} if retry_after is None else {"Retry-After": str(retry_after)}, _error("the server has a problem")
        )

    @classmethod
    def refused_key(cls) -> Fault:
        """401."""
        return cls(401, body=_error("incorrect API key", code="invalid_api_key"))

    @classmethod
    def bad_request(cls, message: str) -> Fault:
        """400 with that message."""
        return cls(400, body=_error(message))

    @classmethod
    def no_structured_output(cls, *types: str) -> Fault:
        """400 for a ``response_format``; with *types* ("json_schema", "json_object") only for these."""
        return cls(400, body=_error("response_format is not supported"), format_only=types)

    @classmethod
    def timeout(cls, seconds: float) -> Fault:
        """The proper answer, after that long a silence."""
        return cls(delay=seconds)

    @classmethod
    def disconnected(cls) -> Fault:
        """The connection is closed without an answer."""
        return cls(hang_up=True)

    @classmethod
    def cut_json(cls, keep: float = 0.6) -> Fault:
        """The chat text stops after that share of its letters, finish_reason "length"."""

        def cut(answer: Json) -> Json:
            choice = answer["choices"][0]
            choice["finish_reason"] = "length"
            choice["message"]["content"] = choice["message"]["content"][: int(len(choice["message"]["content"]) * keep)]
            return answer

        return cls(answer=cut)

    @classmethod
    def prose_around_json(cls, before: str = "Sure! Here you are:\n```json\n", after: str = "\n```\nBye!") -> Fault:
        """The chat text in a fence, with small talk around it."""
        return cls(content=lambda text: f"{before}{text}{after}")

    @classmethod
    def wrong_types(cls, text: str = '{"entities": "Rome", "triples": [["Rome", 1], null, {"a": 2}]}') -> Fault:
        """JSON of another shape than was asked for."""
        return cls(content=lambda _: text)

    @classmethod
    def empty_choices(cls) -> Fault:
        """A chat answer without any choice."""
        return cls(answer=lambda answer: {**answer, "choices": []})

    @classmethod
    def raw(cls, body: Json | str, status: int = 200) -> Fault:
        """That body, as JSON or as it is."""
        return cls(status, body=body)

    def hits(self, request: Json) -> bool:
        """Whether the fault is meant for a request with this body."""
        if self.format_only is None:
            return True
        asked = request.get("response_format")
        return asked is not None and (not self.format_only or asked.get("type") in self.format_only)


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
    ) -> None:
        """chat: the answer to messages; or recorded answers by a text that occurs in the last message (the longest such
        text wins; none is a 404). Default: an empty JSON object.

        embedder: what ``/embeddings`` answers with; default ``HashEmbedder()``.
        faults: one a request, in order of arrival, None for none, well-behaved when used up; or chosen by a callable.
        latency: seconds added to each request.    models: the names ``/models`` lists; any name is served.
        """
        self._chat: Chat = _replay(chat) if isinstance(chat, Mapping) else chat or (lambda messages: "{}")
        self._embedder = HashEmbedder() if embedder is None else embedder
        self._faults = faults if callable(faults) else iter(faults)
        self._latency = latency
        self._models = tuple(models)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        #: Every POST so far, in order of arrival.
        self.requests: list[RecordedRequest] = []
        #: The largest number of requests that were in work at the same time.
        self.most_at_once = 0
        self._at_once = 0
        server = self

        class Handler(_Handler):
            loopback = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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

    def handle(self, request: RecordedRequest) -> _Reply | None:
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
                return _Reply(fault.status, fault.body if fault.body is not None else {}, dict(fault.headers))
            answer = self._answer(request)
            if fault.content is not None and answer.status == 200:
                message = answer.body["choices"][0]["message"]
                message["content"] = fault.content(message["content"])
            if fault.answer is not None and answer.status == 200:
                answer = _Reply(200, fault.answer(answer.body), {})
            return answer
        finally:
            with self._lock:
                self._at_once -= 1

    def list_models(self) -> _Reply:
        """The reply to ``GET /v1/models``."""
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "loopback"} for name in self._models]
        return _Reply(200, {"object": "list", "data": data}, {})

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._closing.wait(seconds)

    def _answer(self, request: RecordedRequest) -> _Reply:
        if request.path == "/v1/chat/completions":
            return self._complete(request.body)
        if request.path == "/v1/embeddings":
            return self._embed(request.body)
        return _Reply(404, _error(f"no such path: {request.path}"), {})

    def _complete(self, body: Json) -> _Reply:
        messages = body["messages"]
        try:
            text = self._chat(messages)
        except LookupError as error:
            return _Reply(404, _error(str(error)), {})
        spent = sum(_tokens(str(message.get("content"))) for message in messages), _tokens(text or "")
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return _Reply(
            200,
            {
                "id": "chatcmpl-loopback",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [choice],
                "usage": _usage(*spent),
            },
            {},
        )

    def _embed(self, body: Json) -> _Reply:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if not texts or not all(texts):
            return _Reply(400, _error("input cannot be an empty string"), {})
        vectors = self._embedder.embed(texts)
        if body.get("dimensions"):
            vectors = vectors[:, : body["dimensions"]]
        as_base64 = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else vector.tolist()}
            for index, vector in enumerate(vectors)
        ]
        usage = _usage(sum(map(_tokens, texts)), 0)
        return _Reply(200, {"object": "list", "data": data, "model": body["model"], "usage": usage}, {})


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: Any
    headers: dict[str, str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Silent clients are dropped after this many seconds.
    timeout = 5
    loopback: LoopbackServer

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(self.loopback.list_models())
        else:
            self._send(_Reply(404, _error(f"no such path: {self.path}"), {}))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            self._send(_Reply(400, _error("the body is not JSON"), {}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.loopback.handle(RecordedRequest(self.path, headers, body, time.monotonic()))
        if reply is None:
            self.close_connection = True
        else:
            self._send(reply)

    def _send(self, reply: _Reply) -> None:
        text = isinstance(reply.body, str)
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


def _error(message: str, *, code: str | None = None) -> Json:
    return {"error": {"message": message, "type": "loopback", "param": None, "code": code}}


def _tokens(text: str) -> int:
    """Words stand for tokens."""
    return len(text.split())


def _usage(prompt: int, completion: int) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _base64(vector: Any) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
