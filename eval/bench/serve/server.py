"""The server that is measured: `hippomem serve` as a process of its own on loopback, started, watched and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from hippomem.errors import HippomemError

#: Seconds until a server must be ready, and until one that was told to stop must be gone.
PATIENCE = 120.0
#: Lines of its log that are shown when it fails.
_SHOWN = 12
ROOT = Path(__file__).resolve().parents[3]


class Server:
    """A running server and its workers. start_seconds: from the start of the process until it was ready."""

    def __init__(self, process: subprocess.Popen[str], log: Path, host: str, port: int, start_seconds: float) -> None:
        self.process, self.log, self.host, self.port, self.start_seconds = process, log, host, port, start_seconds

    def kill(self) -> None:
        """SIGKILL to all its processes at once, as when the power goes (but for what the system has in its caches)."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def cpu_seconds(self) -> float | None:
        """Processor time that its processes have used so far. Linux only."""
        return cpu_seconds_of_group(self.process.pid)


@contextmanager
def serving(store: Path, log: Path, *, workers: int = 1, embedder: str | None = None) -> Iterator[Server]:
    """Start a server over the store, and wait until it is ready. log: what it says on standard error.

    Afterwards it is told to stop, and killed if it does not.
    Raises HippomemError with the end of its log when it does not become ready.
    """
    command = [sys.executable, "-m", "hippomem.cli", "serve", "--store", str(store), "--port", "0", "--rate", "0"]
    command += ["--workers", str(workers), "--json"]
    command += [] if embedder is None else ["--embedder", embedder]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HIPPOMEM_")}
    with log.open("a", encoding="utf-8") as err:
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 (its words are our own)
            command,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,  # so that its workers can be killed with it
        )
    try:
        host, port = _address(process, log)
        _wait(process, log, host, port, until=start + PATIENCE)
        yield Server(process, log, host, port, time.perf_counter() - start)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> tuple[str, int]:
    """Where it says that it listens, as soon as it answers."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if line.startswith("}"):
            url = urlsplit(json.loads(told)["url"])
            assert url.hostname is not None
            assert url.port is not None
            return url.hostname, url.port
    raise _failed(log)


def _wait(process: subprocess.Popen[str], log: Path, host: str, port: int, *, until: float) -> None:
    while time.perf_counter() < until and process.poll() is None:
        connection = HTTPConnection(host, port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.02)
    raise _failed(log)


def _failed(log: Path) -> HippomemError:
    lines = log.read_text(encoding="utf-8").splitlines()[-_SHOWN:]
    return HippomemError("\n".join(["the server did not become ready; the end of its log:", *lines]))


def cpu_seconds_of_group(group: int) -> float | None:
    """Processor time of all processes of a process group, children that have ended included; None where it is not told."""
    if not Path("/proc/self/stat").exists():
        return None
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # ended meanwhile
            # The name may hold spaces and brackets; what follows it does not.
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += sum(map(int, fields[11:15]))
    return float(ticks / os.sysconf("SC_CLK_TCK"))
