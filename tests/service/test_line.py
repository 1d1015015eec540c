"""A fair lock: in the order of arrival, one at a time, and whoever is inside may enter again."""

from __future__ import annotations

import threading
import time

import pytest

from hippomem.service.line import Line


def waiting(line: Line, count: int) -> None:
    """Wait until so many threads wait. Raises AssertionError after five seconds."""
    deadline = time.monotonic() + 5
    while len(line._waiting) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_first_come_first_served_also_against_who_was_inside() -> None:
    """Twenty threads wait; the one inside leaves and comes back at once: it is behind all of them."""
    line, order = Line(), list[int]()

    def enter(number: int) -> None:
        with line:
            order.append(number)

    threads = []
    with line:
        for number in range(20):
            threads.append(threading.Thread(target=enter, args=(number,)))
            threads[-1].start()
            waiting(line, number + 1)
    enter(20)
    for thread in threads:
        thread.join(5)
    assert order == list(range(21))


def test_one_at_a_time() -> None:
    """However many come, nobody meets another inside."""
    line, inside, met = Line(), [0], list[int]()

    def enter() -> None:
        for _ in range(200):
            with line:
                inside[0] += 1
                met.append(inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert met == [1] * 1600


def test_who_is_inside_may_enter_again() -> None:
    """And is outside only when it has left as often; an error leaves too."""
    line, entered = Line(), threading.Event()

    def enter() -> None:
        with line:
            entered.set()

    thread = threading.Thread(target=enter)
    with line:
        with pytest.raises(ValueError, match="inner"), line:
            raise ValueError("inner")
        thread.start()
        waiting(line, 1)
        assert not entered.wait(0.05)
    thread.join(5)
    assert entered.is_set()
