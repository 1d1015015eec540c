"""When a request goes wrong, and how: drawn from a seed, so that a run can be had again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from hippomem.testing.faults import Fault

#: By name, what may happen instead of an answer. Silence lasts until the client leaves.
FAULTS = {
    "429": Fault.rate_limited(),
    "429 retry-after": Fault.rate_limited(0.2),
    "500": Fault.failed(500),
    "503": Fault.failed(503),
    "silence": Fault.timeout(24 * 3600.0),
    "hang-up": Fault.disconnected(),
    "cut": Fault.cut_json(),
    "prose": Fault.prose(),
    "wrong types": Fault.wrong_types(),
}


class Misbehaviour:
    """Draws by passages and by how often these were asked about: the order in which requests come does not matter."""

    def __init__(self, rate: float, seed: int, kinds: Sequence[str] = tuple(FAULTS)) -> None:
        """rate: the share of requests that go wrong, in [0, 1].    kinds: of `FAULTS`, each as likely as the others."""
        self._rate = rate
        self._seed = seed
        self._kinds = tuple(kinds)
        self._asked: Counter[tuple[str, ...]] = Counter()

    def draw(self, passages: Sequence[str]) -> str | None:
        """The name of the fault of the next request about these passages, or None."""
        if not self._rate:
            return None
        key = tuple(passages)
        self._asked[key] += 1
        chance = random.Random(f"{self._seed} {self._asked[key]} {' '.join(key)}")  # noqa: S311  no secret
        return chance.choice(self._kinds) if chance.random() < self._rate else None
