"""The scale benchmark's report as people read it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from eval.bench.measure import megabytes, ms

Report = Mapping[str, Any]


def tables(report: Report) -> Iterator[Table]:
    """Indexing and files, opening and queries, changes; with the smaller store beside them where there is one."""
    some = {f"{report['passages']:,} passages": report}
    if small := report.get("reference"):
        some[f"{small['passages']:,} passages"] = small
    yield _indexing(some, report)
    yield _files_and_memory(report)
    yield _queries(some, report)
    if "change" in report:
        yield _changes(some, report)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} x"


def _indexing(some: Mapping[str, Report], report: Report) -> Table:
    table = _table("indexing, seconds, without generator and encoder", "stage", *some)
    for stage in report["index"]["seconds"]:
        table.add_row(stage, *(f"{one['index']['seconds'].get(stage, 0.0):,.2f}" for one in some.values()))
    table.add_row("passages/s", *(f"{one['index']['passages_per_second']:,.0f}" for one in some.values()))
    for name in ("generator", "encoder"):
        table.add_row(
            f"({name}: left out)", *(f"{one['index']['outside_seconds'][name]:,.2f}" for one in some.values())
        )
    return table


def _files_and_memory(report: Report) -> Table:
    table = _table("files and memory, MB", "what", "MB")
    for name, count in report["files"].items():
        table.add_row(f"file {name}", megabytes(count))
    phases = {"index": report["index"], "open": report["open"][-1], "query": report["query"]}
    for name, figures in phases.items():
        table.add_row(f"peak, {name}", megabytes(figures["peak_bytes"]))
    table.add_row("  before the store is opened", megabytes(report["query"]["before_bytes"]))
    for name, count in report["query"]["now_bytes"].items():
        table.add_row(f"  after the queries, {name}", megabytes(count))
    return table


def _queries(some: Mapping[str, Report], report: Report) -> Table:
    table = _table("opening and queries, ms, without the encoder", "what", *(f"{n}, {p}" for n in some for p in _BOTH))

    def row(name: str, *path: str) -> None:
        cells = []
        for one in some.values():
            found: Any = one["query"]
            for step in path:
                found = found.get(step, {})
            cells += [ms(found.get(p)) for p in _BOTH]
        table.add_row(name, *cells)

    first, *again = report["open"]
    padding = [""] * (2 * len(some) - 1)
    for name, key in (("open", "open"), ("first search", "first_search"), ("open and first search", "total")):
        table.add_row(f"{name}, first process", ms(first[key]), *padding)
        if again:
            table.add_row(f"{name}, later ones", ms(statistics.median(one[key] for one in again)), *padding)
    row("asked for the first time", "first_time")
    for stage in report["query"]["plain"]:
        row(stage, "plain", stage)
    row("explain", "explained", "explain")
    row("total, with reasons", "explained", "total")
    if exact := report.get("exact"):
        share = f"{exact['overlap_at_10']:.3f} of the exact ten, lowest {exact['lowest']:.1f}"
        table.caption = f"{exact['questions']} questions: {share}; the exact search takes " + _times(
            report["ratio"]["exact_query"]
        )
    return table


_BOTH = ("p50", "p95")


def _changes(some: Mapping[str, Report], report: Report) -> Table:
    ratios = report["ratio"]
    table = _table("changes, ms, without the encoder", "what", *some, *(["ratio"] if len(some) > 1 else []))
    for name, what, which in (
        ("add one, p50", "add", "p50"),
        ("add one, p99", "add", "p99"),
        ("add one, the first", "add", "first"),
        ("search before any add, p50", "search_before", "p50"),
        ("search right after an add, p50", "search_after_add", "p50"),
        ("search right after an add, max", "search_after_add", "max"),
        ("forget one, p50", "forget", "p50"),
        ("forget one, max", "forget", "max"),
    ):
        cells = [ms(one["change"][what].get(which)) for one in some.values()]
        if len(some) > 1:
            cells.append(_times(ratios.get(what)) if which == "p50" and what in ratios else "")
        table.add_row(name, *cells)
    return table
