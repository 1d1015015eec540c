"""Personalized PageRank: laws, answers known by hand, and agreement with three other ways to compute it."""

from __future__ import annotations

import igraph
import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.errors import EmptyResetError
from hippomem.graph.pagerank import DAMPING, personalized_pagerank, row_stochastic

Matrix = NDArray[np.float64]
relaxed = settings(max_examples=60, deadline=None)


@st.composite
def graphs(draw: st.DrawFn, *, nodes: int = 9) -> Matrix:
    """A directed weighted graph without loops; some rows have no edge at all."""
    n = draw(st.integers(2, nodes))
    weights = draw(st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.25, 1.0, 3.0]), min_size=n * n, max_size=n * n))
    matrix = np.array(weights).reshape(n, n)
    np.fill_diagonal(matrix, 0.0)
    return matrix


def resets(n: int) -> st.SearchStrategy[Matrix]:
    """Seeds, at least one of them with weight."""
    weights = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, 7.0]), min_size=n, max_size=n)
    return weights.filter(any).map(np.array)


def walk(weights: Matrix, reset: Matrix, damping: float = DAMPING) -> Matrix:
    """Ours, to the last digits."""
    return personalized_pagerank(row_stochastic(csr_array(weights)), reset, damping=damping, tol=1e-14, max_iter=2000)


def dense_solve(weights: Matrix, reset: Matrix, damping: float = DAMPING) -> Matrix:
    """The definition, as a linear system: (I − d·Pᵀ) x = (1 − d)·r, a row of zeros being r."""
    r = reset / reset.sum()
    sums = weights.sum(axis=1, keepdims=True)
    p = np.where(sums > 0, weights / np.where(sums > 0, sums, 1.0), r)
    return np.linalg.solve(np.eye(len(r)) - damping * p.T, (1.0 - damping) * r)


def test_two_nodes_by_hand() -> None:
    """On a — b with the seed a: a = 1/2·b + 1/2 and b = 1/2·a, so a = 2/3 and b = 1/3."""
    x = walk(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 0.0]))
    assert x == pytest.approx([2 / 3, 1 / 3], abs=1e-12)


def test_directed_cycle_by_hand() -> None:
    """On a cycle of n the node s steps behind the seed has (1 − d)·d^s / (1 − d^n): s steps were followed, no restart."""
    n, d = 5, 0.7
    cycle = np.roll(np.eye(n), 1, axis=1)
    x = walk(cycle, np.eye(n)[2], damping=d)
    expected = [(1 - d) * d ** ((node - 2) % n) / (1 - d**n) for node in range(n)]
    assert x == pytest.approx(expected, abs=1e-12)


def test_cycle_with_equal_seeds_is_flat() -> None:
    """By symmetry every node of an undirected cycle has 1/n."""
    ring = np.roll(np.eye(6), 1, axis=1) + np.roll(np.eye(6), -1, axis=1)
    assert walk(ring, np.ones(6)) == pytest.approx(np.full(6, 1 / 6))


def test_damping_zero_stays_at_the_seeds() -> None:
    """Damping is the probability of following an edge: at 0 the walk never leaves."""
    reset = np.array([3.0, 0.0, 1.0])
    assert walk(np.ones((3, 3)), reset, damping=0.0) == pytest.approx([0.75, 0.0, 0.25])


def test_a_step_is_shared_by_weight() -> None:
    """From a seed with edges of weight 3 and 1, three quarters of what follows an edge goes to the first."""
    weights = np.zeros((3, 3))
    weights[0, 1], weights[0, 2] = 3.0, 1.0
    x = walk(weights, np.array([1.0, 0.0, 0.0]))
    assert x[1] / x[2] == pytest.approx(3.0)


def test_no_seed_with_weight_is_an_error() -> None:
    """There is nowhere to start from."""
    transition = csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(EmptyResetError, match="at least one seed"):
        personalized_pagerank(transition, np.zeros(2))


def test_stored_zeros_are_no_edges() -> None:
    """An edge of weight 0, stored or not, is the same: the node restarts and no activation leaks."""
    stored = csr_array((np.array([0.0, 1.0]), np.array([1, 0]), np.array([0, 1, 2])), shape=(2, 2))
    reset = np.array([1.0, 1.0])
    x = personalized_pagerank(row_stochastic(stored), reset)
    assert x == pytest.approx(walk(stored.toarray(), reset), abs=1e-8)
    assert personalized_pagerank(stored, reset).sum() == pytest.approx(1.0)


