"""The commands ``run`` and ``report`` of ``python -m eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from eval.arguments import (
    DatasetDirs,
    EmbedderName,
    Extractor,
    Json,
    Limit,
    LlmBaseUrl,
    LlmModel,
    ReportDir,
    Seed,
    Stores,
    Untitled,
)
from eval.breakdown import BYS
from eval.evaluate import evaluate, load_sets
from eval.extras import REPORT, check_extra
from eval.options import check_settings, check_stores, choice, parse_ks
from eval.provenance import command_line, store_options
from eval.query_models import QueryModels
from eval.report.console import RunTables, console
from eval.report.document import write_document
from eval.report.files import check_folder, read_report
from eval.report.outputs import Outputs
from eval.run import DEFAULT_KS, RunSettings
from eval.stores import StoreSettings
from eval.systems import EXTRACTORS, RETRIEVERS, VIAS, hippomem_engine, systems


def run(
    datasets: DatasetDirs,
    retriever: Annotated[list[str], typer.Option(metavar="NAME", help=f"One of {', '.join(RETRIEVERS)}; repeatable.")],
    extractor: Extractor = "builtin",
    embedder: EmbedderName = None,
    k: Annotated[str, typer.Option(metavar="LIST", help="Cut-offs of recall.")] = ",".join(map(str, DEFAULT_KS)),
    json: Json = None,
    report: ReportDir = None,
    limit: Limit = None,
    via: Annotated[
        str, typer.Option(metavar="WAY", help="retriever, or memory: ask through Memory.search.")
    ] = "retriever",
    untitled: Untitled = False,
    by: Annotated[str | None, typer.Option(metavar="LABEL", help=f"Show figures by {', '.join(BYS)}.")] = None,
    failures: Annotated[
        int, typer.Option(metavar="N", help="Explain the N worst answers per set and retriever in the JSON.")
    ] = 0,
    llm_model: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    llm_filter: Annotated[
        bool, typer.Option("--llm-filter", help="The model drops facts that do not help (hipporag2, hippomem).")
    ] = False,
    llm_entities: Annotated[
        bool, typer.Option("--llm-entities", help="The model finds the query's names (hipporag1, hippomem).")
    ] = False,
    rerank: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Re-rank the best hits by this cross-encoder.")
    ] = None,
    seed: Seed = 0,
    per_question: Annotated[
        bool, typer.Option("--per-question", help="Add every question's ranking to the JSON.")
    ] = False,
    stores: Stores = None,
) -> None:
    """Index each set, ask its questions of each retriever, and report recall, intervals and times."""
    settings = RunSettings(
        systems=systems(*(choice("--retriever", name, RETRIEVERS) for name in retriever)),
        ks=parse_ks(k),
        stores=StoreSettings(
            extractor=choice("--extractor", extractor, EXTRACTORS),
            embedder=embedder,
            llm_model=llm_model,
            llm_base_url=llm_base_url,
            via=choice("--via", via, VIAS),
            untitled=untitled,
            query=QueryModels(llm_filter, llm_entities, rerank),
            folder=stores,
        ),
        limit=limit,
        seed=seed,
        per_question=per_question,
        failures=failures,
    )
    check_settings(settings)
    shown_by = None if by is None else choice("--by", by, BYS)
    outputs = Outputs(json, report)
    outputs.check()
    sets = load_sets(datasets, settings)
    check_stores(stores)
    options: dict[str, object] = {
        "--retriever": [system.label for system in settings.systems],
        **store_options(settings.stores),
        "--k": ",".join(map(str, settings.ks)),
        "--seed": seed,
        "--limit": limit,
        "--via": None if settings.stores.via == "retriever" else settings.stores.via,
        "--failures": failures or None,
        "--per-question": per_question,
    }
    results = evaluate(
        sets,
        settings,
        hippomem_engine(),
        arguments=command_line("run", sets, options),
        show=RunTables(console(), shown_by),
        outputs=outputs,
    )
    outputs.finish(results)


def report(
    results: Annotated[Path, typer.Argument(metavar="FILE", help="The JSON of an earlier run.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of report.md, report.html and the plots.")],
) -> None:
    """Write the report of an earlier run from its JSON; nothing is measured again."""
    check_extra(*REPORT)
    read = read_report(results)
    check_folder("--out", out)
    out.mkdir(exist_ok=True)
    console(stderr=True).print(Text(f"report: {write_document(read, out)}", style="dim"))
