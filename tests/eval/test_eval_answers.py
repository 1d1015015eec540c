"""EM and F1 as visible arithmetic, and the answers that a data set accepts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers import exact_match, f1, normalise
from eval.dataset import load_dataset

WriteSet = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Beatles!", "beatles"),
        ("a\tcat and\nan owl", "cat and owl"),
        ("U.S.", "us"),
        ("well-known", "wellknown"),
        ("Theatre, another", "theatre another"),
        ("“São Paulo”", "“são paulo”"),
        ("北京", "北京"),
        ("the", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    """Case, ASCII punctuation, articles that are words of their own, and white space go; letters of any script stay."""
    assert normalise(text) == expected


@given(st.text())
def test_normalise_is_idempotent_in_ascii_punctuation_and_space(text: str) -> None:
    """What is normalised holds no outer or double space and no ASCII punctuation."""
    said = normalise(text)
    assert said == " ".join(said.split())
    assert not set(said) & set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@pytest.mark.parametrize(
    ("answer", "accepted", "em", "expected_f1"),
    [
        ("the Ombra clock.", ["Ombra Clock"], 1.0, 1.0),
        ("Ombra Clock tower", ["Ombra Clock"], 0.0, 2 * 2 / (3 + 2)),
        ("Paris", ["Rome"], 0.0, 0.0),
        ("ha ha", ["ha ha ha"], 0.0, 2 * 2 / (2 + 3)),
        ("Stanley Hall", ["G. Stanley Hall", "Stanley Hall"], 1.0, 1.0),
        ("Hall", ["G. Stanley Hall", "Stanley Hall"], 0.0, 2 * 1 / (1 + 2)),
        ("", ["Rome"], 0.0, 0.0),
        ("A", ["the"], 1.0, 1.0),
    ],
)
def test_em_and_f1(answer: str, accepted: list[str], em: float, expected_f1: float) -> None:
    """F1 = 2 · |common| / (|answer| + |accepted|), words counted as often as said; the best over accepted answers."""
    assert exact_match(answer, accepted) == em
    assert f1(answer, accepted) == pytest.approx(expected_f1)


@given(st.text(), st.lists(st.text(), min_size=1, max_size=3))
def test_an_exact_match_has_f1_of_1(answer: str, accepted: list[str]) -> None:
    """F1 lies between the exact match and 1."""
    assert exact_match(answer, accepted) <= f1(answer, accepted) <= 1.0


@pytest.mark.parametrize(
    ("metadata", "answers"),
    [
        ({"answer": "Rome", "answer_aliases": ["Roma", "Rome", " "]}, ("Rome", "Roma")),
        ({"answer": "Rome"}, ("Rome",)),
        ({"answer": 35, "answer_aliases": "none"}, ("35",)),
        ({}, ()),
        (None, ()),
        ("text", ()),
    ],
)
def test_a_question_s_accepted_answers(write_set: WriteSet, metadata: Any, answers: tuple[str, ...]) -> None:
    """The answer, then aliases, each once; what is no text is left out, and a set without any can still be ranked."""
    folder = write_set("toy", {"p": "x"}, {"q": "x?"}, [("q", "p", 1)])
    record = {"_id": "q", "text": "x?"} | ({} if metadata is None else {"metadata": metadata})
    (folder / "queries.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert load_dataset(folder).questions[0].answers == answers
