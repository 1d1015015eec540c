"""A thread that does one thing every so often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from hippomem.errors import HippomemError

logger = logging.getLogger("hippomem.integrations")


class Sweeper:
    """Calls *sweep* every *seconds*, beginning after the first wait, until `stop`. Runs when made."""

    def __init__(self, sweep: Callable[[], object], seconds: float) -> None:
        self._sweep = sweep
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hippomem-sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, once it has finished what it is at."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._sweep()
            except HippomemError:  # a busy store or a full disk may pass; the next round tries again
                logger.exception("sweeping what has expired failed; trying again in %s s", self._seconds)
