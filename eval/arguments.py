"""Arguments and options that several commands share, as typer declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.systems import EXTRACTORS

DatasetDirs = Annotated[list[Path], typer.Argument(metavar="DATASET_DIR", help="Folders in BEIR layout.")]
Extractor = Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(EXTRACTORS)}.")]
EmbedderName = Annotated[str | None, typer.Option(metavar="NAME", help="Embedding model; the default if left out.")]
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures and their provenance.")]
ReportDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write report.md, report.html, plots and results.json.")
]
Limit = Annotated[int | None, typer.Option(metavar="N", help="First N questions of each set.")]
Untitled = Annotated[bool, typer.Option("--untitled", help="Index passages without their titles.")]
LlmModel = Annotated[
    str | None, typer.Option(metavar="NAME", help="Model for `--extractor llm`, --llm-filter, --llm-entities.")
]
LlmBaseUrl = Annotated[str | None, typer.Option(metavar="URL", help="OpenAI-compatible endpoint of it.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of intervals and tests.")]
Stores = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Keep built stores there, and use those that are there already.")
]
