"""What the benchmarks share, and ``bench index``, whose figures it does not change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eval.bench.index import index_seconds, summarise, table
from eval.bench.measure import by_stage, megabytes, ms, percentiles, ratio
from hippomem.testing.embedder import HashEmbedder
from hippomem.types import Document

ROOT = Path(__file__).parents[3]


def test_percentiles_and_stages() -> None:
    """Linear between values; a stage that a run has not counts nothing there; no values, no figures."""
    assert percentiles([1.0, 2.0, 3.0, 4.0], 50, 95) == {"p50": 2.5, "p95": pytest.approx(3.85)}
    assert percentiles([], 50) == {}
    assert by_stage([{"a": 1.0}, {"a": 3.0, "b": 4.0}], 50) == {"a": {"p50": 2.0}, "b": {"p50": 2.0}}


def test_figures_as_people_read_them() -> None:
    """Three digits that count; a dash for what was not measured."""
    assert [ms(seconds) for seconds in (0.1234, 0.01234, 0.0012345, None)] == ["123", "12.3", "1.23", "-"]
    assert megabytes(1_234_567_890) == "1,234.6"
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(3.0, None) is None


PEAKS = """
import json, subprocess, sys
import numpy as np
from eval.bench.measure import peak_bytes, resident_bytes
small = peak_bytes()
block = np.ones(50_000_000)
code = "from eval.bench.measure import peak_bytes; print(peak_bytes())"
child = int(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout)
print(json.dumps([small, peak_bytes(), child, resident_bytes(), block.nbytes]))
"""


def test_memory_is_that_of_one_process() -> None:
    """400 MB more show in the peak; a child of the large process does not inherit it."""
    done = subprocess.run([sys.executable, "-c", PEAKS], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    small, large, child, resident, block = json.loads(done.stdout)
    assert large - small > 0.9 * block
    if sys.platform == "linux":
        assert child < small + 0.2 * block
        assert resident["own"] > 0.9 * block


def test_bench_index_times_the_stages() -> None:
    """A real store is made; the ratio is torch over onnx, round by round."""
    # Many enough for each stage to have batches of its own.
    seconds = index_seconds([Document(f"Ada met Charles {n} times.") for n in range(100)], HashEmbedder())
    assert {"store", "extract", "embed", "synonyms", "total"} <= set(seconds)
    assert seconds["total"] >= seconds["embed"]
    report = summarise({"onnx": [{"total": 2.0}, {"total": 4.0}], "torch": [{"total": 6.0}, {"total": 4.0}]})
    assert report["ratio"] == {"total": 2.0}
    assert report["seconds"]["onnx"] == {"total": 3.0}
    assert table(report, "title").row_count == 1
