"""The token bucket, by a clock that is set by hand."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.errors import ConfigError, RateLimitError
from hippomem.server.access import Caller, RateLimit


class Clock:
    """Seconds, set by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def caller(key_id: str | None = "k") -> Caller:
    return Caller(key_id, "k", "read", None)


def let_in(limit: RateLimit, who: Caller, times: int) -> int:
    """How many of so many requests at once get through."""
    done = 0
    for _ in range(times):
        try:
            limit.check(who)
        except RateLimitError:
            continue
        done += 1
    return done


def test_a_burst_at_once_and_then_one_at_a_time() -> None:
    """120 a minute is one each half second; a refused request takes nothing."""
    clock = Clock()
    limit = RateLimit(120, 5, clock=clock)
    assert let_in(limit, caller(), 50) == 5
    clock.at += 0.49
    assert let_in(limit, caller(), 50) == 0
    clock.at += 0.01
    assert let_in(limit, caller(), 50) == 1
    clock.at += 1.0
    assert let_in(limit, caller(), 50) == 2
    clock.at += 3600
    assert let_in(limit, caller(), 50) == 5


def test_the_refusal_says_how_long_and_that_is_true() -> None:
    """After `retry_after` seconds, and not before, there is a token."""
    clock = Clock()
    limit = RateLimit(60, 2, clock=clock)
    let_in(limit, caller(), 2)
    clock.at += 0.25
    with pytest.raises(RateLimitError, match="60 times a minute") as caught:
        limit.check(caller())
    assert caught.value.retry_after == pytest.approx(0.75)
    clock.at += 0.75
    limit.check(caller())


def test_each_key_has_its_own_bucket() -> None:
    """One that asks too often takes nothing from another; those without a key share one."""
    limit = RateLimit(60, 3, clock=Clock())
    assert let_in(limit, caller("a"), 9) == let_in(limit, caller("b"), 9) == let_in(limit, caller(None), 9) == 3
    assert let_in(limit, caller(None), 9) == 0


def test_the_default_is_600_a_minute_and_ten_seconds_of_it_at_once() -> None:
    """As documented."""
    assert let_in(RateLimit(clock=Clock()), caller(), 1000) == 100


def test_zero_is_no_limit() -> None:
    """Nothing is counted and nothing kept."""
    limit = RateLimit(0)
    assert let_in(limit, caller(), 5000) == 5000
    assert limit.buckets == 0


@pytest.mark.parametrize(("per_minute", "burst"), [(-1, None), (60, 0), (60, -5)])
def test_limits_that_mean_nothing_are_refused(per_minute: int, burst: int | None) -> None:
    """A limit that lets nobody in is a mistake."""
    with pytest.raises(ConfigError):
        RateLimit(per_minute, burst)


def test_memory_is_bounded_and_full_buckets_cost_nothing() -> None:
    """Buckets that are full again are dropped; of more active ones than are kept, those nearest to full."""
    clock = Clock()
    limit = RateLimit(60, 10, clock=clock, most_buckets=100)
    assert let_in(limit, caller("busy"), 99) == 10
    for number in range(1000):
        limit.check(caller(f"k{number}"))
        assert limit.buckets <= 100
    assert let_in(limit, caller("busy"), 99) == 0, "whoever has asked most is not forgotten"
    clock.at += 60
    for number in range(100):
        limit.check(caller(f"late{number}"))
    assert limit.buckets <= 100
    clock.at += 60
    for number in range(101 - limit.buckets):
        limit.check(caller(f"new{number}"))
    assert limit.buckets == number + 1, "only those that are not full again"


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.integers(1, 200), st.integers(1, 20))
def test_no_stretch_of_time_lets_more_in_than_burst_and_rate(pauses: list[float], rate: int, burst: int) -> None:
    """Over any requests: let in ≤ burst + seconds · rate / 60, and a request that comes late enough is let in."""
    clock = Clock()
    limit = RateLimit(rate, burst, clock=clock)
    times: list[float] = []
    for pause in pauses:
        clock.at += pause
        if let_in(limit, caller(), 1):
            times.append(clock.at)
        else:
            assert len(times) >= burst
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + (times[last] - start) * rate / 60 + 1e-6


def test_threads_share_a_bucket_exactly() -> None:
    """No token is taken twice."""
    limit = RateLimit(60, 200, clock=Clock())
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(let_in(limit, caller(), 100))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 200
