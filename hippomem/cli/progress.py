"""Progress of long work on stderr: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Seconds before anything is shown; what is done sooner needs no bar.
PATIENCE = 1.0
#: Seconds between two plain lines where there is no terminal.
LOG_EVERY = 10.0


class Bars:
    """A `indexing.pipeline.Progress` callback: ``bars(what, done, total)``, total 0 for not known yet.

    Shows nothing for the first `PATIENCE` seconds. Use it as a context manager, so that the terminal is left clean.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, from any beginning."""
        self._clock = clock
        self._began = self._logged = clock()
        self._is_terminal = sys.stderr.isatty()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that *done* of *total* are done."""
        now = self._clock()
        if now - self._began < PATIENCE:
            return
        if self._is_terminal:
            self._draw(what, done, total)
        elif now - self._logged >= LOG_EVERY:
            self._logged = now
            typer.echo(f"{what}: {done:,}{f' of {total:,}' if total else ''}", err=True)

    def _draw(self, what: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._progress is None:
            columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.start()
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=None)
        self._progress.update(self._tasks[what], completed=done, total=total or None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
