"""How fast something advances: smooth where work is done in bursts, and honest where it stands still."""

from __future__ import annotations

from collections import deque

#: Seconds over which a rate is taken; longer only where three advances take longer.
WINDOW = 30.0
#: Seconds within which two advances count as one: memory stays bounded whatever calls.
MERGED = 0.25
#: Seconds that a rate is taken over at least: the first few hundredths say nothing.
SHORTEST = 0.5
#: Seconds without an advance after which there is no rate, if that is also three times as long as usual.
STILL = 5.0


class Meter:
    """The rate of a count that advances now and then, from when and how far it advanced last.

    A commit every minute is as steady a rate as a call every millisecond: between two advances the rate holds, until the
    next one is overdue.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self.began = self.moved = 0.0

    def add(self, now: float, done: int) -> None:
        """The count is *done* at *now* (seconds). A count that went back has begun again."""
        points = self._points
        if points and done < points[-1][1]:
            points.clear()
        if not points:
            self.began = self.moved = now
        elif done == points[-1][1]:
            return
        self.moved = now
        if len(points) > 1 and now - points[-2][0] < MERGED:
            points.pop()
        points.append((now, done))
        while len(points) > 3 and now - points[1][0] > WINDOW:
            points.popleft()

    def rate(self, now: float) -> float | None:
        """Advances a second; None for not known yet, and for standing still."""
        if len(self._points) < 2:
            return None
        (since, first), (moved, last) = self._points[0], self._points[-1]
        usual = (moved - since) / (len(self._points) - 1)
        if now - moved > max(STILL, 3 * usual):
            return None
        elapsed = max(moved, now - usual) - since
        return (last - first) / elapsed if elapsed >= SHORTEST else None
