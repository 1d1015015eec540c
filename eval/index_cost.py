"""What building stores took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IndexCost:
    """What building a store (or several: `+`) took.

    seconds: by stage, and ``total``: wall time from opening the store to the last commit.    bytes: of its files.
    lost: passages of the corpus that the reader left out.    failed: passages whose extraction failed.
    reused: how many of the stores were built by an earlier run, whose figures these then are.
    """

    stores: int = 0
    passages: int = 0
    lost: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    reused: int = 0

    def __add__(self, other: IndexCost) -> IndexCost:
        """The cost of both; the zero is ``IndexCost()``."""
        return IndexCost(
            self.stores + other.stores,
            self.passages + other.passages,
            self.lost + other.lost,
            self.failed + other.failed,
            self.bytes + other.bytes,
            {k: self.seconds.get(k, 0.0) + other.seconds.get(k, 0.0) for k in {**self.seconds, **other.seconds}},
            {k: self.usage.get(k, 0) + other.usage.get(k, 0) for k in {**self.usage, **other.usage}},
            self.reused + other.reused,
        )
