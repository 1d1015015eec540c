"""The plots of the report. Each takes the report's ``results`` and gives a matplotlib figure; nothing global changes.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers, and each retriever has a marker besides.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from eval.metrics import ALWAYS
from eval.report.tables import Entries, value_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Results = Mapping[str, Entries]

PAPER, INK, FAINT, GRID = "#fefefe", "#24292f", "#6e7781", "#d8dee4"  # the page gives each its own value in the dark
SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7f7f7f", "#999933")
MARKERS = "os^DvPX*"
LINES = ("-", "--", ":")  # change after as many labels as there are colours
COLUMNS = 3
QUALITY = f"recall@{ALWAYS}"


def recall_curves(results: Results) -> Figure:
    """recall@k against k, a panel a set, a line a retriever."""
    figure, panels = panels_of(len(results), width=3.4, height=2.7)
    ks = sorted({int(k) for entries in results.values() for entry in entries.values() for k in entry["recall"]})
    for axes, (name, entries) in zip(panels, results.items(), strict=True):
        titled(axes, name)
        for label, style in _styles(results).items():
            if label in entries:
                points = sorted((int(k), value) for k, value in entries[label]["recall"].items())
                axes.plot([k for k, _ in points], [v for _, v in points], label=label, linewidth=1.6, **style)
        axes.set_xscale("log")
        axes.set_xticks(ks, [str(k) for k in ks])
        axes.minorticks_off()
        axes.set_xlabel("k")
        axes.set_ylim(top=102)
        axes.set_ylabel("recall@k, %")
    legend(figure, panels)
    return figure


def bars(results: Results) -> Figure:
    """recall@5 with its interval, a panel a set, a bar a retriever."""
    rows = max(len(entries) for entries in results.values())
    figure, panels = panels_of(len(results), width=3.4, height=0.62 + 0.27 * rows)
    for axes, (name, entries) in zip(panels, results.items(), strict=True):
        titled(axes, name)
        for place, (label, entry) in enumerate(entries.items()):
            value, (low, high) = _quality(entry)
            axes.barh(place, value, height=0.66, color=_styles(results)[label]["color"])
            axes.plot([low, high], [place, place], color=INK, linewidth=1.3, solid_capstyle="butt")
            axes.text(max(value, high) + 2, place, f"{value:.1f}", va="center", fontsize=8)
        axes.set_yticks(range(len(entries)), list(entries))
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlim(0, 114)
        axes.set_xticks(range(0, 101, 25))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"recall@{ALWAYS}, %")
    return figure


def against_latency(results: Results) -> Figure:
    """recall@5 against the median milliseconds of a query."""
    return _against(results, lambda entry: float(entry["query_ms"]["p50"]), "milliseconds a query, p50")


def against_index_time(results: Results) -> Figure:
    """recall@5 against the seconds that indexing took."""
    return _against(results, lambda entry: float(entry["index_seconds"]["total"]), "seconds to index")


def against_tokens(results: Results) -> Figure | None:
    """recall@5 against the LLM's tokens spent on indexing; None when no retriever spent any."""
    if not any(_tokens(entry) for entries in results.values() for entry in entries.values()):
        return None
    return _against(results, _tokens, "LLM tokens to index")


def _tokens(entry: Mapping[str, Any]) -> float:
    return float(sum(entry.get("usage", {}).get(name, 0) for name in ("prompt_tokens", "completion_tokens")))


