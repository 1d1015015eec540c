"""A clock that a test turns, and LLM runs at any stage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hippomem.models.llm import Usage
from indexing.asking.status import AskingStatus


class Clock:
    """Seconds, as a test sets them."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Run:
    """An LLM run; ``run.status`` is what a display is told."""

    def __init__(self) -> None:
        self.status: AskingStatus | None = AskingStatus(100, 0, 0, 8, 10, Usage(), 0.0, "", 0)

    def __call__(self) -> AskingStatus | None:
        """The status."""
        return self.status

    def becomes(self, **changes: object) -> None:
        """The run goes on."""
        assert self.status is not None
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    """At second 0."""
    return Clock()


@pytest.fixture
def llm() -> Run:
    """100 passages wanted, none read."""
    return Run()
