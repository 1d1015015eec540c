"""The walk over typed edges: power iteration on the same matrix, to the tolerance it states, wherever the activation is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippomem.errors import EmptyResetError
from hippomem.graph.pagerank import DAMPING, personalized_pagerank
from hippomem.graph.rows import GrowingRows, fill_rows
from hippomem.graph.walk import THIN, TOLERANCE, Network

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]

#: Weights of the kinds of edges; 3 is weighed by its strength, 5 leads nowhere.
STEPS = {1: 1.0, 2: 8.0, 3: 0.7, 5: 0.0}
#: What one rounded weight is off by, at most.
ROUNDING = 2.0**-20


def network(nodes: int, seed: int, *, degree: float = 4.0, shuffled: int = 0, chained: bool = False) -> Network:
    """A random graph of all kinds, some nodes without an edge; steps into the first half are discounted as those into names.

    shuffled: the same edges in another order of entries.    chained: half of the edges come after the rows were made.
    """
    rng = np.random.default_rng([nodes, seed])
    count = int(degree * nodes / 2)
    a, b = rng.integers(nodes, size=(2, count))
    # Two kinds at most between the same nodes, as between a passage and its title.
    kind = np.where((a + b) % 2, rng.choice([1, 2], size=count), rng.choice([3, 5], size=count)).astype(np.uint8)
    strength = np.where(kind == 3, rng.integers(1, 256, size=count), 255).astype(np.uint8)
    _, first = np.unique(np.stack([np.minimum(a, b), np.maximum(a, b), kind]), axis=1, return_index=True)
    first = first[a[first] != b[first]]
    if shuffled:
        first = np.random.default_rng(shuffled).permutation(first)
    a, b, kind, strength = a[first], b[first], kind[first], strength[first]
    at_once = len(first) // 2 if chained else len(first)
    rows, columns = np.concatenate([a[:at_once], b[:at_once]]), np.concatenate([b[:at_once], a[:at_once]])
    labels, weights = np.tile(kind[:at_once], 2), np.tile(strength[:at_once], 2)
    edges = fill_rows(nodes, [(rows, columns, labels)], room_rows=0, room=2 * len(first))
    kept = np.zeros(len(edges.target), dtype=np.uint8)
    kept[: len(rows)] = weights[np.argsort(rows, kind="stable")]
    for i in range(at_once, len(first)):
        for one, other in ((a[i], b[i]), (b[i], a[i])):
            kept[edges.add(int(one), int(other), int(kind[i]))] = strength[i]
    degree_of = np.bincount(np.concatenate([a, b]), minlength=nodes)
    degree_of[nodes // 2 :] = 0
    return Network(edges, kept, (1.0 / np.sqrt(np.maximum(degree_of // 2, 1))).astype(np.float32))


def plain(edges: GrowingRows) -> Network:
    """Edges of full strength, no names."""
    return Network(edges, np.full(len(edges.target), 255, dtype=np.uint8), np.ones(len(edges.head), dtype=np.float32))


def seeds(nodes: int, seed: int) -> tuple[Ints, Vector]:
    """A few seeds of different weight."""
    rng = np.random.default_rng([nodes, seed])
    return rng.choice(nodes, min(5, nodes), replace=False), rng.random(min(5, nodes)) + 0.1


def walk(
    of: Network, at: Ints, amounts: Vector, *, damping: float = DAMPING, tolerance: float = TOLERANCE
) -> tuple[Ints, Vector]:
    """Nodes reached, ascending, and their share."""
    reached = of.walk(at, amounts, STEPS, damping=damping, tolerance=tolerance).inside(0)
    return reached.places, reached.values


def dense(nodes: int, at: Ints, values: Vector) -> Vector:
    """(n,) with values at these nodes."""
    made = np.zeros(nodes)
    made[at] = values
    return made


def exact(of: Network, at: Ints, amounts: Vector, damping: float = 0.5) -> Vector:
    """(n,) by power iteration."""
    reset = dense(len(of), at, amounts)
    return personalized_pagerank(of.transition(STEPS), reset, damping=damping, tol=1e-14, max_iter=5000)


def rounding(of: Network, damping: float) -> float:
    """L1 bound on what rounding the weights to whole numbers changes."""
    worst = 0.0
    for row in by_hand(of):
        # Two kinds of edges may have been added to one step.
        worst = max(worst, 4 * len(row) * ROUNDING / sum(row.values()) if row else 0.0)
    return worst * damping / (1 - damping)


def edges_by_hand(of: Network) -> Iterator[tuple[int, int, float]]:
    """(node, other end, weight of the step) of every edge that leads somewhere."""
    edges = of.edges
    for node in range(len(of)):
        entries, entry = list(range(int(edges.start[node]), int(edges.start[node + 1]))), int(edges.head[node])
        while entry >= 0:
            entries.append(entry)
            entry = int(edges.following[entry - edges.base])
        for entry in entries:
            kind, other = int(edges.label[entry]), int(edges.target[entry])
            step = STEPS.get(kind, 0.0) * of.strength[entry] / 255 * float(of.hub[other])
            if step > 0:
                yield node, other, step


def by_hand(of: Network) -> list[dict[int, float]]:
    """The weights of the steps from each node, two kinds of edges to the same node added."""
    rows: list[dict[int, float]] = [{} for _ in range(len(of))]
    for node, other, step in edges_by_hand(of):
        rows[node][other] = rows[node].get(other, 0.0) + step
    return rows


@pytest.mark.parametrize("chained", [False, True])
def test_the_matrix_is_that_of_the_edges(chained: bool) -> None:
    """Kind, strength and the discount of the end, two kinds of edges between the same nodes added; removed ones are gone."""
    of = network(60, 1, chained=chained)
    entry = int(np.flatnonzero(of.edges.label[: of.edges.base] == 2)[0])
    row = int(np.searchsorted(of.edges.start, entry, side="right")) - 1
    of.edges.remove(row, int(of.edges.target[entry]), 2)
    expected = np.zeros((60, 60))
    for node, steps in enumerate(by_hand(of)):
        for other, step in steps.items():
            expected[node, other] = step / sum(steps.values())
    assert of.transition(STEPS).toarray() == pytest.approx(expected, abs=1e-14)


@settings(max_examples=40, deadline=None)
@given(
    nodes=st.integers(2, 60),
    seed=st.integers(0, 10_000),
    damping=st.sampled_from([0.1, 0.5, 0.85]),
    tolerance=st.sampled_from([1e-4, 1e-9]),
    chained=st.booleans(),
)
def test_it_agrees_with_power_iteration(nodes: int, seed: int, damping: float, tolerance: float, chained: bool) -> None:
    """The L1 error is within what the docstring states, nodes without edges and hubs included."""
    of, (at, amounts) = network(nodes, seed, chained=chained), seeds(nodes, seed)
    reached, x = walk(of, at, amounts, damping=damping, tolerance=tolerance)
    assert x.sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(reached) > 0).all()
    # What a node keeps is scaled away, and may have belonged anywhere; a walk that ends in nodes without edges scales it up.
    left = tolerance * nodes / (1 - damping)
    thin = THIN * tolerance * int(of.edges.used[0]) / (1 - damping)
    error = np.abs(dense(nodes, reached, x) - exact(of, at, amounts, damping)).sum()
    assert error <= 2 * (left + thin) + rounding(of, damping) + 1e-9


def test_the_default_tolerance_keeps_the_best_twenty() -> None:
    """On graphs of a thousand nodes the best twenty are the exact ones (19.8 of 20 in the mean)."""
    found = []
    for seed in range(20):
        of, (at, amounts) = network(1000, seed, degree=8), seeds(1000, seed)
        best = np.argsort(-exact(of, at, amounts))[:20].tolist()
        walked = np.argsort(-dense(1000, *walk(of, at, amounts)))[:20].tolist()
        found.append(len(set(best) & set(walked)))
    assert np.mean(found) >= 19.8


@settings(max_examples=40, deadline=None)
@given(nodes=st.integers(2, 60), seed=st.integers(0, 10_000), chained=st.booleans(), share=st.sampled_from([0.2, 0.7]))
def test_a_factor_of_zero_takes_a_node_out(nodes: int, seed: int, chained: bool, share: float) -> None:
    """The walk and its strongest steps are those of a graph that has no edge at these nodes, byte by byte."""
    whole, (at, amounts) = network(nodes, seed, chained=chained), seeds(nodes, seed)
    out = np.random.default_rng(seed).random(nodes) < share
    at, amounts = at[~out[at]], amounts[~out[at]]
    if not len(at):
        return
    of = replace(whole, hub=np.where(out, 0, whole.hub).astype(np.float32))
    cut = network(nodes, seed, chained=chained)
    for node in range(nodes):
        entries, entry = (
            list(range(int(cut.edges.start[node]), int(cut.edges.start[node + 1]))),
            int(cut.edges.head[node]),
        )
        while entry >= 0:
            entries.append(entry)
            entry = int(cut.edges.following[entry - cut.edges.base])
        for entry in entries:
            if out[node] or out[cut.edges.target[entry]]:
                cut.edges.label[entry] = 0
    assert not out[of.transition(STEPS).nonzero()[1]].any()
    one, other = of.walk(at, amounts, STEPS), cut.walk(at, amounts, STEPS)
    assert not out[one.nodes].any()
    for name in ("places", "values"):
        assert getattr(one.inside(0), name).tobytes() == getattr(other.inside(0), name).tobytes()
    none = np.zeros(0, dtype=np.int64)
    for node in one.nodes.tolist():
        found = [
            each.strongest(node, walked.senders(lambda some: some.astype(np.uint64)), STEPS, none)
            for each, walked in ((of, one), (cut, other))
        ]
        assert found[0] == found[1]


@pytest.mark.parametrize("damping", [0.01, 0.5, 0.9])
def test_a_factor_of_one_need_not_be_written_down(damping: float) -> None:
    """Nodes behind those that have a factor are walked as those whose factor is 1."""
    of, (at, amounts) = network(400, 3), seeds(400, 3)
    short = replace(of, hub=of.hub[:200])
    for tolerance in (1e-3, 1e-6):
        one = walk(of, at, amounts, damping=damping, tolerance=tolerance)
        other = walk(short, at, amounts, damping=damping, tolerance=tolerance)
        assert one[0].tobytes() == other[0].tobytes()
        assert one[1].tobytes() == other[1].tobytes()


def cycle(n: int) -> Network:
    """A directed cycle."""
    edges = fill_rows(n, [(np.arange(n), (np.arange(n) + 1) % n, 1)], room_rows=0, room=0)
    return plain(edges)


def test_a_cycle_by_hand() -> None:
    """On a directed cycle of n, the node s steps behind the seed has (1 − d) d^s / (1 − d^n)."""
    n, d = 6, 0.5
    nodes, x = walk(cycle(n), np.array([0]), np.ones(1), tolerance=1e-12)
    assert dense(n, nodes, x) == pytest.approx([(1 - d) * d**s / (1 - d**n) for s in range(n)], abs=1e-10)


def test_strength_divides_what_goes_to_synonyms() -> None:
    """A synonym of strength 255 gets three times what one of 85 gets, and a frequent name a third of a rare one."""
    edges = fill_rows(3, [(np.array([0, 0]), np.array([1, 2]), 3)], room_rows=0, room=0)
    of = replace(plain(edges), strength=np.array([255, 85], dtype=np.uint8))
    _, x = walk(of, np.array([0]), np.ones(1))
    assert x[1] / x[2] == pytest.approx(3.0, rel=1e-4)
    of = replace(plain(edges), hub=np.array([1, 1, 1 / 3], dtype=np.float32))
    _, x = walk(of, np.array([0]), np.ones(1))
    assert x[1] / x[2] == pytest.approx(3.0, rel=1e-4)


def test_a_node_without_edges_keeps_what_it_gets() -> None:
    """Half of what the seed has goes to its only neighbour, which leads nowhere: two thirds and one third."""
    edges = fill_rows(2, [(np.array([0]), np.array([1]), 1)], room_rows=0, room=0)
    assert walk(plain(edges), np.array([0]), np.ones(1))[1] == pytest.approx([2 / 3, 1 / 3])


def test_only_what_the_walk_reaches_is_touched() -> None:
    """A part of the graph that no edge joins to a seed is not among the nodes, nor is one behind a kind without weight."""
    pairs = np.array([[0, 1], [1, 0], [2, 3], [3, 2]])
    edges = fill_rows(5, [(pairs[:, 0], pairs[:, 1], 1), (np.array([0, 4]), np.array([4, 0]), 5)], room_rows=0, room=0)
    assert walk(plain(edges), np.array([0]), np.ones(1))[0].tolist() == [0, 1]


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 200), st.integers(0, 1000), st.integers(1, 5), st.booleans())
def test_the_order_of_entries_changes_no_byte(nodes: int, seed: int, order: int, chained: bool) -> None:
    """Equal graphs give equal bytes, however their rows are ordered and whenever their edges came."""
    at, amounts = seeds(nodes, seed)
    one = walk(network(nodes, seed, degree=12), at, amounts)
    again = network(nodes, seed, degree=12, shuffled=order, chained=chained)
    other = walk(again, at[::-1], amounts[::-1])
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1].tobytes() == other[1].tobytes()


def star(leaves: int, *, chained: bool) -> Network:
    """Node 0 is a name that all leaves mention; node *leaves* + 1 has leaf 2 only. chained: most edges came later."""
    hub, leaf = np.zeros(leaves, dtype=np.int64), np.arange(1, leaves + 1)
    pairs = np.concatenate([np.stack([leaf, hub], axis=1), np.stack([hub, leaf], axis=1), [[leaves + 1, 2]]])
    first = 1 if chained else len(pairs)
    edges = fill_rows(leaves + 2, [(pairs[:first, 0], pairs[:first, 1], 1)], room_rows=0, room=2 * leaves)
    for row, target in pairs[first:].tolist():
        edges.add(row, target, 1)
    of = plain(edges)
    of.hub[0] = 1 / np.sqrt(leaves / 2)
    return of


def test_the_order_of_seeds_changes_no_byte() -> None:
    """0.1 + 0.2 + 0.3 is more from before than from behind, and 0.3 of it less than half: the sum must be rounded once."""
    at, amounts = np.arange(3), np.array([0.1, 0.2, 0.3])
    apart = network(3, 0, degree=0.0)
    assert amounts.sum() != amounts[::-1].sum()
    assert walk(apart, at, amounts)[1].tobytes() == walk(apart, at[::-1], amounts[::-1])[1].tobytes()


def test_a_name_of_many_is_passed_over() -> None:
    """Its leaves would get less than a hundredth of the tolerance each: it keeps what it has, whenever its edges came."""
    leaves, tolerance = 50_000, 1e-3
    for chained in (False, True):
        second = 2 * tolerance - 5e-6  # gives leaf 2 just less than the tolerance; what the name would give is missing
        at, amounts = np.array([1, leaves + 1]), np.array([1 - second, second])
        nodes, x = walk(star(leaves, chained=chained), at, amounts, tolerance=tolerance)
        assert nodes.tolist() == [0, 1, 2, leaves + 1]
        assert x * 1.5 == pytest.approx([0.5, 1.0, 0.0, 0.0], abs=5e-3)


def test_walks_in_several_threads_do_not_meet() -> None:
    """Each of eight threads gets, again and again, what it would get alone."""
    of = network(3000, 5, degree=8)
    asked = [seeds(3000, seed) for seed in range(8)]
    alone = [walk(of, *some) for some in asked]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(30):
            nodes, x = walk(of, *asked[number])
            if nodes.tobytes() != alone[number][0].tobytes() or x.tobytes() != alone[number][1].tobytes():
                wrong.append(number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def test_no_seed_is_an_error() -> None:
    """There is nothing to start from, and the next walk is as if nobody had asked."""
    of, (at, amounts) = network(50, 0), seeds(50, 0)
    before = walk(of, at, amounts)[1].tobytes()
    with pytest.raises(EmptyResetError, match="at least one seed"):
        walk(of, at, np.zeros(len(at)))
    assert walk(of, at, amounts)[1].tobytes() == before


@settings(max_examples=40, deadline=None)
@given(
    nodes=st.integers(2, 80),
    seed=st.integers(0, 1000),
    chained=st.booleans(),
    degree=st.sampled_from([3.0, 30.0]),
    left_out=st.integers(0, 2),
)
def test_the_strongest_source_is_that_of_the_matrix(
    nodes: int, seed: int, chained: bool, degree: float, left_out: int
) -> None:
    """Of all edges into a node the one along which most came, and how much: activation times the step's share."""
    of, (at, amounts) = network(nodes, seed, chained=chained, degree=degree), seeds(nodes, seed)
    walked = of.walk(at, amounts, STEPS, tolerance=1e-9)
    senders = walked.senders(lambda some: (nodes - some).astype(np.uint64))
    activation = dense(nodes, walked.nodes, walked.activation)
    # One step may be along two edges: each by itself, over the sum of its row.
    sums = [sum(row.values()) for row in by_hand(of)]
    into: list[dict[int, float]] = [{} for _ in range(nodes)]
    for source, target, step in edges_by_hand(of):
        if source in senders.nodes:
            flow = activation[source] * step / sums[source]
            into[target][source] = max(into[target].get(source, 0.0), flow)
    for node in walked.nodes.tolist():
        ranked = sorted(into[node].items(), key=lambda item: -item[1])
        without = [source for source, _ in ranked[:left_out]]
        source, flow = of.strongest(node, senders, STEPS, np.array(without, dtype=np.int64))
        best = [item for item in ranked if item[0] not in without]
        if not best:
            assert (source, flow) == (-1, 0.0)
            continue
        assert flow == pytest.approx(best[0][1], rel=1e-3)
        assert into[node][source] == pytest.approx(best[0][1], rel=1e-3)
        assert source not in without


def test_of_two_that_gave_equally_much_the_first_by_order() -> None:
    """Which row comes first shows nowhere."""
    pairs = np.array([[0, 2], [1, 2], [2, 0], [2, 1]])
    of = plain(fill_rows(3, [(pairs[:, 0], pairs[:, 1], 1)], room_rows=0, room=0))
    walked = of.walk(np.array([0, 1]), np.ones(2), STEPS)
    for order in (np.array([0, 1, 2]), np.array([1, 0, 2])):
        senders = walked.senders(lambda some, order=order: order[some].astype(np.uint64))  # type: ignore[misc]
        none = np.zeros(0, dtype=np.int64)
        assert of.strongest(2, senders, STEPS, none)[0] == int(np.argmin(order[:2]))


def test_rows_of_a_network_are_its_nodes() -> None:
    """Its length is the number of nodes, room included."""
    edges = fill_rows(2, [], room_rows=3, room=0)
    assert isinstance(edges, GrowingRows)
    assert len(plain(edges)) == 5
