"""Run a server until it is told to stop: one process, or a parent with workers that open the store each by themselves."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from hippomem.server.access import Keys, check_address
from hippomem.server.app import create_app
from hippomem.server.listening import listening
from hippomem.server.logs import log_config
from hippomem.server.metrics import SHARED
from hippomem.server.settings import ServerSettings
from hippomem.service.tenants import Tenants
from hippomem.store import Store

Started = Callable[[str, int], None]
#: Seconds that requests get to end once the server is told to stop; then connections are cut. Writes that were begun are
#: finished all the same.
GRACE_SECONDS = 30
#: Seconds without an answer after which a worker counts as hung. A worker whose threads compute may be slow to answer.
HUNG_SECONDS = 60
#: Connections that wait to be accepted.
BACKLOG = 512


def serve(settings: ServerSettings, *, started: Started = lambda url, pid: None) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs and close the store.

    started: called with URL and process id once it answers.
    Raises ConfigError (a public address without keys, a port that is taken), and whatever opening the store may raise.
    """
    check_address(settings.host, has_keys=_has_keys(settings.store), allowed_hosts=settings.allow_hosts)
    os.environ.setdefault("PROMETHEUS_DISABLE_CREATED_SERIES", "true")
    with listening(settings.host, settings.port) as listener:
        settings = replace(settings, port=listener.getsockname()[1])
        stopped = threading.Event()
        threading.Thread(target=_announce, args=(settings, started, stopped), daemon=True).start()
        try:
            (_serve_alone if settings.workers == 1 else _serve_together)(settings, listener)
        finally:
            stopped.set()


def _has_keys(store: str) -> bool:
    if not Path(store).exists():
        return False
    with Store.open(store, create=False) as opened:
        return Keys(opened).any()


def _serve_alone(settings: ServerSettings, listener: socket.socket) -> None:
    def stop() -> None:
        server.should_exit = True

    app = create_app(settings, on_failure=stop)
    server = uvicorn.Server(_config(settings, app=app))
    # uvicorn repeats the signal that ended it when all is done; that must not kill the process, which ended well.
    with _ignoring(signal.SIGTERM, signal.SIGINT):
        server.run(sockets=[listener])
    if app.state.running.failure is not None:
        raise app.state.running.failure


def _serve_together(settings: ServerSettings, listener: socket.socket) -> None:
    # Opened once before any worker: it makes a new store, and what is wrong with an old one is told here and once.
    Tenants(settings.store, embedder=settings.embedder, freshness=settings.freshness).close()
    with tempfile.TemporaryDirectory(prefix="hippomem-metrics-") as shared, _ignoring(signal.SIGTERM, signal.SIGINT):
        os.environ[SHARED] = shared
        try:
            replace(settings, parent=os.getpid()).to_environment()
            config = _config(settings, app="hippomem.server.app:from_environment", factory=True)
            Multiprocess(config, sockets=[listener]).run()
        finally:
            del os.environ[SHARED]


def _config(settings: ServerSettings, **app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        **app,
        workers=settings.workers,
        log_config=log_config(),
        access_log=False,  # `Guard` writes a line for each request
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=HUNG_SECONDS,
    )


@contextmanager
def _ignoring(*signals: signal.Signals) -> Iterator[None]:
    before = {each: signal.signal(each, lambda number, frame: None) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _announce(settings: ServerSettings, started: Started, stopped: threading.Event) -> None:
    """Say that the server is there once it answers: a port that is bound does not yet answer."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104
    while not stopped.is_set():
        connection = HTTPConnection(host, settings.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                name = f"[{host}]" if ":" in host else host
                started(f"http://{name}:{settings.port}", os.getpid())
                return
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
