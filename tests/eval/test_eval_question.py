"""Labels of questions: what each family of data sets writes, and what is not understood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.dataset import load_dataset
from eval.question import Labels, read_labels

WriteSet = Callable[..., Path]


@pytest.mark.parametrize(
    ("question_id", "metadata", "expected"),
    [
        ("q", {"type": "bridge", "answer": "Rush", "answer_aliases": []}, Labels("bridge", None, ("Rush",))),
        ("4hop1__7_1", {"type": "4hop1", "answer": "35"}, Labels("4hop1", 4, ("35",))),
        ("2hop__1_2", {}, Labels("", 2)),
        ("q", {"type": "3hop1"}, Labels("3hop1", 3)),
        ("2hop__1_2", {"hops": 3}, Labels("", 3)),
        ("q", {"category": 1}, Labels("multi-hop")),
        ("q", {"category": 5}, Labels("adversarial")),
        ("q", {"category": "4"}, Labels("single-hop")),
        ("q", {"category": 9}, Labels("9")),
        ("q", {"type": "own", "category": 2}, Labels("own")),
        ("q", {"answer": 2022, "answer_aliases": ["in 2022", "2022"]}, Labels("", None, ("2022", "in 2022"))),
        ("q", {"answer": None, "answer_aliases": "none", "type": 7, "hops": True}, Labels("7")),
        ("q", {"answer": "\ud800"}, Labels("", None, ("?",))),
        ("shop__1", None, Labels()),
        ("0hop__1", ["no", "object"], Labels()),
    ],
)
def test_labels_are_read_from_metadata(question_id: str, metadata: Any, expected: Labels) -> None:
    """Types, LoCoMo's categories, MuSiQue's hops and answers are read; the rest is left out without an error."""
    assert read_labels(question_id, metadata) == expected


def test_questions_carry_their_labels(write_set: WriteSet) -> None:
    """What ``queries.jsonl`` says of a question stands in the question; one without metadata has none."""
    labels = {"q1": {"type": "bridge", "hops": 2, "answer": "Rush", "answer_aliases": ["the band Rush"]}}
    folder = write_set("toy", {"p": "x"}, {"q1": "a", "q2": "b"}, [("q1", "p", 1), ("q2", "p", 1)], labels=labels)
    first, second = load_dataset(folder).questions
    assert (first.type, first.hops, first.answers) == ("bridge", 2, ("Rush", "the band Rush"))
    assert (second.type, second.hops, second.answers) == ("", None, ())
