"""One display of long work: live on a terminal, lines in a log, and events for programs if asked."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hippomem.cli.display.board import Board, View
from hippomem.cli.display.events import Events
from hippomem.cli.display.lines import Lines

if TYPE_CHECKING:
    from rich.live import Live

    from indexing.asking.status import AskingStatus

#: Seconds before anything is drawn; what is done sooner needs no display.
PATIENCE = 1.0
#: Seconds between two looks.
TICK = 0.25


def _no_llm() -> None:
    return None


class Display:
    """An `indexing.pipeline.Progress` callback, for any number of threads: ``display(what, done, total)``.

    Use it as a context manager, so that the terminal is left clean: what is drawn goes when the block ends. All is written
    by one thread of its own; nothing that it fails to write stops the work.

    status: how the LLM run stands, asked four times a second; None while there is none.    budget_*: as given to the run.
    events: a file for JSON Lines (see `events`), "-" for standard output.    clock: seconds, from any beginning.
    Raises ConfigError for events that cannot be written.
    """

    def __init__(
        self,
        *,
        status: Callable[[], AskingStatus | None] = _no_llm,
        budget_usd: float | None = None,
        budget_tokens: int | None = None,
        events: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._began = clock()
        self._board = Board(status, clock, budget_usd=budget_usd, budget_tokens=budget_tokens)
        self._events = None if events is None else Events(events)
        is_drawn = _is_terminal(sys.stderr) and not (events == "-" and sys.stdout.isatty())
        self._lines = None if is_drawn else Lines(self._began)
        self._live: Live | None = None
        self._is_over = threading.Event()
        self._ticker = threading.Thread(target=self._run, name="display", daemon=True)

    def __call__(self, what: str, done: int, total: int) -> None:
        """*done* of *total* are done; total 0 for not known yet."""
        self._board.advance(what, done, total)

    def failed(self, passage_id: str, error: str) -> None:
        """A passage failed: tell programs at once."""
        if self._events is not None:
            self._events.failed(passage_id, error)

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The run came to its end. summary: as `--json` prints it. Call it inside the block."""
        self._end()
        if self._events is not None:
            self._events.finished(summary)
            self._events.close()

    def tick(self) -> None:
        """Look, and show what is to be shown now. The display does so by itself."""
        self._show(self._board.look())

    def _show(self, view: View, *, is_last: bool = False) -> None:
        if self._events is not None:
            self._events.show(view, is_last=is_last)
        # a terminal that went away, or a log on a full disk, is no reason to stop what is being paid for
        with suppress(OSError, ValueError):
            if self._lines is not None:
                self._lines.show(view)
            elif view.now - self._began >= PATIENCE and not is_last:
                self._draw(view)

    def _draw(self, view: View) -> None:
        from rich.live import Live

        from hippomem.cli.display.drawing import Drawing

        if not view.stages and view.asking is None:
            return
        if self._live is None:
            from rich.console import Console

            made = Console(stderr=True, highlight=False)
            self._live = Live(console=made, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
            made.show_cursor(True)  # rich hides it, and a process that is killed could not bring it back
        self._live.update(Drawing(view), refresh=True)

    def _run(self) -> None:
        while not self._is_over.wait(TICK):
            self.tick()

    def _end(self) -> None:
        """Stop looking, show the last state, leave the terminal clean. Once; later calls do nothing."""
        if self._is_over.is_set():
            return
        self._is_over.set()
        if self._ticker.ident is not None:
            self._ticker.join()
        self._show(self._board.look(), is_last=True)
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()

    def __enter__(self) -> Self:
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if self._events is not None:
            if error is not None:
                self._events.tell("stopped", error=f"{type(error).__name__}: {error}")
            self._events.close()


def _is_terminal(stream: Any) -> bool:
    """Whether it is one that can move its cursor."""
    return bool(stream.isatty()) and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