def _against(results: Results, cost: Callable[[Mapping[str, Any]], float], label: str) -> Figure:
    """recall@5 with its interval against a cost on a logarithmic axis; points without cost are left out."""
    figure, panels = panels_of(len(results), width=3.4, height=2.7)
    for axes, (name, entries) in zip(panels, results.items(), strict=True):
        titled(axes, name)
        spent = {one: cost(entry) for one, entry in entries.items() if cost(entry) > 0}
        for retriever, x in spent.items():
            value, (low, high) = _quality(entries[retriever])
            style = _styles(results)[retriever]
            axes.plot([x, x], [low, high], color=style["color"], linewidth=1.2, alpha=0.7)
            axes.plot([x], [value], label=retriever, markersize=7, **{**style, "linestyle": ""})
        axes.set_xscale("log")
        if spent:
            low_end, high_end = min(spent.values()) / 1.7, max(spent.values()) * 1.7
            axes.set_xlim(low_end, high_end)
            ticks = list(nice_ticks(low_end, high_end))
            axes.set_xticks(ticks, [compact(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(label)
        axes.set_ylabel(f"recall@{ALWAYS}, %")
    legend(figure, panels)
    return figure


def nice_ticks(low: float, high: float, *, most: int = 5) -> Iterator[float]:
    """1, 2, 5, 10, ... between two positive numbers; only powers of ten where that would be more than *most*.

    >>> list(nice_ticks(3, 60)), list(nice_ticks(1, 5000))
    ([5.0, 10.0, 20.0, 50.0], [1.0, 10.0, 100.0, 1000.0])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5) if low <= digit * 10.0**power <= high]
    tens = [10.0**power for power in powers if low <= 10.0**power <= high]
    yield from tens if len(ticks) > most and tens else ticks


def compact(value: float) -> str:
    """A tick's label, short enough to stand beside its neighbours.

    >>> compact(0.5), compact(20_000), compact(5e6)
    ('0.5', '20k', '5M')
    """
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= unit:
            return f"{value / (1e3 if letter == 'k' else unit):g}{letter}"
    return f"{value:g}"


def _quality(entry: Mapping[str, Any]) -> tuple[float, tuple[float, float]]:
    """recall@5 and its interval; where 5 was no cut-off, the middle of the interval, which is always there."""
    low, high = entry["ci95"][QUALITY]
    value = value_of(entry, QUALITY)
    return ((low + high) / 2 if value is None else value), (low, high)


def _styles(results: Results) -> dict[str, dict[str, Any]]:
    """Colour, marker and line of each label, in the order in which labels first appear."""
    labels = dict.fromkeys(label for entries in results.values() for label in entries)
    count = len(SERIES)
    return {
        label: {"color": SERIES[n % count], "marker": MARKERS[n % count], "linestyle": LINES[n // count % len(LINES)]}
        for n, label in enumerate(labels)
    }


def panels_of(count: int, *, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, at most `COLUMNS` side by side; width and height: of a panel, inches."""
    from matplotlib.figure import Figure

    columns = min(COLUMNS, max(1, count))
    rows = max(1, math.ceil(count / columns))
    figure = Figure(figsize=(max(5.2, width * columns), height * rows + 0.35), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)
    for spare in panels[count:]:
        spare.remove()
    return figure, panels[:count]


def titled(axes: Axes, name: str) -> None:
    """Write the title of a panel."""
    axes.set_title(name, loc="left", fontweight="bold", fontsize=10)


def legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend above all panels: every panel has the same labels."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(str(label), handle)
    width = sum(len(label) + 6 for label in handles)
    columns = max(1, int(len(handles) * min(1.0, 13.0 * figure.get_figwidth() / width)))
    figure.legend(handles.values(), handles, loc="outside upper left", ncols=columns, frameon=False, handlelength=1.8)


@contextmanager
def drawing() -> Iterator[None]:
    """The look of the plots, for as long as they are made and saved.

    Text stays text in the SVG: readers can select it, and their browser has letters that our font lacks. The salt fixes
    the ids that matplotlib makes up, so that the same figures give the same bytes.
    """
    import matplotlib

    look: Any = {
        "svg.hashsalt": "hippomem",
        "svg.fonttype": "none",
        "text.parse_math": False,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": FAINT,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "text.color": INK,
        "axes.facecolor": PAPER,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "lines.markersize": 4.5,
    }
    with matplotlib.rc_context(look), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # only measured here, drawn elsewhere
        yield


def svg(figure: Figure) -> str:
    """The figure as SVG; call it within `drawing`."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
