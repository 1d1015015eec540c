"""``python -m eval convert``: files of a benchmark in, a folder in BEIR layout out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eval.loaders.formats import FORMATS, convert
from eval.loaders.model import Conversion
from eval.loaders.options import UNITS, Options, Unit
from eval.loaders.writing import check_out, write
from hippomem.cli.output import print_json
from hippomem.errors import ConfigError


def convert_command(
    name: Annotated[str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The official files (for beir a folder).")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder that does not exist yet, or is empty.")],
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="First N questions that are kept.")] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="beir: judgements, `test` if left out.")] = None,
    unit: Annotated[
        str | None, typer.Option(metavar="NAME", help="longmemeval: a passage is a turn (default) or a session.")
    ] = None,
    pooled: Annotated[bool, typer.Option("--pooled", help="longmemeval: one store for all questions.")] = False,
    aliases: Annotated[Path | None, typer.Option(metavar="FILE", help="2wiki: id_aliases.json.")] = None,
    corpus: Annotated[
        Path | None, typer.Option(metavar="PATH", help="hipporag, own: the passages, if not beside the questions.")
    ] = None,
    openie: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="hipporag: openie_results_ner_*.json, for `--extractor recorded`."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Turn a benchmark's official files, or your own questions, into a folder that `run` reads."""
    options = Options(
        limit=limit,
        split=split,
        unit=_unit(unit),
        pooled=pooled,
        aliases=aliases,
        corpus=corpus,
        openie=openie,
    )
    check_out(out)
    conversion = convert(name, files, options)
    write(conversion, out)
    if json:
        print_json(report(name, out, conversion))
    else:
        for line in summary(name, out, conversion):
            typer.echo(line)


def report(name: str, out: Path, conversion: Conversion) -> dict[str, Any]:
    """What was written and left out, in plain JSON types."""
    return {"format": name, "out": str(out), **conversion.counts, "left_out": dict(conversion.left_out)}


def summary(name: str, out: Path, conversion: Conversion) -> list[str]:
    """The same for people."""
    counts = conversion.counts
    stores = f" in {counts['stores']:,} stores" if counts["stores"] > 1 else ""
    lines = [
        f"{out}: {counts['passages']:,} passages{stores}, {counts['questions']:,} questions from {name}",
        f"{counts['gold']:,} relevant passages for {counts['with_gold']:,} questions",
    ]
    if without := counts["questions"] - counts["with_gold"]:
        lines.append(f"{without:,} questions have none and will not be asked")
    return lines + [f"left out: {count:,} {reason}" for reason, count in conversion.left_out.items()]


def _unit(name: str | None) -> Unit | None:
    if name is None:
        return None
    for unit in UNITS:
        if unit == name:
            return unit
    raise ConfigError(f"--unit '{name}' is unknown; choose from {', '.join(UNITS)}")
