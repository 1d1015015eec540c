"""The final report: what came in, what it cost, what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from hippomem.cli.display.report import print_report

SUMMARY: dict[str, Any] = {
    "store": "notes.hippo",
    "namespace": "default",
    "documents": 1200,
    "added": 1190,
    "duplicates": 10,
    "failed": 0,
    "skipped": [],
    "other_files": {},
    "failures": [],
    "seconds": {"store": 1.0, "extract": 5.0},
    "stats": {"passages": 1500, "facts": 7000, "entities": 3000},
}
LLM = {
    "calls": 1480,
    "prompt_tokens": 412_000,
    "completion_tokens": 95_100,
    "usd": 1.234,
    "reused_answers": 20,
    "failed": 2,
    "seconds": 74.0,
}


def lines(capsys: pytest.CaptureFixture[str], **more: Any) -> list[str]:
    """The report."""
    print_report({**SUMMARY, **more})
    return capsys.readouterr().out.splitlines()


def test_a_calm_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Four things: what came in, how long it took, and what the store holds; no LLM, no money, no advice."""
    assert lines(capsys) == [
        "1,200 documents: 1,190 added, 10 duplicates, 0 lines skipped, 0 passages failed",
        "took 6.0 s (store 1.0, extract 5.0), 200/s",
        "notes.hippo [default]: 1,500 passages, 7,000 facts, 3,000 entities",
    ]


def test_what_an_llm_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """Calls, their rate, what was stored already, tokens and money."""
    said = lines(capsys, llm=LLM)
    assert said[2:4] == [
        "LLM: 1,480 calls in 1 min 14 s, 20/s; 20 answers were stored already; 2 passages failed",
        "  412,000 prompt and 95,100 completion tokens: $1.23",
    ]


def test_no_price_is_said_and_not_taken_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no price is known no sum is shown, but how to give one."""
    text = "\n".join(lines(capsys, llm={**LLM, "usd": None}))
    assert "$" not in text
    assert "no price is known (--price-in" in text


def test_failures_say_why_and_how_to_try_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each kind of reason with some of its passages, the most frequent first, and the command."""
    failures = [{"passage_id": f"p{n}", "error": f"cut after {n} tokens: '…{n}'", "attempts": 3} for n in range(25)]
    failures.insert(3, {"passage_id": "q", "error": "no JSON in:\n\x1b[2Joff", "attempts": 1})
    said = lines(capsys, failed=26, failures=failures)
    assert said[3:] == [
        "26 passages could not be read; they are found by their sentences all the same:",
        "  p0, p1, p2 and 22 more: cut after 0 tokens: '…0'",
        "  q: no JSON in: [2Joff",
        "  try these again: the same command with --retry-failed",
    ]


def test_many_kinds_of_reasons_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    """The first twenty are shown; --json has all."""
    failures = [{"passage_id": f"p{n}", "error": chr(97 + n), "attempts": 1} for n in range(24)]
    assert lines(capsys, failed=24, failures=failures)[-2] == "  … and 4 more (--json lists all)"


def test_a_run_that_stopped_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Why, and the command."""
    assert lines(capsys, stopped="the budget of $1.00 is spent")[-2:] == [
        "stopped before the end: the budget of $1.00 is spent",
        "  go on where it stopped: the same command again; what is stored is not paid for again",
    ]


def test_the_report_leaves_standard_output_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr when asked."""
    print_report(SUMMARY, err=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "1,190 added" in err
