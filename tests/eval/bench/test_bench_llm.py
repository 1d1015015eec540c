"""``python -m eval bench llm``: a small whole run with a real server, encoder and process."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import eval.bench.llm.command
from eval.__main__ import main
from eval.bench.llm.command import median_run


@pytest.fixture
def dataset(write_set: Callable[..., Path]) -> Path:
    """Thirty passages in BEIR layout with their recorded extraction."""
    titles = {f"p{n}": f"Town {n}" for n in range(30)}
    folder = write_set(
        "towns",
        {f"p{n}": f"Town {n} lies {n + 2} miles from Velden." for n in range(30)},
        {"q": "How far is Town 3 from Velden?"},
        [("q", "p3", 1)],
        titles=titles,
        labels={"q": {"answer": "5 miles"}},
    )
    openie = [{"_id": i, "entities": [town], "triples": [[town, "is near", "Velden"]]} for i, town in titles.items()]
    (folder / "openie.jsonl").write_text("".join(json.dumps(line) + "\n" for line in openie), "utf-8")
    return folder


def test_a_small_run_tells_what_it_took(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With and without faults every passage is answered once; the JSON holds what the table shows, and names no folder."""
    out = tmp_path / "out.json"
    told = ["--latency", "0.02", "--at-once", "8", "--faults", "0", "--faults", "0.3", "--timeout", "0.5"]
    assert main(["bench", "llm", str(dataset), *told, "--json", str(out)]) == 0
    text = out.read_text("utf-8")
    assert str(tmp_path) not in text
    calm, bad = json.loads(text)["lines"]
    assert (calm["calls"], calm["served"], calm["retries"], calm["failed"]) == (30, {"valid": 30}, 0, 0)
    assert bad["served"]["valid"] == 30
    assert bad["calls"] > 30
    for line in (calm, bad):
        assert line["ideal"] == pytest.approx(line["calls"] * 0.02 / 8)
        assert line["ratio"] == pytest.approx(line["whole"]["seconds"] / (line["ideal"] + line["encoder"]["seconds"]))
        assert line["encoder"]["texts"] >= 90  # passages, sentences, triples and names
        assert line["asking"] > 0
        assert line["usage"]["prompt_tokens"] > 30 * 200
    shown = capsys.readouterr().out
    assert "30% faults" in shown
    assert f"{calm['usage']['prompt_tokens']:,}" in shown


def test_the_median_run_is_one_of_the_runs() -> None:
    """Its figures belong together; of two in the middle the worse."""
    assert median_run([{"ratio": 3.0, "x": 1}, {"ratio": 1.0, "x": 2}]) == {"ratio": 3.0, "x": 1, "ratios": [3.0, 1.0]}


def test_the_worked_example_holds() -> None:
    """The docstrings' arithmetic."""
    assert doctest.testmod(eval.bench.llm.command).failed == 0
