"""Events: every line is JSON of a known kind, as often as promised, and the last one says how it ended."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hippomem.cli.display import Display, events
from hippomem.errors import ConfigError, ModelUnavailableError
from hippomem.models.llm import Usage


def read(path: Path) -> list[dict[str, Any]]:
    """The events in a file, without their time, which is checked."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        assert datetime.fromisoformat(row.pop("at")).tzinfo == UTC
    return rows


def test_a_run_from_its_first_stage_to_its_summary(clock: Any, llm: Any, tmp_path: Path) -> None:
    """Stages and the LLM at most once a second and when they changed; pauses and failures as they come."""
    path = tmp_path / "events.jsonl"
    display = Display(clock=clock, status=llm, events=str(path))
    display("extracting facts", 0, 40)
    display.tick()
    for step in range(1, 5):
        clock.now = step / 2
        display("extracting facts", 10 * step, 40)
        display.tick()
    llm.becomes(paused_because="429", answered=30, failed=1, usage=Usage(100, 20, 31), usd=0.25)
    display.tick()
    display.failed("p1", "no JSON \ud800")
    llm.becomes(paused_because="")
    display.tick()
    display.tick()
    display.finished(
        {"added": 40, "failures": [{"passage_id": p, "error": "cut", "attempts": 1} for p in ("p1", "p2")]}
    )
    spent = {"usd": 0.0, "prompt_tokens": 0, "completion_tokens": 0, "calls": 0}
    state = {"wanted": 100, "answered": 0, "failed": 0, "in_flight": 8, "limit": 10, "retries": 0}
    stage = {"event": "stage", "what": "extracting facts", "total": 40}
    assert read(path) == [
        {**stage, "done": 0, "rate": None, "left": None},
        {"event": "llm", **state, **spent, "rate": None, "left": None},
        {**stage, "done": 20, "rate": 20.0, "left": 1.0},
        {**stage, "done": 40, "rate": 20.0, "left": 0.0},
        {
            "event": "llm",
            **state,
            "answered": 30,
            "failed": 1,
            "usd": 0.25,
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "calls": 31,
            "rate": 15.5,
            "left": 4.452,
        },
        {"event": "paused", "because": "429"},
        {"event": "failed", "passage_id": "p1", "error": "no JSON \ud800"},
        {"event": "resumed"},
        {"event": "failed", "passage_id": "p2", "error": "cut"},
        {
            "event": "finished",
            "added": 40,
            "failures": [{"passage_id": p, "error": "cut", "attempts": 1} for p in ("p1", "p2")],
        },
    ]


def test_what_was_held_back_is_told_at_the_end(clock: Any, tmp_path: Path) -> None:
    """The last state of each stage is there, however quick it came."""
    path = tmp_path / "events.jsonl"
    with Display(clock=clock, events=str(path)) as display:
        display("storing documents", 10, 0)
        display.tick()
        clock.now = 0.3
        display("storing documents", 17, 0)
    assert [row["done"] for row in read(path)] == [10, 17]


def test_a_run_that_fails_says_so_last(tmp_path: Path) -> None:
    """An error is passed on, and is the last event."""
    path = tmp_path / "events.jsonl"
    with pytest.raises(ModelUnavailableError), Display(events=str(path)) as display:
        display("storing documents", 10, 0)
        raise ModelUnavailableError("gone")
    assert read(path)[-1] == {"event": "stopped", "error": "ModelUnavailableError: gone"}


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    """Before anything is done."""
    with pytest.raises(ConfigError, match="--events"):
        Display(events=str(tmp_path / "no" / "events.jsonl"))


def test_standard_output_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    """With "-" events go there, and nothing but events."""
    with Display(events="-") as display:
        display.finished({"added": 1})
    print("after")  # noqa: T201
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first)["event"] == "finished"
    assert second == "after"


def test_a_reader_that_goes_away_does_not_stop_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--events >(head -1)`: the rest is not written, which is said once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with Display(events=str(pipe)) as display:
        os.close(reader)
        display.failed("p1", "cut")
        display.failed("p2", "cut")
        display.finished({"added": 1})
    assert capsys.readouterr().err.count("events end here") == 1


def test_every_event_is_documented() -> None:
    """The table that programs are written from names each kind."""
    for event in ("stage", "llm", "paused", "resumed", "failed", "finished", "stopped"):
        assert f"``{event}``" in (events.__doc__ or "")
