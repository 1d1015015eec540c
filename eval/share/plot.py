"""The curves as a picture: recall@5 against the share, a panel a set and retriever."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eval.report.plots import COLUMNS, MARKERS, QUALITY, SERIES, drawing, svg
from eval.share.choices import RANDOM, VALUE
from eval.share.curve import EVERYTHING, NOTHING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def share_svg(results: Mapping[str, Any]) -> str:
    """SVG of the curves. results: as of `eval.share.curve.measure` by set; sets without curves are left out."""
    from matplotlib.figure import Figure

    panels = {
        f"{name}, {label}": figures
        for name, result in results.items()
        for label, figures in result["retrievers"].items()
    }
    columns = min(COLUMNS, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    with drawing():
        figure = Figure(figsize=(4.2 * columns, 3.0 * rows + 0.4), layout="constrained")
        grid = list(figure.subplots(rows, columns, squeeze=False).flat)
        for spare in grid[len(panels) :]:
            spare.remove()
        for axes, (title, figures) in zip(grid, panels.items(), strict=False):
            axes.set_title(title, loc="left", fontweight="bold", fontsize=10)
            _draw(axes, figures)
        if panels:
            figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=6, frameon=False)
        return svg(figure)


def _draw(axes: Axes, figures: Mapping[str, Any]) -> None:
    """One panel: a line a choice, and a band of one standard deviation around random."""
    first, last = (figures["ends"][end][QUALITY] for end in (NOTHING, EVERYTHING))
    for n, (choice, by_share) in enumerate(figures["curves"].items()):
        shares = [float(share) for share in by_share]
        values = [means[QUALITY] for means in by_share.values()]
        style: Any = {"color": SERIES[n], "marker": MARKERS[n], "label": choice}
        axes.plot([0.0, *shares, 1.0], [first, *values, last], linewidth=2.4 if choice == VALUE else 1.2, **style)
        spread = [means.get("sd", {}).get(QUALITY, 0.0) for means in by_share.values()]
        if choice == RANDOM and any(spread):
            low, high = ([v + sign * s for v, s in zip(values, spread, strict=True)] for sign in (-1, 1))
            axes.fill_between(shares, low, high, color=SERIES[n], alpha=0.18, linewidth=0)
    axes.set_xlabel("share of passages that the LLM reads")
    axes.set_ylabel(f"{QUALITY}, %")
