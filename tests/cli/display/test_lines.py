"""Without a terminal: a line now and then, and one at once when the LLM is paused."""

from __future__ import annotations

from typing import Any

import pytest

from hippomem.cli.display import Display
from hippomem.models.llm import Usage


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines on stderr; stdout has none."""
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_quick_work_says_nothing(clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What takes less than ten seconds needs no line."""
    display = Display(clock=clock)
    for second in range(10):
        clock.now = second
        display("embedding facts", second, 9)
        display.tick()
    assert said(capsys) == []


def test_a_log_gets_a_line_every_ten_seconds(clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """How far, how fast, how long still; a stage without a known end has neither end nor time."""
    display = Display(clock=clock)
    for second in range(26):
        clock.now = float(second)
        display("embedding facts", second * 100, 3000)
        display("storing documents", second * 5, 0)
        display.tick()
    assert said(capsys) == [
        "embedding facts: 1,000 of 3,000, 100/s, 20 s left; storing documents: 50, 5.0/s",
        "embedding facts: 2,000 of 3,000, 100/s, 10 s left; storing documents: 100, 5.0/s",
    ]


def test_what_is_done_is_told_once(clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A stage that waits is told each time; one that is done, or has no end and stands still, once."""
    display = Display(clock=clock)
    display("storing documents", 1, 0)
    display("extracting facts", 0, 8)
    clock.now = 4.0
    display("extracting facts", 8, 8)
    display("embedding facts", 1, 30)
    for clock.now in (10.0, 20.0):
        display.tick()
    assert said(capsys) == [
        "storing documents: 1; extracting facts: 8 of 8, 2.0/s, done in 4 s; embedding facts: 1 of 30",
        "embedding facts: 1 of 30",
    ]


def test_the_llm_is_told_with_what_it_costs(clock: Any, llm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls, failures, retries, tokens, money and where the money is heading."""
    display = Display(clock=clock, status=llm, budget_usd=5)
    display.tick()
    clock.now = 10.0
    llm.becomes(answered=38, failed=2, usage=Usage(12_345, 2_000, 40), usd=0.4, retries=1)
    display.tick()
    (line,) = said(capsys)
    assert line == (
        "asking the LLM: 40 of 100, 4.0/s, 15 s left, 8 of 10 calls under way, 2 failed, 1 retry, "
        "12.3 k tokens in, 2,000 out, $0.40 of $5.00, heading for $1.00"
    )


def test_no_price_is_no_money(clock: Any, llm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Tokens are counted all the same; a budget of tokens stands beside them."""
    display = Display(clock=clock, status=llm, budget_tokens=50_000)
    llm.becomes(answered=40, usage=Usage(12_345, 2_000, 40), usd=None)
    clock.now = 10.0
    display.tick()
    (line,) = said(capsys)
    assert "$" not in line
    assert line.endswith("12.3 k tokens in, 2,000 out, of 50.0 k")


def test_a_pause_is_told_at_once_and_once(clock: Any, llm: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A reason that counts down is the same reason; a pause between two pauses is none."""
    display = Display(clock=clock, status=llm)
    for clock.now, because in ((1, "429 for 3 s"), (2, "429 for 2 s"), (3, ""), (3.2, "429 for 8 s")):
        llm.becomes(paused_because=because)
        display.tick()
    assert said(capsys) == ["the LLM is paused: 429 for 3 s"]
    llm.becomes(paused_because="the endpoint\nis \x1b[31maway")
    display.tick()
    assert said(capsys) == ["the LLM is paused: the endpoint is [31maway"]
    llm.becomes(paused_because="")
    for clock.now in (5.0, 5.2):
        display.tick()
    assert said(capsys) == ["the LLM goes on after 4 s"]
