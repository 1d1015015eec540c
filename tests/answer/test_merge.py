"""Merging the rankings of several queries, worked out by hand."""

from __future__ import annotations

import pytest

from hippomem.answer.merge import merge, scaled
from hippomem.types import Hit, SearchResult


def ranking(**scores: float) -> SearchResult:
    """A search that found these passages, in this order."""
    hits = (Hit(name, f"m-{name}", "", "", score, rank) for rank, (name, score) in enumerate(scores.items(), start=1))
    return SearchResult("query", "scripted", tuple(hits))


def order(*results: SearchResult, depth: int = 10) -> list[tuple[str, float, int]]:
    """(passage, score, step) of the merged ranking."""
    return [(found.hit.passage_id, found.score, found.step) for found in merge(results, depth=depth)]


def test_each_search_is_scaled_over_its_own_candidates() -> None:
    """Best 1, last 0, between in proportion: (6 - 2) / (10 - 2) = 0.5; negative scores alike."""
    assert scaled(ranking(a=10.0, b=6.0, c=2.0), 10) == [1.0, 0.5, 0.0]
    assert scaled(ranking(a=-1.0, b=-3.0, c=-5.0), 10) == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("result", [ranking(a=0.2), ranking(a=0.2, b=0.2, c=0.2)])
def test_candidates_that_do_not_differ_all_count_1(result: SearchResult) -> None:
    """A single hit, and equal scores, are as good as the best of another search."""
    assert scaled(result, 10) == [1.0] * len(result)


def test_what_lies_below_the_candidates_counts_0_and_moves_nothing() -> None:
    """Two candidates: the range is theirs, (10, 6); the third hit counts 0, however low it is."""
    assert scaled(ranking(a=10.0, b=6.0, c=2.0), 2) == [1.0, 0.0, 0.0]
    assert scaled(ranking(a=10.0, b=6.0, c=-99.0), 2) == [1.0, 0.0, 0.0]


def test_no_hit_is_no_score() -> None:
    """A search without a match adds nothing to the others."""
    assert scaled(ranking(), 10) == []
    assert order(ranking(), ranking(a=1.0)) == [("a", 1.0, 2)]
    assert order(ranking()) == []


def test_the_maximum_over_searches_wins() -> None:
    """c is last of the first search (0) and best of the second (1); d: (0.8 - 0.5) / (0.9 - 0.5) = 0.75."""
    first, second = ranking(a=10.0, b=6.0, c=2.0), ranking(c=0.9, d=0.8, a=0.5)
    assert [(name, round(score, 9), step) for name, score, step in order(first, second)] == [
        ("a", 1.0, 1),
        ("c", 1.0, 2),
        ("d", 0.75, 2),
        ("b", 0.5, 1),
    ]


def test_the_unit_of_a_search_plays_no_part() -> None:
    """A search whose scores are a thousand times as large is not preferred, as it is by the maximum of plain scores."""
    small, large = ranking(a=0.004, b=0.003, c=0.002), ranking(d=4.0, e=3.0, f=2.0)
    assert [name for name, *_ in order(small, large)] == ["a", "d", "b", "e", "c", "f"]


def test_ties_go_to_the_earlier_step_then_rank_then_id() -> None:
    """Equal best scores: step 1 before step 2; within a step the better rank, whatever the ids."""
    assert [name for name, *_ in order(ranking(z=1.0, y=1.0), ranking(b=1.0, a=1.0))] == ["z", "y", "b", "a"]


def test_a_tie_between_steps_keeps_the_first_finder() -> None:
    """A passage that is best twice stays with the step that found it first."""
    assert order(ranking(a=5.0, b=1.0), ranking(a=0.3, c=0.1))[0] == ("a", 1.0, 1)
