"""Servers for tests: the app behind a real uvicorn in a thread, and `hippomem serve` as processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from hippomem.server.app import create_app
from hippomem.server.running import Running
from hippomem.server.settings import ServerSettings
from hippomem.testing import HashEmbedder

ROOT = Path(__file__).resolve().parents[3]
#: Seconds for a server to be there: loading a model on a busy machine takes its time.
PATIENCE = 60.0


@dataclass
class Served:
    """A server on loopback, and a client of it."""

    url: str
    store: Path
    client: httpx.Client
    app: FastAPI | None = None
    process: subprocess.Popen[str] | None = None
    log: list[str] = field(default_factory=list)

    @property
    def running(self) -> Running:
        """What an in-process server has open."""
        assert self.app is not None
        running: Running = self.app.state.running
        return running

    def add(self, *texts: str, namespace: str = "default", **more: Any) -> list[str]:
        """Remember texts in one request; their ids."""
        body = {"namespace": namespace, "memories": [{"text": text, **more} for text in texts]}
        answer = self.client.post("/v1/memories", json=body)
        assert answer.status_code == 201, answer.text
        ids: list[str] = answer.json()["memory_ids"]
        return ids

    def found(self, query: str, namespace: str = "default", **more: Any) -> list[str]:
        """Texts that a search finds."""
        answer = self.client.post("/v1/search", json={"namespace": namespace, "query": query, **more})
        assert answer.status_code == 200, answer.text
        return [hit["text"] for hit in answer.json()["hits"]]

    def stop(self, number: signal.Signals = signal.SIGTERM, *, timeout: float = PATIENCE) -> int:
        """End a process of its own; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout)


@contextmanager
def serving(
    store: Path, *, embedder: HashEmbedder | None = None, ready: bool = True, **settings: Any
) -> Iterator[Served]:
    """The app in this process, behind uvicorn in a thread."""
    settings = {"rate": 0, **settings}
    app = create_app(ServerSettings(store=str(store), port=0, **settings), embedder=embedder or HashEmbedder())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + PATIENCE
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            while ready and client.get("/readyz").status_code != 200:
                assert time.monotonic() < until, app.state.running.failure
                time.sleep(0.01)
            yield Served(url, store, client, app=app)
    finally:
        server.should_exit = True
        thread.join()


Start = Callable[..., Served]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server over a new store, embedded by word hashing."""
    with serving(tmp_path / "notes.hippo") as server:
        yield server


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over one memory, "Here.", for requests that change nothing; shared by the tests of a file."""
    with serving(tmp_path_factory.mktemp("steady") / "notes.hippo") as server:
        server.add("Here.")
        yield server
        # Whatever was asked, and refused, the one memory is all there is.
        assert server.client.get("/v1/namespaces").json() == {"namespaces": ["default"]}
        assert [each["text"] for each in server.client.get("/v1/memories").json()["memories"]] == ["Here."]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("--workers", 2, store=path)``: `hippomem serve` as a process of its own, with the default model."""
    begun: list[Served] = []

    def run(*options: object, store: Path | None = None, ready: bool = True, before: str = "") -> Served:
        store = store or tmp_path / "notes.hippo"
        command = [
            sys.executable,
            "-c",
            f"{before}\nimport sys\nfrom hippomem.cli import main\nsys.exit(main())",
            "serve",
        ]
        command += ["--store", str(store), "--port", "0", "--json", "--rate", "0", *map(str, options)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HIPPOMEM_")}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",  # a process that is killed may leave half a character
            cwd=ROOT,
            start_new_session=True,
            env=environment,
        )
        log: list[str] = []
        assert process.stdout is not None
        assert process.stderr is not None
        # The pipe must be emptied all the time: a full one would stop the server.
        threading.Thread(target=_gather, args=(process.stderr, log), daemon=True).start()
        told = ""
        for line in process.stdout:
            told += line
            if line.startswith("}"):
                break
        assert told, "\n".join(log)
        url = json.loads(told)["url"]
        server = Served(url, store, httpx.Client(base_url=url, timeout=PATIENCE), process=process, log=log)
        begun.append(server)
        until = time.monotonic() + PATIENCE
        while ready and server.client.get("/readyz").status_code != 200:
            assert time.monotonic() < until, "\n".join(log)
            time.sleep(0.05)
        return server

    yield run
    for server in begun:
        server.client.close()
        assert server.process is not None
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        for stream in (server.process.stdout, server.process.stderr):
            assert stream is not None
            stream.close()


def _gather(stream: IO[str], lines: list[str]) -> None:
    with suppress(ValueError):  # closed meanwhile
        for line in stream:
            lines.append(line)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and class of an error, whose body must have the one shape."""
    error = answer.json()["error"]
    assert set(error) == {"type", "message", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]
    assert error["message"]
    return answer.status_code, error["type"]
