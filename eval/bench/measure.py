"""What all benchmarks share: percentiles, the memory of this process, and figures as people read them."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from eval.provenance import usable_cpus, versions


def percentiles(values: Sequence[float], *which: int) -> dict[str, float]:
    """Percentiles by name, linear between values; nothing of nothing.

    >>> percentiles([1.0, 2.0, 3.0], 50)
    {'p50': 2.0}
    """
    return {f"p{p}": float(np.percentile(values, p)) for p in which} if len(values) else {}


@contextmanager
def clocked(take: Callable[[float], None]) -> Iterator[None]:
    """Hand the seconds that a block took to *take*."""
    start = time.perf_counter()
    yield
    take(time.perf_counter() - start)


def peak_bytes() -> int:
    """The most memory that this process has had resident so far, mapped files included.

    Linux hands `ru_maxrss` down from the process that started this one, so that a small child of a large parent looks
    large; the mark of this program alone is in its status.
    """
    peak = _status().get("VmHWM")
    if peak is not None:
        return peak
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def resident_bytes() -> dict[str, int]:
    """Memory resident now: ``own`` of this process, and ``mapped`` pages of files, which others may take. Linux only."""
    status = _status()
    return {"own": status["RssAnon"], "mapped": status["RssFile"]} if "RssAnon" in status else {}


def _status() -> dict[str, int]:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    rows = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(count) * 1024 for name, count, _ in rows}


def say(progress: str) -> None:
    """Tell how far a long benchmark is, beside its result."""
    sys.stderr.write(f"{progress}\n")
    sys.stderr.flush()


def setting() -> dict[str, Any]:
    """What a reader needs to place the figures: processors and versions."""
    return {"cpus": usable_cpus(), "versions": versions()}


def ms(seconds: float | None) -> str:
    """Milliseconds with three digits that count.

    >>> ms(0.0123456), ms(2.5), ms(None)
    ('12.3', '2500', '-')
    """
    if seconds is None:
        return "-"
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def megabytes(count: int | None) -> str:
    """Millions of bytes.

    >>> megabytes(1_250_000)
    '1.2'
    """
    return "-" if count is None else f"{count / 1e6:,.1f}"


def ratio(a: float | None, b: float | None) -> float | None:
    """a / b where both were measured."""
    return None if a is None or not b else a / b


def by_stage(runs: Sequence[Mapping[str, float]], *which: int) -> dict[str, dict[str, float]]:
    """Percentiles of each stage over runs; a stage that a run has not counts 0 there."""
    stages = dict.fromkeys(stage for run in runs for stage in run)
    return {stage: percentiles([run.get(stage, 0.0) for run in runs], *which) for stage in stages}
