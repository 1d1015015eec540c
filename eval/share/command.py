"""The command ``share`` of ``python -m eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from eval.arguments import DatasetDirs, EmbedderName, Json, Limit, Seed
from eval.dataset import load_datasets
from eval.extras import REPORT, check_extra
from eval.options import check_settings, choice
from eval.provenance import command_line, provenance
from eval.report.console import console
from eval.report.files import check_writable, write_text
from eval.report.outputs import Outputs
from eval.run import RunSettings
from eval.share.curve import KS, ShareSettings, measure
from eval.share.plot import share_svg
from eval.share.tables import conclusions, curve_table, gold_table
from eval.stores import StoreSettings
from eval.systems import RETRIEVERS, hippomem_engine, systems
from hippomem.errors import ConfigError
from hippomem.types import RetrieverName

#: The project's own, and the one that is defined on triples.
DEFAULT_RETRIEVERS: tuple[RetrieverName, ...] = ("hippomem", "hipporag2")


def share(
    datasets: DatasetDirs,
    shares: Annotated[
        str, typer.Option(metavar="LIST", help="Shares of the passages that are read, between 0 and 1.")
    ] = "0.1,0.2,0.3,0.5",
    retriever: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Repeatable; hippomem and hipporag2 if left out."),
    ] = None,
    draws: Annotated[int, typer.Option(metavar="N", help="Random choices of each share.")] = 5,
    embedder: EmbedderName = None,
    json: Json = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the curves as SVG.")] = None,
    limit: Limit = None,
    seed: Seed = 0,
) -> None:
    """Measure what it is worth to have an LLM read a share of the passages only, and which.

    Each set is indexed with the built-in extractor; then the passages of each share are chosen by value (as `--llm-share`
    does), by each of its three signals alone, at random, and with the questions known ("gold": a ceiling), and the triples
    recorded in openie.jsonl are added for these. Sets without openie.jsonl show how many of the passages that answer a
    question are chosen, and no recall. Nothing read and everything read are always measured.
    Builds 2 + shares x (5 + draws) stores a set, about 10 s each for 2,000 passages: all texts are encoded once.
    """
    settings = ShareSettings(
        parse_shares(shares),
        draws,
        RunSettings(
            systems=systems(*(choice("--retriever", name, RETRIEVERS) for name in retriever or DEFAULT_RETRIEVERS)),
            ks=KS,
            stores=StoreSettings(extractor="recorded", embedder=embedder),
            limit=limit,
            seed=seed,
        ),
    )
    if draws < 1:
        raise ConfigError(f"--draws is {draws}; give at least 1 random choice")
    check_settings(settings.run)
    outputs = Outputs(json)
    outputs.check()
    if plot is not None:
        check_extra(*REPORT)
        check_writable(plot, "--plot")
    sets = tuple(dataset.limited(limit) for dataset in load_datasets(datasets))
    options: dict[str, object] = {
        "--shares": shares,
        "--retriever": [system.label for system in settings.run.systems],
        "--draws": draws,
        "--embedder": embedder,
        "--limit": limit,
        "--seed": seed,
    }
    report: dict[str, Any] = {
        "shares": list(settings.shares),
        "results": {},
        "provenance": provenance(sets, settings.run, command_line("share", sets, options)),
    }
    engine, out, progress = hippomem_engine(), console(), console(stderr=True)
    for dataset in sets:
        result = measure(dataset, settings, engine, lambda line: progress.print(Text(line, style="dim")))
        report["results"][dataset.name] = result
        outputs.write(report)
        out.print(gold_table(dataset.name, result))
        for label, figures in result["retrievers"].items():
            out.print(curve_table(dataset.name, label, figures))
            for line in conclusions(figures):
                out.print(Text(f"  {line}", style="dim"))
        out.print()
    if plot is not None:
        write_text(plot, share_svg(report["results"]))


def parse_shares(text: str) -> tuple[float, ...]:
    """``"0.5,0,0.2"`` as ascending distinct shares of (0, 1); 0 and 1 are measured anyway. Raises ConfigError."""
    try:
        shares = sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigError(f"--shares '{text}': expected numbers with commas between, such as 0.1,0.2,0.5") from error
    if not all(0.0 <= one <= 1.0 for one in shares):
        raise ConfigError(f"--shares '{text}': a share is at least 0 and at most 1")
    kept = tuple(one for one in shares if 0.0 < one < 1.0)
    if not kept:
        raise ConfigError(f"--shares '{text}': give at least one share between 0 and 1; these two are measured anyway")
    return kept
