"""Figures by kind of question, worked out by hand."""

from __future__ import annotations

import numpy as np

from eval.breakdown import UNLABELLED, breakdown, group_questions
from eval.question import Question


def question(number: int, type: str = "", hops: int | None = None, gold: int = 1) -> Question:
    relevance = {f"p{place}": 1.0 for place in range(gold)}
    return Question(f"q{number}", "text", relevance, "toy", type=type, hops=hops)


def test_groups_are_ordered_and_the_unlabelled_come_last() -> None:
    """Hops count upwards, also past nine; questions without the label stand apart at the end."""
    questions = [question(0, hops=10), question(1), question(2, hops=2), question(3, hops=10)]
    groups = group_questions(questions, "hops")
    assert list(groups.items()) == [("2", [2]), ("10", [0, 3]), (UNLABELLED, [1])]


def test_set_without_labels_has_no_breakdown() -> None:
    """Where no question has a type or hops there is nothing to break down; the number of gold is always known."""
    questions = [question(0), question(1, gold=3)]
    assert (group_questions(questions, "type"), group_questions(questions, "hops")) == ({}, {})
    assert group_questions(questions, "gold") == {"1": [0], "3": [1]}


def test_breakdown_means_are_of_the_group() -> None:
    """Of three questions two are bridges: their recall is (100 + 50) / 2, and one of the two is complete."""
    questions = [question(0, "bridge"), question(1, "comparison"), question(2, "bridge")]
    recall, complete = np.array([100.0, 0.0, 50.0]), np.array([100.0, 0.0, 0.0])
    scores = {"recall@1": recall / 2, "recall@2": recall, "recall@5": recall, "all_recall@5": complete}
    assert breakdown(questions, scores, [1], "type") == {
        "bridge": {"questions": 2, "recall": {"1": 37.5, "2": 75.0, "5": 75.0}, "all_recall@5": 50.0},
        "comparison": {"questions": 1, "recall": {"1": 0.0, "2": 0.0, "5": 0.0}, "all_recall@5": 0.0},
    }
