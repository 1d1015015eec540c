"""``python -m eval qa``: how well, how dearly and how fast a reader answers from what a retriever finds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from eval.dataset import load_datasets
from eval.provenance import anonymous
from eval.qa import QaSettings, run_qa
from eval.qa_report import footnotes, qa_provenance, qa_table, summarise
from eval.report.console import console
from eval.report.files import check_writable, write_json
from eval.stores import StoreSettings
from eval.systems import hippomem_engine
from hippomem.errors import ConfigError
from hippomem.models.prices import find_price
from hippomem.types import RetrieverName


def qa(
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET_DIR", help="Folders in BEIR layout.")],
    retriever: Annotated[RetrieverName, typer.Option(help="What finds the passages.")],
    llm_model: Annotated[str, typer.Option(metavar="NAME", help="What reads them.")],
    llm_base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Its OpenAI-compatible endpoint (or OPENAI_BASE_URL).")
    ] = None,
    steps: Annotated[
        int,
        typer.Option(metavar="N", help="Searches a question; with more than 1 the model thinks between them (IRCoT)."),
    ] = 1,
    k: Annotated[int, typer.Option("--k", metavar="N", help="Passages read.")] = 5,
    price_in: Annotated[float | None, typer.Option(metavar="USD", help="For a million tokens in.")] = None,
    price_out: Annotated[float | None, typer.Option(metavar="USD", help="For a million tokens out.")] = None,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Prices of one's own, TOML; goes before list prices (or HIPPOMEM_PRICES)."),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="First N questions of each set.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures and their provenance.")] = None,
    concurrency: Annotated[int, typer.Option(metavar="N", help="Questions at once.")] = 4,
    embedder: Annotated[str | None, typer.Option(metavar="NAME", help="Embedding model; else the default.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the intervals.")] = 0,
    per_question: Annotated[
        bool, typer.Option("--per-question", help="Add every question's answer, passages and cost to the JSON.")
    ] = False,
) -> None:
    """Let a model answer each set's questions from what is found; report EM, F1, recall, tokens, money and time."""
    for option, value in (("--steps", steps), ("--k", k), ("--concurrency", concurrency), ("--limit", limit)):
        if value is not None and value < 1:
            raise ConfigError(f"{option} is {value}; give at least 1")
    if seed < 0:
        raise ConfigError(f"--seed is {seed}; give 0 or more")
    price = find_price(llm_model, price_in=price_in, price_out=price_out, table=prices)
    if json is not None:
        check_writable(json)
    settings = QaSettings(retriever, k, steps, concurrency, StoreSettings(embedder=embedder), limit, seed, per_question)
    sets = tuple(dataset.limited(limit) for dataset in load_datasets(datasets))
    out, progress = console(), console(stderr=True)
    entries: dict[str, Any] = {}
    report: dict[str, Any] = {"results": {}, "provenance": qa_provenance(sets, settings, llm_model, price)}
    from hippomem.models.llm import OpenAIChat

    with OpenAIChat(llm_model, base_url=llm_base_url) as llm:
        for dataset in sets:
            outcome = run_qa(dataset, settings, hippomem_engine(), llm, lambda line: progress.print(Text(line, "dim")))
            entries[dataset.name] = summarise(outcome, settings, price)
            report["results"][dataset.name] = {settings.system: entries[dataset.name]}
            if json is not None:  # kept up to date: a killed run leaves what it had
                write_json(json, report)
    out.print(qa_table(entries, settings, llm_model))
    if price is None:
        out.print(Text(f"  no price is known for {anonymous(llm_model)}: give --price-in and --price-out", "dim"))
    for line in footnotes(entries):
        out.print(Text(f"  {line}", "dim"))
