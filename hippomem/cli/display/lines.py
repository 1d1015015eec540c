"""Progress for a log: one plain line every ten seconds, and one at once when the LLM is paused or goes on."""

from __future__ import annotations

import re

import typer

from hippomem.cli.display import words
from hippomem.cli.display.board import Stage, View

#: Seconds between two lines.
EVERY = 10.0


class Lines:
    """Writes views to stderr as lines.    began: when the run did, seconds of the views' clock."""

    def __init__(self, began: float) -> None:
        self._said_at = began
        self._said: dict[str, Stage] = {}
        self._pause = ""
        self._paused_at = 0.0

    def show(self, view: View) -> None:
        """Say what is new, if it is time to."""
        self._say_pauses(view)
        if view.now - self._said_at < EVERY:
            return
        parts = [f"{stage.what}: {words.progress(stage)}" for stage in view.stages if self._is_news(stage)]
        asking = view.asking
        if asking is not None and self._is_news(asking.stage):
            calls = (part for part in words.calls(asking) if not part.endswith("answered"))
            facts = [words.progress(asking.stage), *calls, *words.spent(asking)]
            parts.append(f"{asking.stage.what}: {', '.join(facts)}")
        if parts:
            self._said_at = view.now
            typer.echo("; ".join(parts), err=True)

    def _is_news(self, stage: Stage) -> bool:
        """What is not done is told each time, what is done once, what has no end while it moves."""
        before = self._said.get(stage.what)
        self._said[stage.what] = stage
        moved = before is None or (before.done, before.total) != (stage.done, stage.total)
        return moved or (stage.total > 0 and not stage.is_done)

    def _say_pauses(self, view: View) -> None:
        because = "" if view.asking is None else view.asking.paused_because
        if because and kind_of(because) != kind_of(self._pause):
            self._paused_at = self._paused_at if self._pause else view.now
            typer.echo(f"the LLM is paused: {words.line(because)}", err=True)
        elif self._pause and not because:
            typer.echo(f"the LLM goes on after {words.duration(view.now - self._paused_at)}", err=True)
        self._pause = because


def kind_of(because: str) -> str:
    """A reason without its numbers: one that counts down stays the same."""
    return re.sub(r"[\d.,]+", "#", because)
