"""Failure cases: which questions are taken, in which order, and what is told of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval.ask import Answer
from eval.dataset import load_dataset
from eval.failures import find_failures
from eval.question import Question
from eval.run import RunSettings, run_set
from eval.summary import summarise
from eval.systems import systems

WriteSet = Callable[..., Path]


def answer(name: str, ranked: str, gold: str) -> Answer:
    """An answer whose passages are letters."""
    return Answer(Question(name, name, dict.fromkeys(gold, 1.0), "toy"), tuple(ranked), 0.0)


def test_worst_come_first_and_full_answers_never() -> None:
    """Lowest recall@5 first, then the first gold furthest down (not ranked at all is furthest), then question order."""
    answers = [
        answer("half", "axcdefg", "xy"),
        answer("full", "xyabcde", "xy"),
        answer("sixth", "abcdex", "x"),
        answer("seventh", "abcdefx", "x"),
        answer("never", "abcdef", "x"),
        answer("never too", "abcdef", "y"),
    ]
    names = [failure.answer.question.question_id for failure in find_failures(answers, 9)]
    assert names == ["never", "never too", "seventh", "sixth", "half"]
    assert [f.answer.question.question_id for f in find_failures(answers, 2)] == ["never", "never too"]


def test_failure_tells_what_was_needed_what_was_found_and_why(write_set: WriteSet, fake: Any) -> None:
    """Gold passages with their ranks, the best five with score and reasons, all by the set's own titles and texts."""
    passages = {f"p{number}": f"cats purr {number}" for number in range(6)} | {"gold": "x" * 400, "tail": "y"}
    folder = write_set(
        "toy",
        passages,
        {"q": "who purr softly", "fine": "1"},
        [("q", "gold", 1), ("q", "p0", 1), ("fine", "p1", 1)],
        titles={"gold": "Golden"},
        labels={"q": {"type": "bridge", "answer": "cats", "hops": 2}},
    )
    dataset, settings = load_dataset(folder), RunSettings(systems("bm25"), ks=(5,), failures=3)
    entry = summarise(run_set(dataset, settings, fake.engine())["bm25"], dataset, settings)
    (failure,) = entry["failures"]
    assert {key: failure[key] for key in ("corpus", "question_id", "question", "answers", "type", "hops")} == {
        "corpus": "toy",
        "question_id": "q",
        "question": "who purr softly",
        "answers": ["cats"],
        "type": "bridge",
        "hops": 2,
    }
    assert failure["recall@5"] == 50.0
    assert failure["gold"] == [
        {"id": "gold", "title": "Golden", "text": "x" * 300, "rank": 7},
        {"id": "p0", "title": "", "text": "cats purr 0", "rank": 1},
    ]
    assert [hit["id"] for hit in failure["top"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert failure["top"][0] == {
        "rank": 1,
        "id": "p0",
        "title": "",
        "text": "cats purr 0",
        "gold": True,
        "score": 1.0,
        "why": {"path": ["softly", "p0"], "scores": {"words": 1.0}, "note": ""},
    }
    assert json.loads(json.dumps(failure, allow_nan=False)) == failure
    assert fake.stores[0].explained == ["who purr softly"]


def test_reasons_are_asked_for_outside_of_the_timed_answers(animals: Path, fake: Any) -> None:
    """Without failures wanted nothing is explained, and the JSON has no such key."""
    dataset, settings = load_dataset(animals), RunSettings(systems("bm25"))
    entry = summarise(run_set(dataset, settings, fake.engine())["bm25"], dataset, settings)
    assert "failures" not in entry
    assert fake.stores[0].explained == []


def test_worst_of_a_pool_are_kept_over_its_stores(write_set: WriteSet, tmp_path: Path, fake: Any) -> None:
    """Each store is asked while it is open; what is kept are the worst of all, not of the first."""
    for name, fillers in (("pool/a", 7), ("pool/b", 12)):  # gold comes after them: eighth, and below the depth of ten
        passages = {f"p{number:02}": "word" for number in range(fillers)}
        write_set(name, {**passages, "zz": "word"}, {"q": "word"}, [("q", "zz", 1)])
    write_set("pool/c", {"zz": "word"}, {"q": "word"}, [("q", "zz", 1)])
    dataset = load_dataset(tmp_path / "pool")
    settings = RunSettings(systems("bm25"), ks=(5,), failures=1)
    outcome = run_set(dataset, settings, fake.engine())["bm25"]
    assert [failure.answer.question.corpus for failure in outcome.failures] == ["b"]
    assert [store.explained for store in fake.stores] == [["word"], ["word"], []]
