"""The report for people: one table a set, the mean over sets, and what must be known to read it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.metrics import ALWAYS
from hippomem.errors import ConfigError

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
        f"{pair['b']} against {pair['a']}: {pair['difference']:+.1f} {pair['metric']}, p = {pair['p']:.4f} (paired)"
        for pair in comparisons
        if pair["a"] == baseline
    ]
    return lines + [f"{name}: {entry['note']}" for name, entry in entries.items() if entry["note"]]


def print_set(
    out: Console, name: str, entries: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]
) -> None:
    """Print one set's table and what stands below it."""
    out.print(set_table(name, entries))
    for line in footnotes(entries, comparisons):
        out.print(Text(f"  {line}", style="dim"))
    out.print()


def check_writable(path: Path) -> None:
    """Raise ConfigError now if the report could not be written later: an evaluation may run for hours."""
    if path.is_dir():
        raise ConfigError(f"--json '{path}' is a folder; name a file")
    if not path.parent.is_dir():
        raise ConfigError(f"--json '{path}': no folder '{path.parent}'; make it first")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"--json '{path}': folder '{path.parent}' cannot be written to")


def write_json(path: Path, report: Mapping[str, Any]) -> None:
    """Write *report* whole or not at all. Raises ConfigError."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(report, file, ensure_ascii=False, indent=2)
                file.write("\n")
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"--json '{path}' cannot be written: {error.strerror or error}") from error
