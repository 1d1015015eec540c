"""The beam over sentences, on candidates made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hippomem.answer.beam import COVERAGE, RELEVANCE, TITLED, Candidates, best_chain


def made(
    cosine: Sequence[float],
    *,
    joints: Sequence[tuple[int, int]] = (),
    titles: Sequence[tuple[int, int]] = (),
    passages: Sequence[int] | None = None,
    relevance: Sequence[float] | None = None,
    holds: Sequence[Sequence[float]] | None = None,
    start: Sequence[int] = (),
    title: Sequence[int] | None = None,
) -> Candidates:
    """Sentences of different passages whose vectors are at right angles, joined as told."""
    n = len(cosine)
    joined, titled = np.zeros((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    for pairs, matrix in ((joints, joined), (titles, titled)):
        for a, b in pairs:
            matrix[a, b] = matrix[b, a] = True
    return Candidates(
        fact=np.arange(n),
        passage=np.arange(n) if passages is None else np.array(passages),
        cosine=np.array(cosine),
        names=(frozenset(),) * n,
        vectors=np.eye(n, dtype=np.float32),
        relevance=np.zeros(n) if relevance is None else np.array(relevance),
        holds=np.zeros((n, 0)) if holds is None else np.array(holds),
        joined=joined,
        titled=titled,
        start=np.isin(np.arange(n), start),
        title=np.arange(n) if title is None else np.array(title),
    )


def test_the_score_is_the_sum_of_its_parts() -> None:
    """At right angles: (0.6 + 0.2) / √2; mean relevance (1 + 0.5) / 2; held 0.4 + 0.3 + 0.2; the one joint is a title."""
    two = made(
        [0.6, 0.2], joints=[(0, 1)], titles=[(0, 1)], relevance=[1.0, 0.5], holds=[[0.4, 0.0, 0.2], [0.0, 0.3, 0.2]]
    )
    score, chain = best_chain(two)
    assert chain == (0, 1)
    assert score == pytest.approx(0.8 / np.sqrt(2) + RELEVANCE * 0.75 + COVERAGE * (0.4 + 0.3 + 0.2) + TITLED)


def test_one_sentence_where_nothing_joins() -> None:
    """Without a joint the best single sentence is the chain, and its score has no part for joints."""
    assert best_chain(made([0.3, 0.9])) == (pytest.approx(0.9), (1,))


def test_a_joint_beats_a_better_stranger() -> None:
    """The second sentence is one that the first leads to, not the one nearest to the question."""
    _, chain = best_chain(made([0.8, 0.7, 0.3], joints=[(0, 2)]))
    assert sorted(chain) == [0, 2]


def test_never_two_sentences_of_one_passage() -> None:
    """A third sentence of a passage that is in the chain adds nothing to it."""
    _, chain = best_chain(made([0.8, 0.7, 0.6], joints=[(0, 2), (1, 2)], passages=[0, 0, 1]))
    assert sorted(chain) == [0, 2]


def test_a_comparison_starts_at_both() -> None:
    """Two passages that the question names need no joint; one of them and a stranger do."""
    apart = made([0.8, 0.7, 0.6], start=[0, 2])
    assert sorted(best_chain(apart)[1]) == [0, 2]
    assert best_chain(replace(apart, start=np.array([True, False, False])))[1] == (0,)


def test_turns_of_one_speaker_are_one_start() -> None:
    """Two passages of one title that the question names are no comparison: the second needs a joint like any other."""
    assert best_chain(made([0.8, 0.7, 0.6], start=[0, 2], title=[5, 1, 5]))[1] == (0,)


def test_a_title_decides_between_equals() -> None:
    """Of two next sentences alike, the one joined by a title, though it comes later."""
    _, chain = best_chain(made([0.8, 0.5, 0.5], joints=[(0, 1), (0, 2)], titles=[(0, 2)]))
    assert sorted(chain) == [0, 2]


def test_longer_only_where_the_question_has_words_left() -> None:
    """A third hop that accounts for the rest of the question is taken, one that adds no word is not."""
    joints = [(0, 1), (1, 2)]
    left = made([0.6, 0.5, 0.3], joints=joints, holds=[[0.4, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 0.3]])
    said = made([0.6, 0.5, 0.3], joints=joints, holds=[[0.4, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.3, 0.0]])
    assert sorted(best_chain(left)[1]) == [0, 1, 2]
    assert sorted(best_chain(said)[1]) == [0, 1]


def test_ties_go_to_the_first() -> None:
    """Equal chains: the one of the lower positions, in whatever order they were met."""
    _, chain = best_chain(made([0.5] * 4, passages=[0, 1, 0, 1], joints=[(0, 1), (2, 3), (1, 2), (0, 3)]))
    assert sorted(chain) == [0, 1]
