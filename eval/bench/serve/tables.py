"""The benchmark of the server as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from eval.bench.measure import ms

Report = Mapping[str, Any]
_PHASES = {
    "single": "1 client",
    "closed": "{connections} connections, as fast as answered",
    "open": "{rate:.0f} a second by schedule",
}


def tables(report: Report) -> Iterator[Table]:
    """Latencies and rates, then what became of the acknowledged adds."""
    yield _latencies(report)
    yield _killed(report)


def lines(report: Report) -> Iterator[str]:
    """What must be known to read the tables."""
    settings, questions = report["settings"], report["questions"]
    repeated = f"{questions['repeated']:,} asked twice" if questions["repeated"] else "none asked twice"
    yield (
        f"{settings['passages']:,} passages, {report['store']['generated']:,} of them generated; "
        f"{questions['asked']:,} questions, {questions['given_share']:.0%} of them the set's own, {repeated}."
    )
    yield (
        f"Client and server share {report['provenance']['cpus']} processors "
        f"(load before: {report['load_average'][0]:.1f}). Latencies by schedule count from the time a request was due."
    )
    found = report["mark"]
    yield (
        f"Mark: {found['errors']} errors; search p95 under load is {found['search_p95_times_single_p50']:.1f} x one "
        f"client's p50 (at most {found['at_most']:.0f} x); acknowledged adds "
        f"{'all kept' if found['acknowledged_all_kept'] else 'LOST'}: {'held' if found['is_held'] else 'MISSED'}."
    )


def _latencies(report: Report) -> Table:
    settings = report["settings"]
    title = f"serve: {settings['workers']} worker(s), {settings['adds']:.0%} adds, ms"
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(("load", "what", "n", "a second", "p50", "p95", "p99", "errors", "cores")):
        table.add_column(column, justify="right" if number > 1 else "left", no_wrap=True)
    for phase, name in _PHASES.items():
        figures = report[phase]
        title = name.format(connections=settings["connections"], rate=figures.get("rate", 0.0))
        table.add_row(title, "all", *_all(figures), end_section=not figures["kinds"])
        for number, (kind, of_kind) in enumerate(figures["kinds"].items(), start=1):
            # One client's rate says how the phase is made up, and no more.
            cells = [str(of_kind["answered"]), "" if phase == "single" else f"{of_kind['per_second']:.1f}"]
            cells += [ms(of_kind.get(p)) for p in ("p50", "p95", "p99")]
            table.add_row("", kind, *cells, "", "", end_section=number == len(figures["kinds"]))
    table.caption = "cores: processor seconds in a second, of the server and of the client"
    return table


def _all(figures: Report) -> list[str]:
    cores = figures["cores"]
    server = "-" if cores["server"] is None else f"{cores['server']:.2f}"
    rate = f"{figures['per_second']:.1f}"
    return [str(figures["answered"]), rate, "", "", "", str(figures["errors"]), f"{server} + {cores['client']:.2f}"]


def _killed(report: Report) -> Table:
    storm, kept = report["storm"], report["kept"]
    table = Table(title="kill -9 in a storm of adds", title_justify="left")
    table.add_column("what", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_row("adds a second before it", f"{storm['adds_per_second']:.1f}")
    table.add_row("acknowledged / cut off in the storm", f"{storm['acknowledged']} / {storm['cut_off']}")
    table.add_row("ready again after, s", f"{kept['ready_seconds']:.2f}")
    table.add_row("first search after, s", f"{kept['first_search_seconds']:.2f}")
    table.add_row("acknowledged in the whole run", str(kept["acknowledged"]))
    table.add_row("  there, by id", str(kept["there"]))
    table.add_row("  found, by their word", str(kept["found"]))
    return table
