"""From the scores of every setting on every set to the figures of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.crossval.choose import Figures, choose, leave_one_out
from eval.significance import Scores, compare, compare_means

R2, R5 = "recall@2", "recall@5"
CHOSEN_BY = (R5, R2)
DEFAULT, CHOSEN = "default", "chosen"

#: Set -> setting (the default first) -> its scores, question by question.
Trials = Mapping[str, Mapping[str, Scores]]


def figures(trials: Trials, *, seed: int) -> dict[str, Any]:
    """Everything that the sets asked so far say, as plain JSON types; percent.

    scores: means of each setting by set.    folds: by held-out set, the random setting chosen on the others (``on_others``:
    its means there), what it and the default find on the held-out set, and the difference, chosen − default. The default
    takes no part in the choice: it was made with all sets in view, and would be chosen for that.
    mean: the same over all folds, each counting once.    all_sets: the setting that is best on all sets together,
    and what the default loses against it; chosen on what it is measured on, so the most there is to lose.
    spread: of the mean recall@5 over sets among the random settings. A default near the best and a narrow spread are a
    plateau; a wide one means that the constants matter.    Folds and their mean need two sets, and are {} before.
    """
    labels = list(next(iter(trials.values())))
    recall_5, recall_2 = (
        np.array([[scores[label][metric].mean() for scores in trials.values()] for label in labels])
        for metric in CHOSEN_BY
    )
    return {
        "scores": {name: _means(scores) for name, scores in trials.items()},
        **(_folds(trials, labels, recall_5, recall_2, seed) if len(trials) > 1 else {"folds": {}, "mean": {}}),
        "all_sets": _all_sets(labels, recall_5, recall_2),
        "spread": spread(recall_5.mean(axis=1)),
    }


def _means(scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Means over one set's questions, by setting."""
    return {
        "questions": len(next(iter(scores.values()))[R5]),
        **{metric: {label: _mean(own, metric) for label, own in scores.items()} for metric in CHOSEN_BY},
    }


def _folds(trials: Trials, labels: Sequence[str], recall_5: Figures, recall_2: Figures, seed: int) -> dict[str, Any]:
    folds: dict[str, Any] = {}
    held_out: list[dict[str, Scores]] = []
    rows = [1 + drawn for drawn in leave_one_out(recall_5[1:], recall_2[1:])]  # row 0 is the default
    for column, (name, row) in enumerate(zip(trials, rows, strict=True)):
        pair = {DEFAULT: trials[name][DEFAULT], CHOSEN: trials[name][labels[row]]}
        held_out.append(pair)
        others = np.delete(np.stack([recall_5[row], recall_2[row]]), column, axis=1).mean(axis=1)
        folds[name] = {
            "setting": labels[row],
            "on_others": {metric: _figure(value) for metric, value in zip(CHOSEN_BY, others, strict=True)},
            **{label: {metric: _mean(scores, metric) for metric in CHOSEN_BY} for label, scores in pair.items()},
            "comparisons": _chosen_by(compare(pair, seed=seed)),
        }
    mean = {
        label: {metric: _figure(np.mean([fold[label][metric] for fold in folds.values()])) for metric in CHOSEN_BY}
        for label in (DEFAULT, CHOSEN)
    }
    return {"folds": folds, "mean": {**mean, "comparisons": _chosen_by(compare_means(held_out, seed=seed))}}


def _chosen_by(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in comparisons if row["metric"] in CHOSEN_BY]


def _all_sets(labels: Sequence[str], recall_5: Figures, recall_2: Figures) -> dict[str, Any]:
    row = choose(recall_5, recall_2)
    best, default = (np.array([recall_5[place].mean(), recall_2[place].mean()]) for place in (row, 0))
    named = {CHOSEN: best, DEFAULT: default, "default_loses": best - default}
    return {
        "setting": labels[row],
        **{
            key: {metric: _figure(value) for metric, value in zip(CHOSEN_BY, values, strict=True)}
            for key, values in named.items()
        },
    }


def spread(means: Figures) -> dict[str, Any]:
    """Where the default stands among random settings. means: (settings,), the default first, at least one other.

    rank: of the default among all settings, from 1; it shares the best of equal ranks.

    >>> spread(np.array([70.0, 60.0, 80.0, 70.0]))
    {'min': 60.0, 'q1': 65.0, 'median': 70.0, 'q3': 75.0, 'max': 80.0, 'default': 70.0, 'rank': 2, 'settings': 4}
    """
    quartiles = np.quantile(means[1:], [0.0, 0.25, 0.5, 0.75, 1.0])
    return {
        **{name: _figure(value) for name, value in zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True)},
        DEFAULT: _figure(means[0]),
        "rank": 1 + int(np.count_nonzero(np.round(means - means[0], 9) > 0)),
        "settings": len(means),
    }


def _mean(scores: Scores, metric: str) -> float:
    return _figure(scores[metric].mean())


def _figure(value: float | np.floating[Any]) -> float:
    """Four decimals, as everywhere in the reports."""
    return round(float(value), 4)
