"""The adaptive limit: where it goes, what holds whatever happens, and what it is worth against endpoints of many kinds."""

from __future__ import annotations

import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.models.pacing.limit import AdaptiveLimit, Outcome, Try

from .conftest import Endpoint, World, ask_all


def full(limit: AdaptiveLimit) -> list[Try]:
    """As many tries as are allowed."""
    return [limit.begin() for _ in range(limit.limit - limit.under_way)]


def rounds(limit: AdaptiveLimit, count: int, outcome: Outcome = "answered") -> list[int]:
    """The limit after each of so many full rounds that all end so."""
    seen = []
    for _ in range(count):
        for tried in full(limit):
            limit.end(tried, outcome)
        seen.append(limit.limit)
    return seen


def test_slow_start_doubles_to_the_ceiling() -> None:
    """1, 2, 4, … and never above."""
    assert rounds(AdaptiveLimit(50), 8) == [2, 4, 8, 16, 32, 50, 50, 50]


def test_a_refusal_halves_once_a_round() -> None:
    """Eight refusals of one round are one cut; then, with nothing proved, full rounds add one."""
    limit = AdaptiveLimit(50)
    rounds(limit, 3)
    assert rounds(limit, 1, "told") == [4]
    assert not limit.slow_start
    limit._recent.extend([(4, "refused")] * 100)
    assert rounds(limit, 3) == [5, 6, 7]


def test_it_does_not_fall_below_what_is_proved() -> None:
    """Ten at once were answered three times: a refusal at 20 leaves 10, and one at 10 changes nothing."""
    limit = AdaptiveLimit(50)
    limit._limit = 14.0
    for _ in range(3):
        for tried in [limit.begin() for _ in range(10)]:
            limit.end(tried, "answered")
    limit._limit = 14.0
    tries = full(limit)
    limit.end(tries[-1], "refused")
    assert limit.limit == 10
    for tried in tries[:-1]:
        limit.end(tried, "cancelled")
    tries = full(limit)
    limit.end(tries[-1], "refused")
    assert limit.limit == 10


def test_one_failure_is_not_a_refusal_but_a_round_of_them_is() -> None:
    """A lost connection among answers changes nothing; when most fail the limit is halved, once a round."""
    limit = AdaptiveLimit(50)
    rounds(limit, 4)
    tries = full(limit)
    limit.end(tries[0], "failed")
    assert limit.limit == 16
    for tried in tries[1:]:
        limit.end(tried, "failed")
    assert limit.limit == 8


def test_an_idle_limit_does_not_grow() -> None:
    """One call at a time says nothing about twenty."""
    limit = AdaptiveLimit(50)
    for _ in range(100):
        limit.end(limit.begin(), "answered")
    assert limit.limit <= 3


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 29), st.sampled_from(get_args(Outcome)), st.booleans()), max_size=200),
)
def test_whatever_happens_it_stays_between_one_and_the_ceiling(
    ceiling: int, events: list[tuple[int, Outcome, bool]]
) -> None:
    """Tries begin and end in any order, in any way."""
    limit = AdaptiveLimit(ceiling)
    tries: list[Try] = []
    for which, outcome, begin in events:
        if begin and limit.under_way < limit.limit:
            tries.append(limit.begin())
        elif tries:
            limit.end(tries.pop(which % len(tries)), outcome)
        assert 1 <= limit.limit <= ceiling
        assert limit.under_way == len(tries) <= ceiling
        assert limit.proved() <= ceiling


@pytest.mark.parametrize("concurrency", [50, 200])
def test_it_finds_what_an_endpoint_takes(world: World, concurrency: int) -> None:
    """1,890 calls of 300 ms at 50 at once, whatever was asked for: within 1.5 times the ideal, a twentieth refused."""
    endpoint = Endpoint(50)
    assert len(world.run(ask_all(world.pace(concurrency=concurrency), endpoint, 1890))) == 1890
    assert world.loop.time() < 1.5 * 1890 * 0.3 / 50
    assert endpoint.refused < 1890 / 20
    assert endpoint.most == 50


@pytest.mark.parametrize("seed", range(3))
def test_faults_at_random_do_not_bring_it_down(world: World, seed: int) -> None:
    """A fifth of the calls is refused, fails or is cut off: the limit ends above half, and no call is lost.

    Of 50 slots a fifth of the tries is wasted and waits hold some: between the ends of the run six tenths of the ideal.
    """
    endpoint = Endpoint(50, faults=0.2, seed=seed)
    ends: list[float] = []

    async def ask() -> Any:
        answer = await endpoint()
        ends.append(world.loop.time())
        return answer

    pace = world.pace(jitter=random.Random(seed).random)
    answers = world.run(ask_all(pace, ask, 3000))
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    assert pace.state.limit > 25
    assert 1000 / (ends[2800] - ends[1800]) > 0.5 * 50 / 0.3
