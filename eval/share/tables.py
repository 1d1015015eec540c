"""The curves on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from eval.share.choices import CHOICES, RANDOM
from eval.share.curve import EVERYTHING, NOTHING

SHOWN = {"recall@2": "R@2", "recall@5": "R@5", "all_recall@5": "all@5"}


def gold_table(name: str, result: Mapping[str, Any]) -> Table:
    """How many of the passages that answer a question are read, percent; by chance it is the share."""
    title = f"{name}: of the passages that answer a question, how many are read, percent"
    made = _table(title, list(result["gold"][RANDOM]))
    for choice, by_share in result["gold"].items():
        made.add_row(choice, *(f"{percent:.0f}" for percent in by_share.values()))
    return made


def curve_table(name: str, label: str, figures: Mapping[str, Any]) -> Table:
    """`SHOWN` by choice and share, between the two ends, which are the same for every choice."""
    shares = list(figures["curves"][RANDOM])
    made = _table(f"{name}, {label}: {' / '.join(SHOWN.values())} by the share that the LLM reads", ["0", *shares, "1"])
    first, last = (_cell(figures["ends"][end]) for end in (NOTHING, EVERYTHING))
    for choice in CHOICES:
        by_share = figures["curves"][choice]
        made.add_row(choice, first, *(_cell(means) for means in by_share.values()), last)
        if all("sd" in means for means in by_share.values()):
            made.add_row("  ± sd", "", *(_cell(means["sd"]) for means in by_share.values()), "")
    return made


def _table(title: str, columns: list[str]) -> Table:
    made = Table(title=Text(title, no_wrap=True), title_justify="left", min_width=len(title))
    made.add_column("read first", no_wrap=True)
    for column in columns:
        made.add_column(column, justify="right", no_wrap=True)
    return made


def _cell(means: Mapping[str, float]) -> str:
    return " ".join(f"{means[metric]:.1f}" for metric in SHOWN)


def conclusions(figures: Mapping[str, Any]) -> Iterator[str]:
    """Lines below a curve: what all triples are worth, and what each choice is worth beside random, on all shares."""
    yield "everything read - nothing read: " + _differences(figures["all_read"])
    for choice in CHOICES:
        rows = [row for row in figures["over_random"] if row["b"] == choice]
        if rows:
            yield f"{choice} - random, mean over shares: {_differences(rows)}"


def _differences(rows: list[Mapping[str, Any]]) -> str:
    """By metric: the difference, its 95% interval, and p corrected for all choices that are compared."""
    shown = []
    for row in rows:
        low, high = row["ci95"]
        shown.append(f"{SHOWN[row['metric']]} {row['difference']:+.1f} [{low:+.1f}, {high:+.1f}] p {row['p_holm']:.2f}")
    return "; ".join(shown)
