"""Rows that grow: a sparse matrix as it was read from a file, and the entries that came or went since.

The entries of a row stand next to each other, as in CSR. Entries that come later are chained behind them, from the room
that every array has at its end, and an entry that goes gets the label 0. So a change costs what it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class NoRoomError(Exception):
    """An array has no room left for what came; it has to be made anew, larger."""


@dataclass(frozen=True)
class GrowingRows:
    """n rows of labelled entries.

    start: (n + 1,) int64, where each row of the first `base` entries starts.    target: (m,) int32, the column of an entry.
    label: (m,) uint8, at least 1; 0 for an entry that is gone or not there yet.
    head: (n,) int32, a row's newest later entry, -1 for none.    following: (m - base,) int32, the one chained behind it.
    used: (1,) int64, entries in use.    All may be views of a file, mapped copy-on-write.
    """

    start: Ints
    target: NDArray[np.int32]
    label: NDArray[np.uint8]
    head: NDArray[np.int32]
    following: NDArray[np.int32]
    used: Ints

    @property
    def base(self) -> int:
        """How many entries stand in rows."""
        return int(self.start[-1])

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What compiled loops take: start, target, label, head, following."""
        return self.start, self.target, self.label, self.head, self.following

    def gather(self, rows: Ints, labels: int) -> tuple[Ints, Ints]:
        """Targets of several rows, one row after the other, and how many each has.

        labels: a bit sum, 1 << label, of those that count; labels up to 62.
        """
        found: tuple[Ints, Ints] = _gather()(*self.arrays, np.asarray(rows, dtype=np.int64), labels)
        return found

    def row(self, row: int, labels: int) -> Ints:
        """Targets of one row."""
        return self.gather(np.array([row], dtype=np.int64), labels)[0]

    def add(self, row: int, target: int, label: int) -> int:
        """Add an entry; returns its number. Raises NoRoomError."""
        entry = int(self.used[0])
        if entry >= len(self.target):
            raise NoRoomError
        self.target[entry], self.label[entry] = target, label
        self.following[entry - self.base] = self.head[row]
        self.head[row] = entry
        self.used[0] = entry + 1
        return entry

    def remove(self, row: int, target: int, label: int) -> None:
        """Take an entry out; one that is not there is a KeyError. Costs the length of the row."""
        entry = _find()(*self.arrays, row, target, label)
        if entry < 0:
            raise KeyError((row, target, label))
        self.label[entry] = 0


@cache
def _gather() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def gather(start, target, label, head, following, rows, labels):  # type: ignore[no-untyped-def]
        base = start[-1]
        sizes = np.zeros(len(rows), dtype=np.int64)
        found = np.empty(16 + 8 * len(rows), dtype=np.int64)
        n = 0
        for i in range(len(rows)):
            row = rows[i]
            before = n
            longest = n + start[row + 1] - start[row]
            if longest > len(found):
                larger = np.empty(2 * longest, dtype=np.int64)
                larger[:n] = found[:n]
                found = larger
            for entry in range(start[row], start[row + 1]):
                if label[entry] and (labels >> label[entry]) & 1:
                    found[n] = target[entry]
                    n += 1
            entry = head[row]
            while entry >= 0:
                if label[entry] and (labels >> label[entry]) & 1:
                    if n == len(found):
                        larger = np.empty(2 * n, dtype=np.int64)
                        larger[:n] = found
                        found = larger
                    found[n] = target[entry]
                    n += 1
                entry = following[entry - base]
            sizes[i] = n - before
        return found[:n], sizes

    return gather


@cache
def _find() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def find(start, target, label, head, following, row, wanted, of_label):  # type: ignore[no-untyped-def]
        for entry in range(start[row], start[row + 1]):
            if target[entry] == wanted and label[entry] == of_label:
                return entry
        entry = head[row]
        while entry >= 0:
            if target[entry] == wanted and label[entry] == of_label:
                return entry
            entry = following[entry - start[-1]]
        return -1

    return find


def fill_rows(
    rows: int, blocks: list[tuple[Ints, Ints, int | NDArray[np.uint8]]], *, room_rows: int, room: int
) -> GrowingRows:
    """Rows from blocks of (row, target, label), with room for more rows and entries. In a row, block follows block."""
    sizes = np.zeros(rows + 1, dtype=np.int64)
    for row, _, _ in blocks:
        sizes[1:] += np.bincount(row, minlength=rows)
    start = np.full(rows + room_rows + 1, int(sizes.sum()), dtype=np.int64)
    start[: rows + 1] = np.cumsum(sizes)
    total = int(start[-1])
    made = GrowingRows(
        start=start,
        target=np.zeros(total + room, dtype=np.int32),
        label=np.zeros(total + room, dtype=np.uint8),
        head=np.full(rows + room_rows, -1, dtype=np.int32),
        following=np.full(room, -1, dtype=np.int32),
        used=np.array([total], dtype=np.int64),
    )
    at = start[:rows].copy()
    for row, target, label in blocks:
        labels = np.full(len(row), label, dtype=np.uint8) if isinstance(label, int) else label
        _fill()(at, row, target, labels, made.target, made.label)
    return made


@cache
def _fill() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def fill(at, rows, targets, labels, target, label):  # type: ignore[no-untyped-def]
        for i in range(len(rows)):
            entry = at[rows[i]]
            at[rows[i]] = entry + 1
            target[entry] = targets[i]
            label[entry] = labels[i]

    return fill
