"""The server as a process of its own, for as long as a block."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from hippomem.testing.llm_server.log import Served, read_log


class LlmServer:
    """Starts the server on a free port; `base_url` is set when it listens.

    options: of ``python -m hippomem.testing.llm_server``, as ``latency=0.3, at_once=50, faults=0.2, seed=7``.
    Raises RuntimeError when it does not start; its error output says why.
    """

    base_url: str

    def __init__(self, corpus: Path, openie: Path, log: Path | None = None, **options: object) -> None:
        given = {"corpus": corpus, "openie": openie, **({} if log is None else {"log": log}), **options}
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        self._command = [sys.executable, "-m", "hippomem.testing.llm_server", *words]
        self._log = log

    def __enter__(self) -> LlmServer:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)  # noqa: S603  ours
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        if not self.base_url:
            self.close()
            raise RuntimeError(f"the server has not started, exit code {self._process.returncode}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process and wait for it."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def served(self) -> list[Served]:
        """What it has served so far; needs a log."""
        assert self._log is not None
        return read_log(self._log) if self._log.exists() else []
