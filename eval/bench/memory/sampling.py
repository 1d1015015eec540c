"""The memory of this process, looked at again and again while it works."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from eval.bench.measure import resident_bytes

#: Seconds between two looks; what comes and goes within less is seen in the peak of the process alone.
EVERY = 0.02


class Sampling:
    """Inside ``with``, the most that each stage had resident, and the seconds it took; one stage at a time.

    peaks: stage → {"own", "mapped", "resident"} bytes, each the most that was seen. Empty where the system tells nothing.
    """

    def __init__(self, stage: str) -> None:
        self.peaks: dict[str, dict[str, int]] = {}
        self.seconds: dict[str, float] = {}
        self._stage, self._since = stage, time.perf_counter()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def stage(self, name: str) -> None:
        """From now on that stage is at work."""
        if name != self._stage:
            with self._lock:
                self._look()
                now = time.perf_counter()
                self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
                self._stage, self._since = name, now

    def _look(self) -> None:
        found = resident_bytes()
        if not found:
            return
        found["resident"] = found["own"] + found["mapped"]
        peak = self.peaks.setdefault(self._stage, found)
        for kind, count in found.items():
            peak[kind] = max(peak[kind], count)

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            with self._lock:
                self._look()

    def __enter__(self) -> Sampling:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stage("")
        self._ended.set()
        self._thread.join()
