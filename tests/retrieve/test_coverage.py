"""The order of the best passages: what they say together, worked out by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.retrieve.coverage import covering_order

NO_LINK = np.zeros((3, 3))
HALF = np.array([0.5, 0.5])


def test_the_second_covers_what_the_first_leaves_open() -> None:
    """b repeats a, c has the other half of the question: 1.0 + 0.5 + 1.0 beats 1.0 + 0.9 + 0.5."""
    scores = np.array([1.0, 0.9, 0.5])
    covered = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert covering_order(scores, covered, HALF, NO_LINK, worth=1.0) == [0, 2, 1]
    # Where covering is worth less than the difference in score, the scores decide.
    assert covering_order(scores, covered, HALF, NO_LINK, worth=0.5) == [0, 1, 2]


def test_an_important_token_counts_for_more() -> None:
    """The same, with nearly all importance on what both cover: nothing is left to cover."""
    covered = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert covering_order(np.array([1.0, 0.9, 0.5]), covered, np.array([0.9, 0.1]), NO_LINK, worth=1.0) == [0, 1, 2]


def test_the_better_of_the_pair_comes_first() -> None:
    """The pair is chosen together and then ordered by score."""
    covered = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert covering_order(np.array([0.6, 0.4, 0.5]), covered, HALF, NO_LINK, worth=2.0) == [2, 1, 0]


def test_a_link_joins_the_pair_and_draws_what_follows() -> None:
    """Nothing is covered: 0 and 2 are linked, so they are the pair; of the others, 3 is linked to one of them."""
    linked = np.zeros((4, 4))
    linked[0, 2] = linked[2, 0] = linked[2, 3] = linked[3, 2] = 0.3
    scores = np.array([1.0, 0.5, 0.4, 0.3])
    assert covering_order(scores, np.zeros((1, 4)), np.array([1.0]), linked, worth=1.0) == [0, 2, 3, 1]


def test_fewer_than_three_keep_their_order() -> None:
    """There is nothing to choose."""
    for n in (0, 1, 2):
        scores = np.arange(n, dtype=np.float64)
        covered = np.ones((1, n))
        expected = list(range(n))[::-1]
        assert covering_order(scores, covered, np.array([1.0]), np.zeros((n, n)), worth=4.0) == expected


@settings(max_examples=40, deadline=None)
@given(n=st.integers(3, 9), seed=st.integers(0, 999))
def test_every_passage_has_one_place(n: int, seed: int) -> None:
    """The order is a permutation, and the same each time."""
    rng = np.random.default_rng([n, seed])
    importance = rng.random(4)
    link = rng.random((n, n))
    arguments = rng.random(n).round(1), rng.random((4, n)).round(1), importance / importance.sum(), link + link.T
    order = covering_order(*arguments, worth=4.0)
    assert sorted(order) == list(range(n))
    assert covering_order(*arguments, worth=4.0) == order
