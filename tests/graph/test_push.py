"""Forward push: the same walk as power iteration, to the tolerance it states, wherever the activation is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array, random_array

from hippomem.errors import EmptyResetError
from hippomem.graph.pagerank import personalized_pagerank, row_stochastic
from hippomem.graph.push import push_pagerank

Vector = NDArray[np.float64]


def graph(nodes: int, seed: int, density: float = 0.05) -> csr_array:
    """The transitions of a random undirected graph; some nodes may have no edge."""
    half = random_array((nodes, nodes), density=density, rng=np.random.default_rng(seed), format="csr")
    return row_stochastic(csr_array(half + half.T))


def seeds(nodes: int, seed: int) -> Vector:
    """A few seeds of different weight."""
    rng = np.random.default_rng([nodes, seed])
    reset = np.zeros(nodes)
    reset[rng.choice(nodes, min(5, nodes), replace=False)] = rng.random(min(5, nodes)) + 0.1
    return reset


@settings(max_examples=30, deadline=None)
@given(nodes=st.integers(2, 60), seed=st.integers(0, 10_000), damping=st.sampled_from([0.1, 0.5, 0.85]))
def test_it_agrees_with_power_iteration(nodes: int, seed: int, damping: float) -> None:
    """Every node is within the stated error of the exact value, nodes without edges included."""
    transition, reset, tolerance = graph(nodes, seed), seeds(nodes, seed), 1e-9
    exact = personalized_pagerank(transition, reset, damping=damping, tol=1e-14, max_iter=5000)
    pushed = push_pagerank(transition, reset, damping=damping, tolerance=tolerance)
    assert pushed.sum() == pytest.approx(1.0, abs=1e-12)
    # Mass that is left at the end, and is scaled away, is below tolerance at each node; it may have belonged anywhere.
    assert np.abs(pushed - exact).sum() <= 2 * tolerance * nodes / (1 - damping) + 1e-12


def test_the_default_tolerance_keeps_the_best_twenty() -> None:
    """On graphs of a thousand nodes the best twenty are the exact ones (19.6 of 20 in the mean)."""
    found = []
    for seed in range(20):
        transition, reset = graph(1000, seed, 0.01), seeds(1000, seed)
        exact = personalized_pagerank(transition, reset, tol=1e-12)
        pushed = push_pagerank(transition, reset)
        found.append(len(set(np.argsort(-exact)[:20].tolist()) & set(np.argsort(-pushed)[:20].tolist())))
    assert np.mean(found) >= 19.6


def test_a_cycle_by_hand() -> None:
    """On a directed cycle of n, the node s steps behind the seed has (1 − d) d^s / (1 − d^n)."""
    n, d = 6, 0.5
    cycle = csr_array(np.roll(np.eye(n), 1, axis=1))
    expected = [(1 - d) * d**s / (1 - d**n) for s in range(n)]
    assert push_pagerank(cycle, np.eye(n)[0], tolerance=1e-13) == pytest.approx(expected, abs=1e-10)


def test_only_what_the_walk_reaches_is_touched() -> None:
    """A part of the graph that no edge joins to a seed stays at exactly zero."""
    island = np.zeros((4, 4))
    island[0, 1] = island[1, 0] = island[2, 3] = island[3, 2] = 1.0
    x = push_pagerank(csr_array(island), np.array([1.0, 0.0, 0.0, 0.0]))
    assert (x[2:] == 0.0).all()
    assert (x[:2] > 0.0).all()


def test_the_same_arrays_give_the_same_bytes() -> None:
    """First in, first out: nothing depends on time or chance."""
    transition, reset = graph(200, 3), seeds(200, 3)
    assert push_pagerank(transition, reset).tobytes() == push_pagerank(transition, reset).tobytes()


def test_no_seed_is_an_error() -> None:
    """There is nothing to start from."""
    with pytest.raises(EmptyResetError, match="at least one seed"):
        push_pagerank(graph(5, 0), np.zeros(5))
