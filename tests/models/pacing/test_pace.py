"""Retries, pauses and giving up, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from hippomem.errors import ConfigError, ContextOverflowError, ModelAuthError, ModelError, ModelOutputError
from hippomem.models.completion import Completion

from .conftest import Endpoint, World, ask_all, failed, rate_limited


def until(world: World, seconds: float, error: Callable[[], ModelError]) -> Callable[[], ModelError | None]:
    """Fails so until then."""
    return lambda: error() if world.loop.time() < seconds else None


def test_retry_after_stops_all_calls(world: World) -> None:
    """One call is told to wait 30 seconds: none of the hundred begins before, and the limit is halved."""
    pace, endpoint = world.pace(), Endpoint()
    told = [rate_limited(30.0)]
    endpoint.fails = lambda: told.pop() if endpoint.calls == 20 else None
    assert all(isinstance(answer, Completion) for answer in world.run(ask_all(pace, endpoint, 100)))
    began = endpoint.began[19]
    assert not [at for at in endpoint.began if began < at < began + 30]
    assert pace.state.rate_limited == pace.state.retries == 1


def test_while_it_waits_it_says_why_and_until_when(world: World) -> None:
    """The state of a pause has the endpoint, the error and the time; afterwards it has none."""
    pace, endpoint = world.pace(), Endpoint()
    endpoint.fails = until(world, 10, lambda: rate_limited(10.0 - world.loop.time()))

    async def main() -> None:
        calls = asyncio.ensure_future(ask_all(pace, endpoint, 3))
        await asyncio.sleep(1)
        assert pace.state.paused_until == 10
        assert "http://e is rate limited" in pace.state.paused_because
        assert "next try at" in pace.state.paused_because
        await calls
        assert (pace.state.paused_until, pace.state.paused_because) == (None, "")

    world.run(main())


def test_the_breaker_lets_one_probe_through_at_a_time(world: World) -> None:
    """An endpoint that is away for ten minutes is asked rarely; no call fails for it, though each has few retries."""
    pace, endpoint = world.pace(max_retries=3), Endpoint()
    world.run(ask_all(pace, endpoint, 200))
    away = world.loop.time() + 600
    endpoint.fails = until(world, away, lambda: failed(None))
    before = endpoint.calls
    answers = world.run(ask_all(pace, endpoint, 100))
    assert all(isinstance(answer, Completion) for answer in answers)
    probes = [at for at in endpoint.began[before:] if away - 590 < at < away]
    assert 9 <= len(probes) <= 20
    assert max(later - earlier for earlier, later in pairwise(probes)) <= 61
    assert world.loop.time() < away + 120


def test_patience_has_an_end(world: World) -> None:
    """When nothing succeeds for a minute all calls fail with the last error, which is said to be the endpoint's."""
    pace, endpoint = world.pace(patience=60), Endpoint()
    endpoint.fails = lambda: failed(503)
    answers = world.run(ask_all(pace, endpoint, 40))
    assert 60 <= world.loop.time() < 130
    assert all(isinstance(answer, ModelError) and answer.endpoint_wide for answer in answers)
    assert pace.state.failures == 40


def test_after_giving_up_a_later_call_may_find_it_well(world: World) -> None:
    """The pause over, one try is made again."""
    pace, endpoint = world.pace(patience=5), Endpoint()
    endpoint.fails = until(world, 60, lambda: failed(None))
    world.run(ask_all(pace, endpoint, 3))
    world.run(asyncio.sleep(120))
    assert all(isinstance(answer, Completion) for answer in world.run(ask_all(pace, endpoint, 3)))


def test_a_wait_longer_than_patience_is_not_waited(world: World) -> None:
    """A server that asks for a day fails the call at once."""
    pace, endpoint = world.pace(), Endpoint()
    endpoint.fails = lambda: rate_limited(86_400.0)
    (answer,) = world.run(ask_all(pace, endpoint, 1))
    assert isinstance(answer, ModelError)
    assert answer.endpoint_wide
    assert world.loop.time() == 0


@pytest.mark.parametrize(
    "error", [ModelAuthError("no"), ContextOverflowError("no"), ModelError("no"), ModelOutputError("no")]
)
def test_what_will_not_pass_is_raised_at_once(world: World, error: ModelError) -> None:
    """One try, no wait."""
    pace, endpoint = world.pace(), Endpoint()
    endpoint.fails = lambda: error
    (answer,) = world.run(ask_all(pace, endpoint, 1))
    assert answer is error
    assert (endpoint.calls, world.loop.time()) == (1, 0)


@pytest.mark.parametrize("others", [True, False])
def test_a_request_that_is_never_answered_fails_alone(world: World, others: bool) -> None:
    """A 500 for one request after all its retries, whether or not others are answered meanwhile."""
    pace, endpoint = world.pace(max_retries=8), Endpoint()

    async def poison() -> Completion:
        await asyncio.sleep(0.3)
        raise failed(500)

    async def main() -> None:
        other = asyncio.ensure_future(ask_all(pace, endpoint, 2000 if others else 0))
        (answer,) = await ask_all(pace, poison, 1)
        assert isinstance(answer, ModelError)
        assert not answer.endpoint_wide
        await other

    world.run(main())
    assert pace.state.failures == 1
    assert world.loop.time() < 300


def test_cancelled_calls_leave_nothing_behind(world: World) -> None:
    """Half of the calls are cancelled, some while probing; the rest are answered and no slot is taken in the end."""
    pace, endpoint = world.pace(), Endpoint()
    endpoint.fails = until(world, 20, lambda: failed(None))

    async def main() -> None:
        tasks = [asyncio.ensure_future(ask_all(pace, endpoint, 1)) for _ in range(60)]
        for number, task in enumerate(tasks[::2]):
            asyncio.get_running_loop().call_at(number * 1.3, task.cancel)
        kept = await asyncio.gather(*tasks[1::2])
        assert all(isinstance(answer, Completion) for (answer,) in kept)

    world.run(main())
    assert pace.state.in_flight == pace._tries.inside == pace._front.inside == pace._limit.under_way == 0


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"max_retries": -1}, {"requests_per_minute": 0}, {"tokens_per_minute": -5}]
)
def test_a_pace_that_lets_nothing_through_is_refused(world: World, options: dict[str, int]) -> None:
    """The message names the number."""
    with pytest.raises(ConfigError, match=next(iter(options))):
        world.pace(**options)
