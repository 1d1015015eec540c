"""``hippomem demo``: with the real encoder once, then with a fake one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippomem.cli import main
from hippomem.demo import demo_folder, demo_questions

Run = Callable[..., Any]


def test_the_demo_answers_what_it_promises(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With the embedded encoder, the passages of each question rank in the first three, and a chain joins them."""
    assert main(["demo", "--json", "--store", str(tmp_path / "demo.hippo")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["questions"]) == 3
    for question in told["questions"]:
        assert max(gold["rank"] for gold in question["gold"]) <= 3
        assert max(gold["dense_rank"] for gold in question["gold"]) > 3
        last = max(question["gold"], key=lambda gold: gold["dense_rank"])
        assert len(question["hits"][last["rank"] - 1]["why"]["path"]) >= 4  # name, fact, name, passage


def test_the_demo_fits_the_screen(run: Run) -> None:
    """No line is wider than 100 columns, and the output says what is what."""
    ran = run("demo")
    assert ran.code == 0
    assert max(len(line.rstrip()) for line in ran.out.splitlines()) <= 100
    assert ran.out.count("Question ") == 3
    assert "by likeness alone" in ran.out


def test_a_plain_demo_draws_nothing(run: Run) -> None:
    """--plain prints no drawing characters and no escape codes."""
    out = run("demo", "--plain").out
    assert not set(out) & set("│─▸\x1b")
    assert "**" in out


def test_ones_own_question(run: Run, store: Path) -> None:
    """--question replaces the questions; --store keeps the store for further searches."""
    ran = run("demo", "--question", "Who wrote The Salt Almanac?", "--store", store)
    assert (ran.code, ran.out.count("Question ")) == (0, 1)
    assert run("search", "almanac", "--store", store).code == 0


def test_a_question_without_words_is_code_3(run: Run) -> None:
    """The demo refuses what search refuses."""
    assert run("demo", "--question", " ").code == 3


def test_the_demo_data_is_whole() -> None:
    """Every question of the demo has an answer and at least two gold passages that are in the corpus."""
    folder = demo_folder()
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    known = {json.loads(line)["_id"] for line in lines}
    questions = demo_questions(folder)
    assert len(questions) >= 12
    assert all(
        question.answers[0] and len(question.gold) >= 2 and known >= set(question.gold) for question in questions
    )
