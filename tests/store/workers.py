"""Processes with a memory open, that do what a test tells them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Reads expressions and statements, a JSON string a line; answers with the value, or the error's name and text.
_PROGRAM = """
import json, sys, time
from hippomem.arrays import keeping
from hippomem.store import store as store_module
store_module.BUSY_SECONDS = float(sys.argv[2])
keeping.FILES_FROM = int(sys.argv[3])
from hippomem.errors import HippomemError
from tests.arrays.made import fact, open_memory
builds = []
real = keeping.build
keeping.build = lambda *given: (builds.append(1), real(*given))[1]
known = {"json": json, "time": time, "fact": fact, "builds": builds, "open_memory": open_memory, "path": sys.argv[1]}
for line in sys.stdin:
    what = json.loads(line)
    try:
        try:
            value = eval(what, known)
        except SyntaxError:
            value = exec(what, known)
        print(json.dumps(["value", value]), flush=True)
    except HippomemError as error:
        print(json.dumps([type(error).__name__, str(error)]), flush=True)
    except Exception as error:
        print(json.dumps([repr(error), ""]), flush=True)
"""


class Worker:
    """One process; ``memory`` is what it has open. Commands sent with `begin` are answered in order by `end`."""

    def __init__(self, path: Path, *, busy_seconds: float = 30.0, files_from: int = 1000, opened: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(path), str(busy_seconds), str(files_from)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.begin("memory = open_memory(path)" if opened else "1")

    def begin(self, command: str) -> None:
        """Send without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def end(self) -> tuple[str, Any]:
        """The next answer: ("value", it), or (name of the error, its text)."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        kind, value = json.loads(line)
        return kind, value

    def __call__(self, command: str) -> Any:
        """Send, wait and return the value; an error fails the test."""
        self.begin(command)
        kind, value = self.end()
        assert kind == "value", (command, kind, value)
        return value


@contextmanager
def workers(path: Path, number: int, **given: Any) -> Iterator[list[Worker]]:
    """Several at once, all ready; killed at the end."""
    made = [Worker(path, **given) for _ in range(number)]
    try:
        for worker in made:
            assert worker.end()[0] == "value"
        yield made
    finally:
        for worker in made:
            worker.process.kill()
            worker.process.communicate()
