"""``python -m eval bench memory``: the most memory that indexing takes, at several sizes, each in its own process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from eval.bench.apart import run_apart
from eval.bench.measure import megabytes, say, setting
from eval.bench.memory.process import Order
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.errors import ConfigError

Figures = Mapping[str, Any]


def memory(
    passages: Annotated[str, typer.Option(metavar="N,N", help="Sizes of the generated corpus.")] = "50000,100000",
    seed: Annotated[int, typer.Option(help="Of the generated corpus.")] = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures.")] = None,
) -> None:
    """Index generated passages from a stream, making arrays at the end; print the peak of each stage and what grows.

    The built-in extractor reads them; the encoder is made up, with 384 dimensions and next to no memory.
    """
    if json is not None:
        check_writable(json)
    sizes = _sizes(passages)
    runs = []
    for size in sizes:
        say(f"indexing {size:,} passages")
        with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as folder:
            order = Order(str(Path(folder).resolve() / "memory.hippo"), size, seed)
            runs.append(run_apart("eval.bench.memory.process", order, f"indexing {size:,} passages"))
    report = {"seed": seed, "runs": runs, "growth": growth(runs[0], runs[-1]), "provenance": setting()}
    if json is not None:
        write_json(json, report)
    for table in tables(runs):
        console().print(table)
    for line in lines(report):
        console().print(line)


def _sizes(text: str) -> list[int]:
    """Ascending. Raises ConfigError."""
    try:
        sizes = sorted({int(part) for part in text.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < 20:
        raise ConfigError(f"--passages '{text}' gives no sizes; give numbers from 20 on, with commas between them.")
    return sizes


def growth(small: Figures, large: Figures) -> dict[str, float] | None:
    """Bytes a passage by which the larger run's peak is higher: in all, by the vectors of the arrays, by the rest."""
    more = large["passages"] - small["passages"]
    if more <= 0:
        return None
    peak = (large["peak_bytes"] - small["peak_bytes"]) / more
    vectors = (large["vector_bytes"]["arrays"] - small["vector_bytes"]["arrays"]) / more
    return {"peak": peak, "vectors": vectors, "rest": peak - vectors}


def tables(runs: Sequence[Figures]) -> Iterator[Table]:
    """A row a stage, and a column a size."""
    made = Table(title="indexing: MB that were resident (own), and seconds, by stage", title_justify="left")
    made.add_column("stage", no_wrap=True)
    for run in runs:
        made.add_column(f"{run['passages']:,} passages", justify="right", no_wrap=True)
        made.add_column("s", justify="right", no_wrap=True)
    for stage in runs[-1]["stages"]:
        cells = []
        for run in runs:
            found = run["stages"].get(stage, {"seconds": 0.0})
            cells.append(f"{megabytes(found.get('resident'))} ({megabytes(found.get('own'))})")
            cells.append(f"{found['seconds']:.1f}")
        made.add_row(stage, *cells)
    yield made
    made = Table(title="MB", title_justify="left")
    made.add_column("what", no_wrap=True)
    for run in runs:
        made.add_column(f"{run['passages']:,} passages", justify="right", no_wrap=True)
    made.add_row("peak of the process", *(megabytes(run["peak_bytes"]) for run in runs))
    for name in ("store", "arrays"):
        made.add_row(f"file: {name}", *(megabytes(run["file_bytes"][name]) for run in runs))
        made.add_row("  of these, vectors and signs", *(megabytes(run["vector_bytes"][name]) for run in runs))
    yield made


def lines(report: Figures) -> Iterator[str]:
    """What grows."""
    found = report["growth"]
    if found is not None:
        yield (
            f"Each passage more takes {found['peak']:,.0f} bytes more at the peak: {found['vectors']:,.0f} are its "
            f"vectors in the arrays, {found['rest']:,.0f} the rest."
        )
