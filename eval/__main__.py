"""``python -m eval``: measure retrievers on data sets in BEIR layout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.text import Text

from eval.bench import bench
from eval.dataset import Dataset, load_datasets
from eval.provenance import provenance
from eval.qa_command import qa
from eval.report import check_writable, console, mean_table, print_set, write_json
from eval.run import DEFAULT_KS, RunSettings, run_set
from eval.summary import compare, mean_over_sets, summarise
from eval.systems import EXTRACTORS, RETRIEVERS, VIAS, Engine, StoreSettings, hippomem_engine
from hippomem.errors import EDGE, ConfigError, HippomemError, edge

app = typer.Typer(name="eval", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

app.add_typer(bench, name="bench")
app.command()(qa)

Name = TypeVar("Name", bound=str)

# Newer typer brings its own copy of click, so the base of all usage errors is found from one that typer exports.
_UsageProblem: type[Exception] = next(cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException")


@app.callback()
def _commands() -> None:
    """Measure retrievers on data sets in BEIR layout."""


@app.command()
def run(
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET_DIR", help="Folders in BEIR layout.")],
    retriever: Annotated[list[str], typer.Option(metavar="NAME", help=f"One of {', '.join(RETRIEVERS)}; repeatable.")],
    extractor: Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(EXTRACTORS)}.")] = "builtin",
    embedder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Embedding model; the default if left out.")
    ] = None,
    k: Annotated[str, typer.Option(metavar="LIST", help="Cut-offs of recall.")] = ",".join(map(str, DEFAULT_KS)),
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures and their provenance.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="First N questions of each set.")] = None,
    via: Annotated[
        str, typer.Option(metavar="WAY", help="retriever, or memory: ask through Memory.search.")
    ] = "retriever",
    llm_model: Annotated[str | None, typer.Option(metavar="NAME", help="Model for `--extractor llm`.")] = None,
    llm_base_url: Annotated[str | None, typer.Option(metavar="URL", help="OpenAI-compatible endpoint of it.")] = None,
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
        ),
        limit=limit,
        seed=seed,
        per_question=per_question,
    )
    check_settings(settings)
    if json is not None:
        check_writable(json)
    sets = tuple(dataset.limited(limit) for dataset in load_datasets(datasets))
    if settings.stores.extractor == "recorded":
        for corpus in (corpus for dataset in sets for corpus in dataset.corpora):
            _ = corpus.openie  # missing in the last set: better known before the first is indexed
    evaluate(sets, settings, hippomem_engine(), json)


def evaluate(sets: Sequence[Dataset], settings: RunSettings, engine: Engine, json: Path | None) -> dict[str, Any]:
    """Run all *sets*, print each as it is done and keep *json* up to date, so that a killed run leaves what it had."""
    out, progress = console(), console(stderr=True)
    report: dict[str, Any] = {"results": {}, "comparisons": {}, "mean": {}, "provenance": provenance(sets, settings)}
    for dataset in sets:
        outcomes = run_set(dataset, settings, engine, lambda line: progress.print(Text(line, style="dim")))
        entries: dict[str, Any] = {name: summarise(outcome, dataset, settings) for name, outcome in outcomes.items()}
        comparisons = compare(outcomes, settings)
        report["results"][dataset.name] = entries
        report["comparisons"][dataset.name] = comparisons
        report["mean"] = mean_over_sets(report["results"])
        print_set(out, dataset.name, entries, comparisons)
        if json is not None:
            write_json(json, report)
    if report["mean"]:
        out.print(mean_table(report["mean"], len(sets)))
    return report


def choice(option: str, value: str, allowed: Sequence[Name]) -> Name:
    """*value* as one of *allowed*. Raises ConfigError that lists them."""
    for name in allowed:
        if name == value:
            return name
    raise ConfigError(f"{option} '{value}' is unknown; choose from {', '.join(allowed)}")


def parse_ks(text: str) -> tuple[int, ...]:
    """``"5,1,2"`` as ascending distinct cut-offs (1, 2, 5). Raises ConfigError."""
    try:
        ks = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise ConfigError(f"--k '{text}': expected whole numbers with commas between, such as 1,2,5,10,20") from error
    if ks[0] < 1:
        raise ConfigError(f"--k '{text}': {ks[0]} is no cut-off; each must be 1 or more")
    return ks


def check_settings(settings: RunSettings) -> None:
    """Raise ConfigError for numbers out of range and for options that the others leave without effect."""
    if settings.limit is not None and settings.limit < 1:
        raise ConfigError(f"--limit is {settings.limit}; give at least 1 question")
    if settings.seed < 0:
        raise ConfigError(f"--seed is {settings.seed}; give 0 or more")
    stores = settings.stores
    if stores.extractor != "llm" and (stores.llm_model is not None or stores.llm_base_url is not None):
        raise ConfigError(f"--llm-model and --llm-base-url need --extractor llm, not '{stores.extractor}'")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or the code of the error's class (see `hippomem.errors.EDGE`)."""
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="python -m eval", standalone_mode=False)
    except HippomemError as error:
        return _fail(str(error), edge(error).exit_code)
    except _UsageProblem as error:
        return _fail(getattr(error, "format_message", error.__str__)(), EDGE[ConfigError].exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    return status if isinstance(status, int) else 0


def _fail(message: str, exit_code: int) -> int:
    typer.echo(f"error: {message}", err=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
