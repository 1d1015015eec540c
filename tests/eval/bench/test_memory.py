"""``python -m eval bench memory``: real runs at small size, each in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.bench.memory.command import growth
from eval.bench.memory.sampling import Sampling

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is resident")


def test_each_size_is_measured_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """60 and 120 passages; the JSON holds what the tables show, and names no folder."""
    out = tmp_path / "out.json"
    assert main(["bench", "memory", "--passages", "120,60", "--json", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    report = json.loads(text)
    small, large = report["runs"]
    assert (small["passages"], large["passages"]) == (60, 120)
    assert large["added"] == 120
    assert large["facts"] == 360
    assert large["file_bytes"]["store"] > large["vector_bytes"]["store"] > 2 * 384 * 480
    assert {"start", "closing"} <= set(large["stages"])
    assert report["growth"] == growth(small, large)
    assert str(tmp_path) not in text
    shown = capsys.readouterr().out
    assert "peak of the process" in shown
    assert "Each passage more takes" in shown


@pytest.mark.parametrize("sizes", ["", "5", "100,x"])
def test_sizes_that_are_none_are_refused(sizes: str) -> None:
    """Before anything is indexed."""
    assert main(["bench", "memory", "--passages", sizes]) == 2


def test_growth_is_told_apart_from_the_vectors() -> None:
    """300 bytes a passage, of which 200 are vectors; one size alone grows by nothing."""
    small = {"passages": 10, "peak_bytes": 5_000, "vector_bytes": {"arrays": 2_000}}
    large = {"passages": 20, "peak_bytes": 8_000, "vector_bytes": {"arrays": 4_000}}
    assert growth(small, large) == {"peak": 300.0, "vectors": 200.0, "rest": 100.0}
    assert growth(small, small) is None


@LINUX
def test_a_stage_has_what_it_took_and_the_next_has_not() -> None:
    """50 MB in one stage are seen there, and given back in the next."""
    with Sampling("before") as sampling:
        sampling.stage("large")
        taken = bytearray(b"x") * 50_000_000
        sampling.stage("after")
        sampling.stage("after")  # told again by the progress of one stage
        del taken
    peaks = sampling.peaks
    assert list(sampling.seconds) == ["before", "large", "after"]
    assert peaks["large"]["own"] > peaks["before"]["own"] + 45_000_000
    assert peaks["large"]["resident"] >= peaks["large"]["own"]


@LINUX
@pytest.mark.slow
def test_indexing_is_flat_in_memory(tmp_path: Path) -> None:
    """100,000 passages take at most 1.5 GB; beside the vectors, what they take more than 50,000 is under 2 KB a passage."""
    out = tmp_path / "out.json"
    assert main(["bench", "memory", "--passages", "50000,100000", "--json", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["runs"][-1]["peak_bytes"] < 1_500_000_000
    assert report["growth"]["rest"] < 2_000
