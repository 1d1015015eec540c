"""A door for so many at once, who enter in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Turnstile:
    """``async with turnstile:`` waits for a place. Unlike asyncio's locks it may be used on one event loop after another.

    capacity: how many may be inside now; call ``admit`` when it has grown. Who is inside stays when it shrinks.
    """

    def __init__(self, capacity: Callable[[], int]) -> None:
        self._capacity = capacity
        self._waiting: deque[asyncio.Future[None]] = deque()
        #: How many are inside.
        self.inside = 0

    async def __aenter__(self) -> None:
        if not self._waiting and self.inside < self._capacity():
            self.inside += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self._leave()  # let in and cancelled at the same moment
            raise

    async def __aexit__(self, *error: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self.inside -= 1
        self.admit()

    def admit(self) -> None:
        """Let in who waits, as far as there is room."""
        while self._waiting and self.inside < self._capacity():
            place = self._waiting.popleft()
            if not place.cancelled():
                self.inside += 1
                place.set_result(None)
