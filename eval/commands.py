"""The commands ``run`` and ``report`` of ``python -m eval``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from eval.breakdown import BYS, By
from eval.dataset import Dataset, load_datasets
from eval.extras import METRICS, REPORT, check_extra
from eval.options import check_settings, choice, parse_ks
from eval.provenance import provenance
from eval.query_models import QueryModels
from eval.report.console import console, mean_table, print_set
from eval.report.document import RESULTS, write_document
from eval.report.files import check_folder, check_writable, read_report, write_json
from eval.run import DEFAULT_KS, RunSettings, run_set
from eval.significance import Scores, compare
from eval.summary import mean_intervals, mean_over_sets, score_answers, summarise
from eval.systems import EXTRACTORS, RETRIEVERS, VIAS, Engine, StoreSettings, hippomem_engine


def run(
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET_DIR", help="Folders in BEIR layout.")],
    retriever: Annotated[list[str], typer.Option(metavar="NAME", help=f"One of {', '.join(RETRIEVERS)}; repeatable.")],
    extractor: Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(EXTRACTORS)}.")] = "builtin",
    embedder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Embedding model; the default if left out.")
    ] = None,
    k: Annotated[str, typer.Option(metavar="LIST", help="Cut-offs of recall.")] = ",".join(map(str, DEFAULT_KS)),
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures and their provenance.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write report.md, report.html, plots and results.json.")
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="First N questions of each set.")] = None,
    via: Annotated[
        str, typer.Option(metavar="WAY", help="retriever, or memory: ask through Memory.search.")
    ] = "retriever",
    untitled: Annotated[bool, typer.Option("--untitled", help="Index passages without their titles.")] = False,
    by: Annotated[str | None, typer.Option(metavar="LABEL", help=f"Show figures by {', '.join(BYS)}.")] = None,
    failures: Annotated[
        int, typer.Option(metavar="N", help="Explain the N worst answers per set and retriever in the JSON.")
    ] = 0,
    llm_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model for `--extractor llm`, --llm-filter, --llm-entities.")
    ] = None,
    llm_base_url: Annotated[str | None, typer.Option(metavar="URL", help="OpenAI-compatible endpoint of it.")] = None,
    llm_filter: Annotated[
        bool, typer.Option("--llm-filter", help="The model drops facts that do not help (hipporag2, hippomem).")
    ] = False,
    llm_entities: Annotated[
        bool, typer.Option("--llm-entities", help="The model finds the query's names (hipporag1, hippomem).")
    ] = False,
    rerank: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Re-rank the best hits by this cross-encoder.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of intervals and tests.")] = 0,
    per_question: Annotated[
        bool, typer.Option("--per-question", help="Add every question's ranking to the JSON.")
    ] = False,
) -> None:
    """Index each set, ask its questions of each retriever, and report recall, intervals and times."""
    settings = RunSettings(
        retrievers=tuple(dict.fromkeys(choice("--retriever", name, RETRIEVERS) for name in retriever)),
        ks=parse_ks(k),
        stores=StoreSettings(
            extractor=choice("--extractor", extractor, EXTRACTORS),
            embedder=embedder,
            llm_model=llm_model,
            llm_base_url=llm_base_url,
            via=choice("--via", via, VIAS),
            untitled=untitled,
            query=QueryModels(llm_filter, llm_entities, rerank),
        ),
        limit=limit,
        seed=seed,
        per_question=per_question,
        failures=failures,
    )
    check_settings(settings)
    shown_by = None if by is None else choice("--by", by, BYS)
    check_extra(*METRICS, *(REPORT if report is not None else ()))
    if json is not None:
        check_writable(json)
    if report is not None:
        check_folder("--report", report)
    sets = tuple(dataset.limited(limit) for dataset in load_datasets(datasets))
    if settings.stores.extractor == "recorded":
        for corpus in (corpus for dataset in sets for corpus in dataset.corpora):
            _ = corpus.openie  # missing in the last set: better known before the first is indexed
    targets = [path for path in (json, None if report is None else report / RESULTS) if path is not None]
    if report is not None:
        report.mkdir(exist_ok=True)
    results = evaluate(sets, settings, hippomem_engine(), targets, shown_by)
    if report is not None:
        console(stderr=True).print(Text(f"report: {write_document(results, report)}", style="dim"))


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


def evaluate(
    sets: Sequence[Dataset], settings: RunSettings, engine: Engine, targets: Sequence[Path] = (), by: By | None = None
) -> dict[str, Any]:
    """Run all *sets*, print each as it is done and keep *targets* up to date, so that a killed run leaves what it had."""
    out, progress = console(), console(stderr=True)
    report: dict[str, Any] = {"results": {}, "comparisons": {}, "mean": {}, "provenance": provenance(sets, settings)}
    history: dict[str, list[Scores]] = {}
    for dataset in sets:
        outcomes = run_set(dataset, settings, engine, lambda line: progress.print(Text(line, style="dim")))
        scores = {label: score_answers(outcome.answers, settings.ks) for label, outcome in outcomes.items()}
        entries: dict[str, Any] = {
            label: summarise(outcome, dataset, settings, scores[label]) for label, outcome in outcomes.items()
        }
        comparisons = compare(scores, seed=settings.seed)
        report["results"][dataset.name] = entries
        report["comparisons"][dataset.name] = comparisons
        report["mean"] = mean_over_sets(report["results"])
        for label, table in scores.items():
            history.setdefault(label, []).append(table)
        for label, entry in report["mean"].items():
            entry["ci95"] = mean_intervals(history[label], seed=settings.seed)
        print_set(out, dataset.name, entries, comparisons, by)
        for path in targets:
            write_json(path, report)
    if report["mean"]:
        out.print(mean_table(report["mean"], len(sets)))
    return report
