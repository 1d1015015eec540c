"""The curves as a picture: recall@5 against the share, a panel a set and retriever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eval.report.plots import MARKERS, QUALITY, SERIES, drawing, legend, panels_of, svg, titled
from eval.share.choices import RANDOM, VALUE
from eval.share.curve import EVERYTHING, NOTHING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def share_svg(results: Mapping[str, Any]) -> str:
    """SVG of the curves. results: as of `eval.share.curve.measure` by set; sets without curves are left out."""
    panels = {
        f"{name}, {label}": figures
        for name, result in results.items()
        for label, figures in result["retrievers"].items()
    }
    with drawing():
        figure, grid = panels_of(len(panels), width=4.2, height=3.0)
        for axes, (title, figures) in zip(grid, panels.items(), strict=True):
            titled(axes, title)
            _draw(axes, figures)
        if panels:
            legend(figure, grid)
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
