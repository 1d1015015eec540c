"""Signs of names: no pair at or above the threshold is lost, whatever the vectors are like, and few others are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.graph.signs import BITS, CUT, SignTable, project
from hippomem.graph.synonymy import THRESHOLD

Vectors = NDArray[np.float32]
SIZE = 3000


def stored(rows: NDArray[np.float64]) -> Vectors:
    """Unit rows as the store gives them back: rounded to half precision."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit.astype(np.float16).astype(np.float32)


def spread(dimension: int) -> Vectors:
    """Independent vectors, and beside each one at a cosine from 0.75 to 0.85, where it is decided."""
    rng = np.random.default_rng(dimension)
    a = rng.normal(size=(SIZE // 2, dimension))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b = rng.normal(size=a.shape)
    b -= (a * b).sum(axis=1, keepdims=True) * a
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    cosine = rng.uniform(0.75, 0.85, size=(len(a), 1))
    return stored(np.concatenate([a, cosine * a + np.sqrt(1 - cosine**2) * b]))


def clustered() -> Vectors:
    """Thirty crowds: many pairs on both sides of the threshold."""
    rng = np.random.default_rng(1)
    return stored(rng.normal(size=(30, 384))[rng.integers(0, 30, SIZE)] + 0.5 * rng.normal(size=(SIZE, 384)))


def loud() -> Vectors:
    """A model with a few dimensions that are larger than all others together: plain signs of values would lose pairs."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(SIZE, 384))
    rows[:, :3] *= 30
    return stored(rows)


def sparse() -> Vectors:
    """Two of 384 values a vector, and a little noise."""
    rng = np.random.default_rng(3)
    rows = 0.01 * rng.normal(size=(SIZE, 384))
    for row in rows:
        row[rng.integers(0, 12, 2)] += rng.normal(size=2)
    return stored(rows)


MAKERS: dict[str, Callable[[], Vectors]] = {
    "16": lambda: spread(16),
    "64": lambda: spread(64),
    "384": lambda: spread(384),
    "1536": lambda: spread(1536),
    "clustered": clustered,
    "loud": loud,
    "sparse": sparse,
}


def table_of(vectors: Vectors) -> SignTable:
    """Their signs, under the numbers 10, 11, …, added in two parts."""
    table, packed = SignTable(), project(vectors)
    numbers = np.arange(10, 10 + len(vectors))
    table.append(numbers[:7], packed[:7].tobytes())
    table.append(numbers[7:], packed[7:].tobytes())
    return table


@pytest.mark.parametrize("kind", MAKERS)
def test_no_near_pair_is_lost(kind: str) -> None:
    """All pairs at cosine >= 0.8 are among those found; each row finds itself."""
    vectors = MAKERS[kind]()
    exact = (vectors.astype(np.float64) @ vectors.T.astype(np.float64)) >= THRESHOLD
    assert exact.sum() > 1.2 * len(vectors)
    found = np.zeros_like(exact)
    for row, number in table_of(vectors).near(project(vectors)):
        found[row, number - 10] = True
    assert not (exact & ~found).any()


def test_few_others_are_found() -> None:
    """Of pairs that are not near, hardly any has to be compared."""
    vectors = spread(384)
    found = sum(len(row) for row, _ in table_of(vectors).near(project(vectors)))
    assert found < 2.1 * len(vectors)


def test_what_differs_in_few_bits() -> None:
    """The pairs found are those that differ in at most CUT bits, counted one by one; threads and blocks do not show."""
    rng = np.random.default_rng(4)
    one = rng.integers(0, 2, size=BITS, dtype=np.uint8)
    flips = rng.permuted(np.arange(BITS)[None, :] < rng.integers(100, 250, size=(5000, 1)), axis=1)
    packed = np.packbits(one ^ flips, axis=1)
    table = SignTable()
    table.append(np.arange(5000), packed.tobytes())
    ((row, number),) = table.near(np.packbits(one)[None])
    first_half = flips[:, : BITS // 2].sum(axis=1)
    assert first_half.max() > 126
    expected = np.flatnonzero((flips.sum(axis=1) <= CUT) & (first_half <= 126))
    assert (row == 0).all()
    assert sorted(number.tolist()) == expected.tolist()
    alone, together = (list(table.near(packed[:600], threads=threads)) for threads in (1, 2))
    assert [part.tolist() for block in alone for part in block] == [
        part.tolist() for block in together for part in block
    ]


def test_the_bits_do_not_depend_on_the_shape() -> None:
    """Alone and in any block a vector has the same signs, to the last bit."""
    vectors = spread(384)[:500]
    assert np.concatenate([project(vectors[i : i + 1]) for i in range(500)]).tobytes() == project(vectors).tobytes()
    assert project(vectors[:0]).shape == (0, BITS // 8)


def test_the_bits_are_what_is_stored() -> None:
    """Signs are kept in files: they may never change."""
    vectors = stored(np.arange(1, 33, dtype=np.float64).reshape(2, 16) * [[1], [-1]])
    assert [row[:6].tobytes().hex() for row in project(vectors)] == ["36362378b8c8", "c94174070317"]
