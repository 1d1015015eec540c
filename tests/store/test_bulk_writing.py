"""What a bulk writes in which order, and the memory that it asks SQLite for."""

from __future__ import annotations

import random

import pytest

from hippomem.store import IN_MEMORY, Store
from hippomem.store import bulk as bulk_module
from hippomem.store import writer as module
from hippomem.store.bulk import large_cache


@pytest.mark.parametrize("count", [0, 1, 7, 20, 21])
def test_rows_come_in_order_block_by_block(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As sorting a list of all of them would give them; numbers are Python's own, which SQLite stores as such."""
    monkeypatch.setattr(module, "_BLOCK", 7)
    rng = random.Random(count)
    pairs = rng.sample([(a, b) for a in (3, 2**40, 5) for b in range(9)], count)
    triples = [(a, b, rng.randrange(1, 9)) for a, b in pairs]
    blocks = [list(block) for block in module._sorted(iter(triples))]
    assert [row for block in blocks for row in block] == sorted(triples)
    assert all(len(block) == 7 for block in blocks[:-1])
    assert all(type(value) is int for block in blocks for row in block for value in row)


def test_the_cache_is_large_inside_and_as_before_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """One inside another keeps it large until the outer one ends, which alone gives memory back."""
    given: list[int] = []
    with Store.open(IN_MEMORY) as store:
        monkeypatch.setattr(bulk_module, "give_back", lambda: given.append(1))

        def size() -> int:
            return int(store.db.execute("PRAGMA cache_size").fetchone()[0])

        before = size()
        with large_cache(store.db):
            with large_cache(store.db):
                assert size() == -bulk_module.CACHE_KIB
            assert size() == -bulk_module.CACHE_KIB
            assert given == []
        assert size() == before
        assert given == [1]
