"""An ablation on the terminal: for each variant what it finds, and what that is more or less than the whole finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.metrics import ALWAYS
from eval.report.tables import value_of

#: Column title -> its metric: a variant's percent, the difference to the whole, and how likely luck makes as much.
COLUMNS = {"R@2": "recall@2", f"R@{ALWAYS}": f"recall@{ALWAYS}", f"all@{ALWAYS}": f"all_recall@{ALWAYS}"}

Entries = Mapping[str, Mapping[str, Any]]
Comparisons = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class AblationTables:
    """Prints each set's table with its notes, and last the mean over sets."""

    out: Console

    def one_set(self, name: str, entries: Entries, comparisons: Comparisons) -> None:
        """See `eval.evaluate.Show`."""
        first = next(iter(entries.values()))
        self.out.print(table(f"{name}: {first['questions']} questions", entries, comparisons))
        for line in notes(entries):
            self.out.print(Text(f"  {line}", style="dim"))
        self.out.print()

    def mean(self, means: Entries, comparisons: Comparisons, sets: int) -> None:
        """See `eval.evaluate.Show`."""
        self.out.print(table(f"mean over {sets} sets", means, comparisons))


def table(title: str, entries: Entries, comparisons: Comparisons) -> Table:
    """A row a variant. p: of the paired test, corrected by Holm over the variants.

    comparisons: with the whole as ``a``, of `eval.significance.compare` or `compare_means`.
    """
    made = Table(title=Text(title), title_justify="left")
    made.add_column("variant", no_wrap=True)
    for column in COLUMNS:
        for part in (column, "±", "p (Holm)"):
            made.add_column(part, justify="right", no_wrap=True)
    pairs = {(pair["b"], pair["metric"]): pair for pair in comparisons}
    for label, entry in entries.items():
        cells = []
        for metric in COLUMNS.values():
            value, pair = value_of(entry, metric), pairs.get((label, metric))
            cells.append("" if value is None else f"{value:.1f}")
            cells += ["", ""] if pair is None else [f"{pair['difference']:+.1f}", f"{pair['p_holm']:.4f}"]
        made.add_row(label, *cells)
    return made


def notes(entries: Entries) -> list[str]:
    """What must be known to read the figures, a line a note: one that all variants share is told once."""
    told = {label: entry["note"] for label, entry in entries.items()}
    if len(set(told.values())) == 1:
        told = {"all variants": next(iter(told.values()))}
    return [f"{label}: {note}" for label, note in told.items() if note]
