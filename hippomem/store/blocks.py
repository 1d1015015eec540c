"""Values in blocks that one statement can bind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Value = TypeVar("Value")

#: How many values one SQL statement takes; below SQLite's oldest limit.
MANY = 900


def blocks(values: Sequence[Value]) -> Iterator[tuple[str, Sequence[Value]]]:
    """(marks, block): the values in order, and a mark for each of a block: ``?,?,?``."""
    for start in range(0, len(values), MANY):
        block = values[start : start + MANY]
        yield ",".join("?" * len(block)), block
