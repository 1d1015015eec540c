"""The turnstile: in order, never too many, and no place lost to those who turn away."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.models.pacing.turnstile import Turnstile

from .conftest import World


def test_who_comes_first_is_first(world: World) -> None:
    """Twenty wait at a door for one."""
    door = Turnstile(lambda: 1)
    order: list[int] = []

    async def enter(number: int) -> None:
        async with door:
            await asyncio.sleep(1)
            order.append(number)

    async def main() -> None:
        await asyncio.gather(*(enter(number) for number in range(20)))

    world.run(main())
    assert order == list(range(20))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), st.integers(0, 40)), min_size=1, max_size=40),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
)
def test_cancelled_waiters_lose_no_place(visits: list[tuple[int, int, int]], capacities: list[int]) -> None:
    """Visitors come, stay and are cancelled at any moment, while the capacity changes: never too many, none left over."""
    world = World()
    capacity = capacities[0]
    door = Turnstile(lambda: capacity)
    finished = 0

    async def visit(comes: int, stays: int) -> None:
        nonlocal finished
        await asyncio.sleep(comes)
        async with door:
            assert 1 <= door.inside <= max(capacities)
            await asyncio.sleep(stays)
        finished += 1

    async def main() -> None:
        nonlocal capacity
        tasks = [asyncio.ensure_future(visit(comes, stays)) for comes, stays, _ in visits]
        for task, (_, _, cancelled) in zip(tasks, visits, strict=True):
            if cancelled:
                asyncio.get_running_loop().call_at(cancelled, task.cancel)
        for at, new in enumerate(capacities):
            await asyncio.sleep(at)
            capacity = new
            door.admit()
        await asyncio.gather(*tasks, return_exceptions=True)

    world.run(main())
    world.loop.close()
    assert door.inside == 0
    assert finished >= sum(not cancelled for _, _, cancelled in visits)


def test_it_serves_one_event_loop_after_another() -> None:
    """Contended on a first loop and then on a second."""
    door = Turnstile(lambda: 1)

    async def enter() -> None:
        async with door:
            await asyncio.sleep(0.001)

    async def main() -> None:
        await asyncio.gather(*(enter() for _ in range(3)))

    asyncio.run(main())
    asyncio.run(main())
    assert door.inside == 0
