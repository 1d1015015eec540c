"""Rows that grow, against a dictionary of lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.graph.rows import GrowingRows, NoRoomError, fill_rows

ROWS, TARGETS, LABELS, ROOM = 5, 7, 4, 6
ALL = (1 << 63) - 1 - 1  # every label but 0

entries = st.tuples(st.integers(0, ROWS - 1), st.integers(0, TARGETS - 1), st.integers(1, LABELS))
blocks = st.lists(st.lists(entries, max_size=8, unique=True), max_size=3)


def filled(some_blocks: list[list[tuple[int, int, int]]], room: int = ROOM) -> GrowingRows:
    """Rows of blocks, each with its own labels."""
    columns = [np.array(block, dtype=np.int64).reshape(-1, 3).T for block in some_blocks]
    arrays = [(row, target, label.astype(np.uint8)) for row, target, label in columns]
    return fill_rows(ROWS, arrays, room_rows=0, room=room)


def gathered(rows: GrowingRows, of: list[int], labels: int) -> list[list[int]]:
    """Targets of each row, one list a row."""
    targets, sizes = rows.gather(np.array(of, dtype=np.int64), labels)
    ends = np.cumsum(sizes)
    return [targets[end - size : end].tolist() for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)]


@settings(deadline=None)  # the first call compiles
@given(blocks)
def test_in_a_row_block_follows_block(some_blocks: list[list[tuple[int, int, int]]]) -> None:
    """As CSR has it: a row's entries in the order in which they were given."""
    rows = filled(some_blocks)
    given_order = [entry for block in some_blocks for entry in block]
    for row in range(ROWS):
        assert rows.row(row, ALL).tolist() == [target for at, target, _ in given_order if at == row]
    assert rows.base == int(rows.used[0]) == len(given_order)


@settings(deadline=None)  # the first call compiles
@given(blocks, st.lists(st.tuples(st.booleans(), entries), max_size=30), st.lists(st.integers(0, ROWS - 1)), st.data())
def test_entries_come_and_go_as_in_a_dictionary(
    some_blocks: list[list[tuple[int, int, int]]],
    changes: list[tuple[bool, tuple[int, int, int]]],
    asked: list[int],
    data: st.DataObject,
) -> None:
    """After any additions and removals each row holds what the model holds; what is full or absent says so, unchanged."""
    rows = filled(some_blocks)
    model: dict[int, list[tuple[int, int]]] = {row: [] for row in range(ROWS)}
    for block in some_blocks:
        for row, target, label in block:
            model[row].append((target, label))
    added = 0
    for coming, (row, target, label) in changes:
        if coming and added == ROOM:
            with pytest.raises(NoRoomError):
                rows.add(row, target, label)
        elif coming:
            assert rows.add(row, target, label) == rows.base + added
            model[row].append((target, label))
            added += 1
        elif (target, label) in model[row]:
            rows.remove(row, target, label)
            model[row].remove((target, label))
        else:
            with pytest.raises(KeyError):
                rows.remove(row, target, label)
    chosen = data.draw(st.sets(st.integers(1, LABELS), min_size=1))
    bits = sum(1 << label for label in chosen)
    expected = [sorted(target for target, label in model[row] if label in chosen) for row in asked]
    assert [sorted(found) for found in gathered(rows, asked, bits)] == expected


def test_the_room_of_an_entry_that_went_is_not_used_again() -> None:
    """Room is for entries that come; one that comes and goes has taken its place."""
    rows = filled([[(0, 1, 1)]], room=1)
    rows.add(0, 2, 1)
    rows.remove(0, 2, 1)
    with pytest.raises(NoRoomError):
        rows.add(0, 2, 1)
    assert rows.row(0, ALL).tolist() == [1]


def test_gathering_more_than_was_guessed() -> None:
    """A row far longer than the first guess, in place and chained, comes back whole."""
    many = 5000
    in_place = np.arange(many)
    rows = fill_rows(2, [(np.zeros(many, dtype=np.int64), in_place, 3)], room_rows=0, room=many)
    for target in range(many, 2 * many):
        rows.add(0, target, 3)
    assert sorted(rows.row(0, 1 << 3).tolist()) == list(range(2 * many))
    assert gathered(rows, [1, 0, 1], 1 << 3)[0] == []
    assert len(gathered(rows, [1, 0, 1], 1 << 3)[1]) == 2 * many


def test_rows_may_come_into_their_room() -> None:
    """A row beyond those that were filled is empty, and takes entries."""
    rows = fill_rows(1, [(np.array([0]), np.array([4]), 1)], room_rows=2, room=1)
    assert rows.row(2, ALL).tolist() == []
    rows.add(2, 9, 1)
    assert rows.row(2, ALL).tolist() == [9]
    assert rows.row(0, ALL).tolist() == [4]


def test_no_rows_at_all() -> None:
    """Nothing asked for, nothing found."""
    targets, sizes = fill_rows(0, [], room_rows=0, room=0).gather(np.zeros(0, dtype=np.int64), ALL)
    assert (len(targets), len(sizes)) == (0, 0)
