"""Rates: how much passes in a minute, and that guesses are set right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.models.pacing.rates import BURST, Rate

from .conftest import Endpoint, World, ask_all


@given(st.floats(1, 1e6), st.lists(st.floats(0.1, 500), min_size=1, max_size=60))
def test_no_more_passes_than_the_rate_allows(per_minute: float, amounts: list[float]) -> None:
    """In the time until the last may pass, at most rate · (time + burst) has passed, the last amounts aside."""
    rate = Rate(per_minute)
    now = passed = 0.0
    for amount in amounts:
        now += rate.delay(now)
        assert passed <= per_minute / 60 * (now + BURST) * (1 + 1e-9) + max(amounts)
        rate.take(amount, now)
        passed += amount


def test_no_limit_is_no_wait() -> None:
    """None lets everything through."""
    rate = Rate(None)
    for _ in range(1000):
        rate.take(1e9, 0.0)
    assert rate.delay(0.0) == 0


def test_sixty_a_minute_is_one_a_second(world: World) -> None:
    """Calls begin a second apart."""
    endpoint = Endpoint()
    world.run(ask_all(world.pace(requests_per_minute=60), endpoint, 10))
    assert endpoint.began == pytest.approx(list(range(10)), abs=0.01)


@pytest.mark.parametrize("guess", [60, 600, 1800])
def test_the_token_rate_counts_what_calls_did_cost(world: World, guess: int) -> None:
    """Calls of 600 tokens at 36,000 a minute are one a second, whatever was guessed."""
    endpoint = Endpoint(latency=0.1)
    world.run(ask_all(world.pace(tokens_per_minute=36_000), endpoint, 60, tokens=guess))
    assert endpoint.began[-1] == pytest.approx(59, abs=4)
