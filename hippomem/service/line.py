"""A lock that is fair."""

from __future__ import annotations

import threading
from collections import deque


class Line:
    """Lets one thread in at a time, in the order that they came; who is inside may enter again.

    `threading.RLock` lets in whoever asks at the right moment. Under load that is the thread that was inside just now and
    comes back with its next request, because it runs already: others wait for seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: int | None = None  # the thread
        self._times = 0
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._lock:
            if self._inside in (None, me):
                self._inside = me
                self._times += 1
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append((me, gate))
        try:
            gate.acquire()  # whoever leaves has put this thread inside
        except BaseException:  # interrupted: out of the line, or, let in meanwhile, on to the next
            with self._lock:
                if (me, gate) in self._waiting:
                    self._waiting.remove((me, gate))
                else:
                    self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        self._times -= 1
        if self._times == 0:
            self._inside = None
            if self._waiting:
                self._inside, gate = self._waiting.popleft()
                self._times = 1
                gate.release()
