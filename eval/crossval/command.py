"""The command ``crossval`` of ``python -m eval``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.text import Text

from eval.arguments import DatasetDirs, Json, Limit, Seed, Stores
from eval.crossval.draw import FIXED, PROBABILITIES, SPREAD, draw
from eval.crossval.figures import DEFAULT, figures
from eval.crossval.remember import remembering
from eval.crossval.tables import conclusions, folds_table
from eval.dataset import Dataset
from eval.evaluate import load_sets
from eval.metrics import ALWAYS_KS
from eval.options import check_settings, check_stores
from eval.provenance import command_line, provenance, store_options
from eval.report.console import console
from eval.report.outputs import Outputs
from eval.run import RunSettings, run_set
from eval.significance import COMPARED, Scores
from eval.stores import StoreSettings
from eval.summary import score_answers
from eval.systems import Engine, System, hippomem_engine
from hippomem.errors import ConfigError
from hippomem.retrieve.weights import Weights


def crossval(
    datasets: DatasetDirs,
    trials: Annotated[int, typer.Option(metavar="N", help="Random settings beside the defaults.")] = 40,
    seed: Seed = 0,
    json: Json = None,
    limit: Limit = None,
    stores: Stores = None,
) -> None:
    """Choose the default retriever's constants on all sets but one, and see what they find on that one.

    The settings are random ones around the defaults (each constant halved to doubled); the defaults take no part in the
    choice, since they were made with all sets in view. Chosen is the best mean R@5 over the other sets, each set counting
    once. What the chosen ones lose against the defaults on sets that they have not seen is what knowing a set is worth; how
    the random ones spread tells whether the constants matter.
    Takes about trials x questions x 10 ms on idle cores beside the indexing: with 40 and 2,500 questions, 17 minutes.
    """
    if trials < 1:
        raise ConfigError(f"--trials is {trials}; give at least 1 random setting")
    if len(datasets) < 2:
        raise ConfigError(f"crossval holds out one set at a time, and {len(datasets)} was given; give at least 2")
    weights = {DEFAULT: Weights(), **{f"trial {n}": w for n, w in enumerate(draw(trials, seed=seed), start=1)}}
    settings = RunSettings(
        systems=tuple(System(label, "hippomem", own) for label, own in weights.items()),
        ks=ALWAYS_KS,
        stores=StoreSettings(folder=stores),
        limit=limit,
        seed=seed,
    )
    check_settings(settings)
    outputs = Outputs(json)
    outputs.check()
    sets = load_sets(datasets, settings)
    check_stores(stores)
    options = {
        "--trials": trials,
        "--seed": seed,
        "--limit": limit,
        "--stores": store_options(settings.stores)["--stores"],
    }
    report: dict[str, Any] = {
        "settings": {label: asdict(own) for label, own in weights.items()},
        "drawn": {"factor": SPREAD, "fixed": sorted(FIXED), "by_odds": sorted(PROBABILITIES)},
        "provenance": provenance(sets, settings, command_line("crossval", sets, options)),
    }
    out, progress = console(), console(stderr=True)
    cross_validate(
        sets, settings, hippomem_engine(), report, outputs, lambda line: progress.print(Text(line, style="dim"))
    )
    out.print(folds_table(report))
    for line in conclusions(report):
        out.print(Text(f"  {line}", style="dim"))


def cross_validate(
    sets: Sequence[Dataset],
    settings: RunSettings,
    engine: Engine,
    report: dict[str, Any],
    outputs: Outputs,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Ask every setting on every set and put `figures` into *report*, which is written after each set.

    A set's store is built once, and its questions are encoded once, so the times of these answers are no measure.
    """
    reusing = replace(engine, embedder=lambda name: remembering(engine.embedder(name)))
    trials: dict[str, dict[str, Scores]] = {}
    for dataset in sets:
        outcomes = run_set(dataset, settings, reusing, say)
        # Dropped here: answers (settings × questions of them) and what is not compared.
        trials[dataset.name] = {
            label: {name: values for name, values in score_answers(o.answers, settings.ks).items() if name in COMPARED}
            for label, o in outcomes.items()
        }
        report.update(figures(trials, seed=settings.seed))
        outputs.write(report)
