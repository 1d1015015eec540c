"""Figures by the kind of question: its type, the hops it takes, how many passages it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eval.metrics import ALWAYS, ALWAYS_KS
from eval.question import Question

By = Literal["type", "hops", "gold"]
BYS: tuple[By, ...] = get_args(By)
UNLABELLED = "(none)"  # questions without the label, in a set where others have it

_LABEL: Mapping[By, Callable[[Question], str | int | None]] = {
    "type": lambda question: question.type or None,
    "hops": lambda question: question.hops,
    "gold": lambda question: len(question.relevance),
}


def group_questions(questions: Sequence[Question], by: By) -> dict[str, list[int]]:
    """Label -> positions in *questions*; numbers ascending, then names in order, `UNLABELLED` last.

    {} when no question has such a label: then there is nothing to break down.
    """
    groups: dict[str | int | None, list[int]] = {}
    for position, question in enumerate(questions):
        groups.setdefault(_LABEL[by](question), []).append(position)
    if set(groups) == {None}:
        return {}
    labels = sorted((label for label in groups if label is not None), key=lambda label: (isinstance(label, str), label))
    named = {str(label): groups[label] for label in labels}
    return {**named, UNLABELLED: groups[None]} if None in groups else named


def breakdown(
    questions: Sequence[Question], scores: Mapping[str, NDArray[np.float64]], ks: Sequence[int], by: By
) -> dict[str, dict[str, Any]]:
    """Means over the questions of each label. scores: metric -> (questions,), percent, as in the report.

    recall is given at *ks* and always at 2 and 5.
    """
    cutoffs = sorted({*ks, *ALWAYS_KS})
    return {
        label: {
            "questions": len(rows),
            "recall": {str(k): round(float(scores[f"recall@{k}"][rows].mean()), 4) for k in cutoffs},
            f"all_recall@{ALWAYS}": round(float(scores[f"all_recall@{ALWAYS}"][rows].mean()), 4),
        }
        for label, rows in group_questions(questions, by).items()
    }
