"""OpenAI's Files and Batch API, as much as batches need: what a server answers, whatever carries it."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hippomem.testing.wire import Json, Reply, error_body

#: From the body of a chat request to its reply.
Answer = Callable[[Json], Reply]

#: What all of its paths begin with.
PATHS = ("/v1/files", "/v1/batches")
_ENDED = ("completed", "failed", "expired", "cancelled")


@dataclass(slots=True)
class _Batch:
    body: Json
    at: float
    state: str = "validating"
    lines: list[Json] = field(default_factory=list)
    #: What is said of it once it has ended.
    outcome: Json = field(default_factory=dict)


class Batches:
    """A vendor's side: jobs are worked on by the clock, whenever somebody asks.

    A job is validating, then in_progress, then completed ``seconds`` after it came. Its answers are in another order than
    its requests. Set the public attributes to have it behave otherwise, also in the middle of a test.
    """

    def __init__(self, answer: Answer, *, seconds: float = 0.0, seed: int = 7) -> None:
        """answer: the reply to one request of a job; errors go to the job's error file."""
        #: Jobs are refused with these errors ({"code", "message", "line"}).
        self.errors: list[Json] = []
        #: A job of more requests than this finds the queue full, if there are others or not.
        self.queue = 10**9
        #: So many jobs at a time; more are refused with 429.
        self.most_jobs = 10**9
        #: The share of its requests that a job runs before it expires; None: it does not expire.
        self.expires_after: float | None = None
        #: Requests (custom_ids) of which no line ever comes back.
        self.dropped: set[str] = set()
        #: Lines that are added to each output file.
        self.foreign: list[Json] = []
        #: Whether jobs show the metadata that they were given.
        self.keeps_metadata = True
        #: Seconds until a request to start a job is acted on.
        self.starts_after = 0.0
        #: Seconds after which a job is listed.
        self.lists_after = 0.0
        #: Calls ("POST /v1/batches") that are done, and whose reply is lost: one off the list each time.
        self.lost: list[str] = []
        #: Calls in order, as ("POST", "/v1/files").
        self.calls: list[tuple[str, str]] = []
        #: How often each custom_id was answered with 200.
        self.served: dict[str, int] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.seconds = seconds
        self._answer = answer
        self._random = random.Random(seed)  # noqa: S311  no secret
        self._batches: dict[str, _Batch] = {}
        self._count = 0
        self._lock = threading.RLock()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The reply to a request, None to hang up. target: the path, with its query.    headers: names in lower case.

        404 for everything that is not ``/v1/files`` or ``/v1/batches``.
        """
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if (method, url.path) == ("POST", "/v1/batches"):
            time.sleep(self.starts_after)
        with self._lock:
            self.calls.append((method, url.path))
            match [method, *url.path.strip("/").split("/")]:
                case ["POST", "v1", "files"]:
                    reply = self._upload(headers.get("content-type", ""), body)
                case ["GET", "v1", "files"]:
                    listed = [self._file(file_id) for file_id in self.files]
                    reply = Reply(200, {"object": "list", "data": listed, "has_more": False})
                case ["GET", "v1", "files", file_id, "content"] if file_id in self.files:
                    reply = Reply(200, self.files[file_id][1])
                case ["DELETE", "v1", "files", file_id] if file_id in self.files:
                    del self.files[file_id]
                    reply = Reply(200, {"id": file_id, "object": "file", "deleted": True})
                case ["POST", "v1", "batches"]:
                    reply = self._create(json.loads(body))
                case ["GET", "v1", "batches"]:
                    reply = self._list(query)
                case ["GET", "v1", "batches", batch_id] if batch_id in self._batches:
                    reply = Reply(200, self._show(batch_id))
                case ["POST", "v1", "batches", batch_id, "cancel"] if batch_id in self._batches:
                    self.cancel(batch_id)
                    reply = Reply(200, self._show(batch_id))
                case _:
                    reply = Reply(404, error_body(f"nothing at {method} {url.path}"))
            call = f"{method} {url.path}"
            if call in self.lost:
                self.lost.remove(call)
                return None
            return reply

    @property
    def batch_ids(self) -> list[str]:
        """All jobs, oldest first."""
        with self._lock:
            return list(self._batches)

    def cancel(self, batch_id: str) -> None:
        """Stop a job half way, as somebody may at the vendor's page."""
        with self._lock:
            batch = self._batches[batch_id]
            self._advance(batch)
            if batch.state not in _ENDED:
                self._run(batch, 0.5, "cancelled")

    def _upload(self, content_type: str, body: bytes) -> Reply:
        boundary = re.search("boundary=(.+)", content_type)
        if boundary is None:
            return Reply(400, error_body("multipart/form-data is needed"))
        parts: dict[str, tuple[str, bytes]] = {}
        for part in body.split(b"--" + boundary[1].strip('"').encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            named = re.search(r'name="([^"]*)"(?:; filename="([^"]*)")?', head.decode())
            if named is not None:
                parts[named[1]] = named[2] or "", content.removesuffix(b"\r\n")
        if parts["purpose"][1] != b"batch" or not parts["file"][0].endswith(".jsonl"):
            return Reply(400, error_body("a .jsonl file for the purpose batch is needed"))
        return Reply(200, self._file(self._keep(*parts["file"])))

    def _keep(self, name: str, content: bytes) -> str:
        self._count += 1
        file_id = f"file-{self._count}"
        self.files[file_id] = name, content
        return file_id

    def _file(self, file_id: str) -> Json:
        name, content = self.files[file_id]
        about = {"id": file_id, "object": "file", "bytes": len(content), "created_at": int(time.time())}
        return {**about, "filename": name, "purpose": "batch", "status": "processed"}

    def _create(self, body: Json) -> Reply:
        if body["input_file_id"] not in self.files:
            return Reply(400, error_body("no such file"))
        for batch in self._batches.values():
            self._advance(batch)
        if sum(batch.state not in _ENDED for batch in self._batches.values()) >= self.most_jobs:
            return Reply(429, error_body("too many jobs", code="rate_limit_exceeded"))
        self._count += 1
        batch_id = f"batch_{self._count}"
        batch = self._batches[batch_id] = _Batch(body, time.time())
        content = self.files[body["input_file_id"]][1]
        batch.lines = [json.loads(line) for line in content.splitlines()]
        return Reply(200, self._show(batch_id, now=batch.at))

    def _list(self, query: Mapping[str, str]) -> Reply:
        there = [batch_id for batch_id, batch in self._batches.items() if time.time() >= batch.at + self.lists_after]
        there.reverse()
        first = there.index(query["after"]) + 1 if "after" in query else 0
        page = there[first : first + int(query.get("limit", 20))]
        data = [self._show(batch_id) for batch_id in page]
        has_more = first + len(page) < len(there)
        return Reply(200, {"object": "list", "data": data, "has_more": has_more, "last_id": page[-1] if page else None})

    def _show(self, batch_id: str, now: float | None = None) -> Json:
        """A job as it stands. now: Unix time, seconds."""
        batch = self._batches[batch_id]
        if now is None:
            self._advance(batch)
        shown = {name: value for name, value in batch.body.items() if name != "metadata" or self.keeps_metadata}
        counts = {"completed": 0, "failed": 0, "total": len(batch.lines) if batch.state != "failed" else 0}
        known = {"id": batch_id, "object": "batch", "created_at": int(batch.at), "request_counts": counts}
        return {**known, **shown, "status": batch.state, **batch.outcome}

    def _advance(self, batch: _Batch) -> None:
        age = time.time() - batch.at
        if batch.state == "validating":
            errors = list(self.errors)
            if len(batch.lines) > self.queue:
                errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}]
            if errors:
                batch.state = "failed"
                batch.outcome = {"errors": {"object": "list", "data": errors}}
            else:
                batch.state = "in_progress"
        if batch.state == "in_progress" and age >= self.seconds:
            if self.expires_after is None:
                self._run(batch, 1.0, "completed")
            else:
                self._run(batch, self.expires_after, "expired")

    def _run(self, batch: _Batch, share: float, state: str) -> None:
        """Answer that share of the requests; the others were not their turn."""
        answered, failed = list(self.foreign), []
        stop = round(share * len(batch.lines))
        for number, line in enumerate(batch.lines):
            custom_id = line["custom_id"]
            row: dict[str, Any] = {"id": f"batch_req_{number}", "custom_id": custom_id, "response": None, "error": None}
            if custom_id in self.dropped:
                continue
            if number >= stop:
                row["error"] = {"code": f"batch_{state}", "message": "This request could not be executed in time."}
                failed.append(row)
                continue
            reply = self._answer(line["body"])
            row["response"] = {"status_code": reply.status, "request_id": f"req_{number}", "body": reply.body}
            if reply.status == 200:
                answered.append(row)
                self.served[custom_id] = self.served.get(custom_id, 0) + 1
            else:
                failed.append(row)
        batch.state = state
        files = {}
        for name, rows in (("output_file_id", answered), ("error_file_id", failed)):
            self._random.shuffle(rows)
            content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
            files[name] = self._keep(f"{name}.jsonl", content) if rows else None
        counts = {"completed": len(answered) - len(self.foreign), "failed": len(failed), "total": len(batch.lines)}
        batch.outcome = {**files, "request_counts": counts}
