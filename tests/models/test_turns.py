"""Calls that come together share the cores."""

from __future__ import annotations

import threading
import time

import pytest

from hippomem.models.minilm import MiniLM
from hippomem.models.turns import Turns


def test_who_comes_alone_gets_all_cores() -> None:
    """One after the other, each call has all of them."""
    turns = Turns(4)
    for _ in range(3):
        with turns.take() as threads:
            assert threads == 4


def test_who_comes_beside_a_long_call_gets_one() -> None:
    """While batches run on threads of their own, nobody is alone, and nobody waits."""
    turns = Turns(2)
    with turns.beside(), turns.take() as threads:
        assert threads == 1
    with turns.take() as threads:
        assert threads == 2


def until(condition: object) -> None:
    """Wait for what another thread is about to do. Raises AssertionError after five seconds."""
    deadline = time.monotonic() + 5
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_no_more_at_once_than_there_are_cores_and_in_order() -> None:
    """Ten calls wait for the first; then they run two by two, one thread each, in the order that they came."""
    turns, order, now, most = Turns(2), [], [0], [0]
    guard = threading.Lock()

    def call(number: int) -> None:
        with turns.take() as threads:
            with guard:
                order.append((number, threads))
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.005)
            with guard:
                now[0] -= 1

    calls = [threading.Thread(target=call, args=(number,)) for number in range(10)]
    with turns.take():
        for number, thread in enumerate(calls):
            thread.start()
            until(lambda expected=number + 1: len(turns._line) == expected)
    for thread in calls:
        thread.join()
    assert most[0] == 2
    assert {threads for _, threads in order} == {1}
    places = {number: place for place, (number, _) in enumerate(order)}
    # Two that are let in together may note their names in either order.
    assert all(abs(places[number] - number) <= 1 for number in range(10))
    with turns.take() as threads:
        assert threads == 2


def test_a_failed_call_gives_its_cores_back() -> None:
    """An error inside is not a core lost."""
    turns = Turns(2)
    for _ in range(3):
        with pytest.raises(RuntimeError), turns.take():
            raise RuntimeError
    with turns.take() as threads:
        assert threads == 2


def test_concurrent_queries_have_the_bytes_of_single_ones() -> None:
    """From eight threads, beside a bulk call: each query is what it is alone."""
    model = MiniLM(threads=2)
    queries = [f"Who was number {n} of {'the ' * (n % 5)}kings?" for n in range(48)]
    alone = [model.embed_query(query) for query in queries]
    found: dict[int, tuple[bytes, bytes]] = {}

    def ask(first: int) -> None:
        for index in range(first, len(queries), 8):
            shown = model.embed_query(queries[index])
            found[index] = shown.vector.tobytes(), shown.tokens.tobytes()

    bulk = threading.Thread(target=lambda: model.embed([f"passage {n} " + "word " * 60 for n in range(80)]))
    threads = [bulk, *(threading.Thread(target=ask, args=(first,)) for first in range(8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(48)] == [(shown.vector.tobytes(), shown.tokens.tobytes()) for shown in alone]


def test_a_model_beside_others_spreads_no_call() -> None:
    """What a server says when several requests are under way; afterwards a call gets all cores again."""
    model = MiniLM(threads=2)
    with model.beside(), model._turns.take() as threads:
        assert threads == 1
    with model._turns.take() as threads:
        assert threads == 2
