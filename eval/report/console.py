"""The report on the terminal: one table a set, the mean over sets, and what must be known to read it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.breakdown import By
from eval.metrics import ALWAYS

PLAIN_WIDTH = 140  # columns where the output is a file or a pipe, so that no table is folded


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or `PLAIN_WIDTH` where there is none."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)


def set_table(name: str, entries: Mapping[str, Mapping[str, Any]]) -> Table:
    """One set's table: a row a retriever."""
    first = next(iter(entries.values()))
    title = f"{name}: {first['questions']} questions, {first['passages']} passages"
    if first["stores"] > 1:
        title += f" in {first['stores']} stores"
    ks = list(first["recall"])
    table = _table(title, ks)
    for column in ("p50 ms", "index s", f"R@{ALWAYS} 95% CI"):
        table.add_column(column, justify="right", no_wrap=True)
    for retriever, entry in entries.items():
        low, high = entry["ci95"][f"recall@{ALWAYS}"]
        times = (f"{entry['query_ms']['p50']:.1f}", f"{entry['index_seconds']['total']:.1f}")
        table.add_row(retriever, *_quality(entry, ks), *times, f"{low:.1f} - {high:.1f}")
    return table


def mean_table(means: Mapping[str, Mapping[str, Any]], sets: int) -> Table:
    """The mean over sets, each set counting once."""
    ks = list(next(iter(means.values()))["recall"])
    table = _table(f"mean over {sets} sets", ks)
    for retriever, entry in means.items():
        table.add_row(retriever, *_quality(entry, ks))
    return table


def _table(title: str, ks: Sequence[str]) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column("retriever", no_wrap=True)
    for column in (*(f"R@{k}" for k in ks), f"all@{ALWAYS}", "MRR"):
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _quality(entry: Mapping[str, Any], ks: Sequence[str]) -> list[str]:
    percents = [*(entry["recall"][k] for k in ks), entry[f"all_recall@{ALWAYS}"]]
    return [*(f"{value:.1f}" for value in percents), f"{entry['mrr']:.3f}"]


def footnotes(entries: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines below a set's table: the others against the first retriever named, then the notes."""
    baseline = next(iter(entries))
    lines = [
        f"{pair['b']} against {pair['a']}: {pair['difference']:+.1f} {pair['metric']}, "
        f"p = {pair['p']:.4f} (paired), {pair['p_holm']:.4f} (Holm)"
        for pair in comparisons
        if pair["a"] == baseline and pair["metric"] == f"recall@{ALWAYS}"
    ]
    return lines + [f"{name}: {entry['note']}" for name, entry in entries.items() if entry["note"]]


def by_table(name: str, entries: Mapping[str, Mapping[str, Any]], by: By) -> Table | None:
    """Recall@5 / all@5 by label, a row a label; None when no question of the set has one."""
    groups: Mapping[str, Mapping[str, Any]] = next(iter(entries.values()))[f"by_{by}"]
    if not groups:
        return None
    table = Table(title=Text(f"{name} by {by}: R@{ALWAYS} / all@{ALWAYS}"), title_justify="left")
    table.add_column(by, no_wrap=True)
    for column in ("questions", *entries):
        table.add_column(column, justify="right", no_wrap=True)
    for label, group in groups.items():
        mine = [entry[f"by_{by}"][label] for entry in entries.values()]
        figures = (f"{own['recall'][str(ALWAYS)]:.1f} / {own[f'all_recall@{ALWAYS}']:.1f}" for own in mine)
        table.add_row(Text(label), str(group["questions"]), *figures)
    return table


@dataclass(frozen=True, slots=True)
class RunTables:
    """Prints a run: each set's table, its break-down when one is wanted, what stands below, and last the mean."""

    out: Console
    by: By | None = None

    def one_set(
        self, name: str, entries: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]
    ) -> None:
        """See `eval.evaluate.Show`."""
        self.out.print(set_table(name, entries))
        if self.by is not None and (table := by_table(name, entries, self.by)) is not None:
            self.out.print(table)
        for line in footnotes(entries, comparisons):
            self.out.print(Text(f"  {line}", style="dim"))
        self.out.print()

    def mean(self, means: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]], sets: int) -> None:
        """See `eval.evaluate.Show`."""
        self.out.print(mean_table(means, sets))
