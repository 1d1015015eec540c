"""A cross-validation on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from eval.crossval.figures import CHOSEN, DEFAULT, R2, R5

COLUMNS = {"R@2": R2, "R@5": R5}


def folds_table(report: Mapping[str, Any]) -> Table:
    """A row a held-out set: the setting chosen on the others, and what it finds here beside the default.

    ±: chosen − default.    p: of the paired test on the questions of the set; in the last row, of all sets.
    """
    made = Table(title=Text("constants chosen on the other sets, against the defaults"), title_justify="left")
    made.add_column("held out", no_wrap=True)
    made.add_column("chosen", no_wrap=True)
    for column in COLUMNS:
        for part in (f"{column} default", "chosen", "±", "p"):
            made.add_column(part, justify="right", no_wrap=True)
    for name, fold in report["folds"].items():
        made.add_row(Text(name), fold["setting"], *_cells(fold))
    made.add_row("mean", "", *_cells(report["mean"]))
    return made


def _cells(fold: Mapping[str, Any]) -> list[str]:
    pairs = {pair["metric"]: pair for pair in fold["comparisons"]}
    return [
        cell
        for metric in COLUMNS.values()
        for cell in (
            f"{fold[DEFAULT][metric]:.1f}",
            f"{fold[CHOSEN][metric]:.1f}",
            f"{pairs[metric]['difference']:+.1f}",
            f"{pairs[metric]['p']:.4f}",
        )
    ]


def conclusions(report: Mapping[str, Any]) -> list[str]:
    """Lines below the table: the best on all sets, and how much the constants matter."""
    best, spread = report["all_sets"], report["spread"]
    found, lost = best[CHOSEN], best["default_loses"]
    on_all = (
        f"best on all {len(report['scores'])} sets: {best['setting']}, mean R@2 / R@5 {found[R2]:.1f} / {found[R5]:.1f}; "
        f"the defaults lose {lost[R2]:.1f} / {lost[R5]:.1f} against it"
    )
    among = (
        f"mean R@5 of {spread['settings'] - 1} random settings: min {spread['min']:.1f}, quartiles {spread['q1']:.1f} "
        f"{spread['median']:.1f} {spread['q3']:.1f}, max {spread['max']:.1f}; "
        f"the defaults {spread[DEFAULT]:.1f}, rank {spread['rank']} of {spread['settings']}"
    )
    return [on_all, among]
