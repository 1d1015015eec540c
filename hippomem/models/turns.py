"""Who computes on how many cores, when several threads ask at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Shares *cores* between calls: a call that comes alone gets all of them, calls that come together one each.

    A call spread over all cores is done soonest, but its threads wait for each other after every layer. Two such calls at
    once also wait for each other's; two calls of one thread each do not. Who finds no core free waits in line, first
    come, first served, and does not wait for company.
    """

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self._lock = threading.Lock()
        self._free = cores
        self._beside = 0
        self._line: deque[threading.Lock] = deque()

    @contextmanager
    def take(self) -> Iterator[int]:
        """Wait for a turn; yields the number of threads to compute with, 1 or all."""
        with self._lock:
            alone = self._free == self.cores and not self._line and not self._beside
            taken = self.cores if alone else 1
            gate = None
            if self._free >= taken and not self._line:
                self._free -= taken
            else:
                gate = threading.Lock()
                gate.acquire()
                self._line.append(gate)
        if gate is not None:
            # Whoever lets this call in has taken a core for it.
            try:
                gate.acquire()
            except BaseException:
                self._leave(gate)
                raise
        try:
            yield taken
        finally:
            self._give_back(taken)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """A long call is under way with threads of its own: until it ends, nobody is alone. Does not wait."""
        with self._lock:
            self._beside += 1
        try:
            yield
        finally:
            with self._lock:
                self._beside -= 1

    def _leave(self, gate: threading.Lock) -> None:
        """An interrupted wait: out of the line, or, let in meanwhile, on to the next."""
        with self._lock:
            waiting = gate in self._line
            if waiting:
                self._line.remove(gate)
        if not waiting:
            self._give_back(1)

    def _give_back(self, cores: int) -> None:
        with self._lock:
            self._free += cores
            while self._free and self._line:
                self._free -= 1
                self._line.popleft().release()
