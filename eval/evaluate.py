"""Evaluating sets one after the other: run, score, compare, show, and keep the report up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.text import Text

from eval.dataset import Dataset, load_datasets
from eval.provenance import provenance
from eval.report.console import console
from eval.report.outputs import Outputs
from eval.run import RunSettings, run_set
from eval.significance import Scores, compare, compare_means
from eval.summary import mean_intervals, mean_over_sets, score_answers, summarise
from eval.systems import Engine


class Show(Protocol):
    """How figures are printed."""

    def one_set(
        self, name: str, entries: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]
    ) -> None:
        """Print one set's figures. entries: of `eval.summary.summarise`, by label."""
        ...

    def mean(self, means: Mapping[str, Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]], sets: int) -> None:
        """Print the mean over at least two sets."""
        ...


def load_sets(folders: Sequence[Path], settings: RunSettings) -> tuple[Dataset, ...]:
    """The sets with the questions that are asked. Raises ConfigError, ReadError, InputError, before hours are spent."""
    sets = tuple(dataset.limited(settings.limit) for dataset in load_datasets(folders))
    if settings.stores.extractor == "recorded":
        for corpus in (corpus for dataset in sets for corpus in dataset.corpora):
            _ = corpus.openie  # missing in the last set: better known before the first is indexed
    return sets


def evaluate(
    sets: Sequence[Dataset],
    settings: RunSettings,
    engine: Engine,
    *,
    arguments: Sequence[str],
    show: Show,
    outputs: Outputs,
    against: str | None = None,
) -> dict[str, Any]:
    """Run all *sets*, show each as it is done and write the JSON each time, so that a killed run leaves what it had.

    arguments: the command line that gives this run again.    against: the label that all others are compared with, also
    in their means over sets (``mean_comparisons``); None compares every pair on each set.
    """
    progress = console(stderr=True)
    report: dict[str, Any] = {
        "results": {},
        "comparisons": {},
        "mean": {},
        "provenance": provenance(sets, settings, arguments),
    }
    history: list[dict[str, Scores]] = []
    for dataset in sets:
        outcomes = run_set(dataset, settings, engine, lambda line: progress.print(Text(line, style="dim")))
        scores: dict[str, Scores] = {
            label: score_answers(outcome.answers, settings.ks) for label, outcome in outcomes.items()
        }
        entries: dict[str, Any] = {
            label: summarise(outcome, dataset, settings, scores[label]) for label, outcome in outcomes.items()
        }
        comparisons = compare(scores, seed=settings.seed, against=against)
        report["results"][dataset.name] = entries
        report["comparisons"][dataset.name] = comparisons
        report["mean"] = mean_over_sets(report["results"])
        history.append(scores)
        for label, entry in report["mean"].items():
            entry["ci95"] = mean_intervals([tables[label] for tables in history], seed=settings.seed)
        if against is not None and report["mean"]:
            report["mean_comparisons"] = compare_means(history, seed=settings.seed, against=against)
        show.one_set(dataset.name, entries, comparisons)
        outputs.write(report)
    if report["mean"]:
        show.mean(report["mean"], report.get("mean_comparisons", []), len(sets))
    return report
