"""``python -m eval ablate``: what each stage of the default retriever is worth, by switching it off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

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
from eval.evaluate import evaluate, load_sets
from eval.options import check_settings, check_stores, choice
from eval.provenance import command_line, store_options
from eval.report.ablation import AblationTables
from eval.report.console import console
from eval.report.outputs import Outputs
from eval.run import RunSettings
from eval.stores import StoreSettings
from eval.systems import EXTRACTORS, System, hippomem_engine
from hippomem.retrieve.weights import STAGES, Weights

FULL = "hippomem"  # the label of the retriever with all its stages


def ablate(
    datasets: DatasetDirs,
    stage: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"One of {', '.join(STAGES)}; repeatable; all if left out."),
    ] = None,
    extractor: Extractor = "builtin",
    embedder: EmbedderName = None,
    json: Json = None,
    report: ReportDir = None,
    limit: Limit = None,
    untitled: Untitled = False,
    llm_model: LlmModel = None,
    llm_base_url: LlmBaseUrl = None,
    seed: Seed = 0,
    stores: Stores = None,
) -> None:
    """Compare the default retriever with itself, one stage switched off at a time.

    Each set is indexed once and every variant asks the same store. What is made while indexing and can be left unread
    (synonym and neighbour edges, edges and scores by title) is ablated by its stage; what shapes the store (chunks, titles
    within the text, triples) is not: run twice for that, such as with --untitled.
    Takes about 10 ms for each question and variant on idle cores, beside the indexing.
    """
    stages = [choice("--stage", name, tuple(STAGES)) for name in dict.fromkeys(stage or STAGES)]
    settings = RunSettings(
        systems=ablations(stages),
        stores=StoreSettings(
            extractor=choice("--extractor", extractor, EXTRACTORS),
            embedder=embedder,
            llm_model=llm_model,
            llm_base_url=llm_base_url,
            untitled=untitled,
            folder=stores,
        ),
        limit=limit,
        seed=seed,
    )
    check_settings(settings)
    outputs = Outputs(json, report)
    outputs.check()
    sets = load_sets(datasets, settings)
    check_stores(stores)
    options: dict[str, object] = {
        "--stage": stages,
        **store_options(settings.stores),
        "--seed": seed,
        "--limit": limit,
    }
    results = evaluate(
        sets,
        settings,
        hippomem_engine(),
        arguments=command_line("ablate", sets, options),
        show=AblationTables(console()),
        outputs=outputs,
        against=FULL,
    )
    outputs.finish(results)


def ablations(stages: Sequence[str]) -> tuple[System, ...]:
    """The whole retriever first, then ``without STAGE`` for each. Raises ConfigError for a name that is no stage."""
    variants = (System(f"without {stage}", "hippomem", Weights().without(stage)) for stage in stages)
    return System(FULL, "hippomem"), *variants
