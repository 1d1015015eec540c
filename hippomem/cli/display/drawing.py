"""The live display as rich draws it: a row a stage, and under them what the LLM does and costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hippomem.cli.display import words
from hippomem.cli.display.board import Asking, Stage, View

#: Columns from which there is room for bars, and for counts beside the percentage.
BARS, COUNTS = 76, 50
#: Columns that are used of a wide terminal: a bar across all of it would part a row's name from its numbers.
WIDEST = 110
#: Shares of a budget from which what is spent is drawn in yellow, and in red.
NEARLY, ALMOST = 0.8, 0.95


@dataclass(frozen=True)
class Drawing:
    """A view, laid out for the width that the terminal has when it is drawn."""

    view: View

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rows of stages, and lines of the LLM."""
        width = min(WIDEST, options.max_width)
        asking = self.view.asking
        stages = [*self.view.stages, *([] if asking is None else [asking.stage])]
        yield _table(stages, width, None if asking is None or not asking.paused_because else asking.stage)
        if asking is not None:
            for text in _lines(asking, width):
                yield Padding(text, (0, 0, 0, 2 if width >= COUNTS else 0))


def _table(stages: list[Stage], width: int, paused: Stage | None) -> Table:
    has_bars, has_counts = width >= BARS, width >= COUNTS
    table = Table.grid(padding=(0, 2 if has_counts else 1, 0, 0))
    table.width = width
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=None if has_bars else 1)
    if has_bars:
        table.add_column(ratio=1)
    for _ in range(3 if has_counts else 2):
        table.add_column(justify="right", no_wrap=True)
    for stage in stages:
        style = "dim" if stage.is_done else "yellow" if stage is paused else ""
        rate = "" if stage.rate is None or stage is paused else words.per_second(stage.rate)
        cells: list[Text | ProgressBar] = [Text(stage.what, style)]
        if has_bars:
            cells.append(_bar(stage, stage is paused))
        count = words.how_far(stage) if has_counts else _percent(stage)
        cells += [Text(count, style), *([Text(rate, style)] if has_counts else []), Text(_time(stage, paused), style)]
        table.add_row(*cells)
    return table


def _bar(stage: Stage, is_paused: bool) -> ProgressBar | Text:
    if not stage.total:
        return Text("")
    return ProgressBar(
        total=stage.total,
        completed=min(stage.done, stage.total),
        complete_style="yellow" if is_paused else "cyan",
        finished_style="dim green",
    )


def _percent(stage: Stage) -> str:
    # rounded down: what is not done is not 100%
    return f"{100 * stage.done // stage.total}%" if stage.total else words.short(stage.done)


def _time(stage: Stage, paused: Stage | None) -> str:
    if stage.is_done:
        return f"took {words.duration(stage.took)}"
    if stage is paused:
        return "paused"
    return "" if stage.left is None else f"{words.duration(stage.left)} left"


def _lines(asking: Asking, width: int) -> Iterator[Text]:
    if asking.paused_because:
        because = words.line(asking.paused_because, max(80, 2 * width - 20))  # two rows: an endpoint may say much
        yield Text.assemble((" PAUSED ", "bold black on yellow"), " ", (because, "bold yellow"))
    calls = words.calls(asking)
    yield Text(" · ").join(Text(part, "red" if part.endswith("failed") else "") for part in calls)
    share = words.share_spent(asking)
    style = "bold red" if share >= ALMOST else "yellow" if share >= NEARLY else ""
    yield Text(" · ").join(
        Text(part, "yellow" if part.startswith("heading") and asking.is_over_budget else style)
        for part in words.spent(asking)
    )