def test_row_stochastic_scales_rows_and_leaves_its_input() -> None:
    """Rows are divided by their sums, a row of zeros stays zero, and the weights given are not changed."""
    weights = csr_array(np.array([[0.0, 3.0, 1.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]))
    before = weights.toarray()
    scaled = row_stochastic(weights).toarray()
    assert scaled.tolist() == [[0.0, 0.75, 0.25], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    assert (weights.toarray() == before).all()


@given(st.data(), graphs())
@relaxed
def test_sums_to_one_and_is_never_negative(data: st.DataObject, weights: Matrix) -> None:
    """Scores are a probability distribution."""
    x = walk(weights, data.draw(resets(len(weights))))
    assert x.sum() == pytest.approx(1.0, abs=1e-9)
    assert (x >= 0).all()


@given(st.data(), graphs(), st.floats(0.1, 0.9))
@relaxed
def test_linear_in_the_reset(data: st.DataObject, weights: Matrix, share: float) -> None:
    """The walk of a mixture of seeds is the mixture of their walks, where no row restarts."""
    weights = weights + (weights.sum(axis=1, keepdims=True) == 0) * np.roll(np.eye(len(weights)), 1, axis=1)
    a, b = (data.draw(resets(len(weights))) for _ in range(2))
    a, b = a / a.sum(), b / b.sum()
    mixed = walk(weights, share * a + (1 - share) * b)
    assert mixed == pytest.approx(share * walk(weights, a) + (1 - share) * walk(weights, b), abs=1e-9)


@given(st.data(), graphs())
@relaxed
def test_scale_of_reset_and_weights_does_not_matter(data: st.DataObject, weights: Matrix) -> None:
    """Seeds and edges count by their shares."""
    reset = data.draw(resets(len(weights)))
    assert walk(5.0 * weights, 9.0 * reset) == pytest.approx(walk(weights, reset), abs=1e-12)


@given(st.data(), graphs())
@relaxed
def test_follows_a_relabelling_of_the_nodes(data: st.DataObject, weights: Matrix) -> None:
    """Renumbering the nodes renumbers the scores and changes nothing else."""
    reset = data.draw(resets(len(weights)))
    order = np.array(data.draw(st.permutations(range(len(weights)))))
    assert walk(weights[np.ix_(order, order)], reset[order]) == pytest.approx(walk(weights, reset)[order], abs=1e-10)


@given(st.data(), graphs(), st.sampled_from([0.3, 0.5, 0.85]))
@relaxed
def test_equals_dense_solve_igraph_and_networkx(data: st.DataObject, weights: Matrix, damping: float) -> None:
    """Four ways, one answer; rows without edges restart in all of them."""
    reset = data.draw(resets(len(weights)))
    ours = walk(weights, reset, damping)
    assert ours == pytest.approx(dense_solve(weights, reset, damping), abs=1e-9)

    edges = [(int(i), int(j)) for i, j in np.argwhere(weights)]
    graph = igraph.Graph(n=len(weights), edges=edges, directed=True)
    theirs = graph.personalized_pagerank(
        damping=damping,
        reset=(reset / reset.sum()).tolist(),
        weights=[float(weights[edge]) for edge in edges],
        implementation="prpack",
    )
    assert ours == pytest.approx(theirs, abs=1e-6)

    nx_graph = networkx.DiGraph()
    nx_graph.add_nodes_from(range(len(weights)))
    nx_graph.add_weighted_edges_from((i, j, float(weights[i, j])) for i, j in edges)
    scores = networkx.pagerank(
        nx_graph, alpha=damping, personalization=dict(enumerate(reset.tolist())), tol=1e-12, max_iter=2000
    )
    assert ours == pytest.approx([scores[node] for node in range(len(weights))], abs=1e-6)


@given(st.data(), graphs(nodes=30))
@settings(max_examples=20, deadline=None)
def test_tolerance_bounds_the_error(data: st.DataObject, weights: Matrix) -> None:
    """The L1 distance to the exact answer is at most tol · damping / (1 − damping)."""
    reset = data.draw(resets(len(weights)))
    for tol in (1e-2, 1e-5):
        x = personalized_pagerank(row_stochastic(csr_array(weights)), reset, damping=0.8, tol=tol)
        assert np.abs(x - dense_solve(weights, reset, 0.8)).sum() <= tol * 0.8 / 0.2 + 1e-12
