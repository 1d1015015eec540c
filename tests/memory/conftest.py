"""A memory with a cheap encoder and a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hippomem import Memory
from hippomem.testing import HashEmbedder
from hippomem.text.dates import moment


@dataclass
class Clock:
    """Seconds since 1970; each call is a second later than the one before."""

    now: float = moment("2026-11-24T12:00:00")

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Iterator[Memory]:
    with Memory(embedder=HashEmbedder(dimension=32), now=clock) as made:
        yield made
