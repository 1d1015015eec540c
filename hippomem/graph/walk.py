"""Personalized PageRank by forward push over typed edges: work where the activation is, not where the graph is.

At damping 0.5 a walk stays near its seeds. Pushing residual mass from node to node touches only what the walk reaches, so
a query costs the same in a graph of ten thousand nodes and of a million. `hippomem.graph.pagerank` solves the same equation
by power iteration and is the check of this one (`Network.transition` is its matrix).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.errors import EmptyResetError
from hippomem.graph.pagerank import DAMPING, row_stochastic
from hippomem.graph.rows import GrowingRows
from hippomem.graph.sparse import Sparse

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]

#: Residual mass that a node may keep, as a share of the whole.
TOLERANCE = 3e-5
#: A node whose neighbours would get less than this share of the tolerance each, on average, is not pushed: a name that half
#: of all passages mention would cost a million steps and change nothing.
THIN = 0.01
#: Mass is counted in whole numbers of this size: their sums do not depend on the order of adding, so equal graphs give equal
#: bytes, however their rows are ordered.
_UNIT = 2.0**-40
#: Weights likewise, before they are divided by their sum.
_WEIGHT_UNIT = 2.0**-20


@dataclass(frozen=True)
class Senders:
    """Nodes that passed activation on. nodes: (p,) ascending.    rate: (p,) activation for each unit of an edge's weight.
    order: (p,) see `Walked.senders`.
    """

    nodes: Ints
    rate: Vector
    order: NDArray[np.uint64]


@dataclass(frozen=True)
class Walked:
    """What a walk reached.

    nodes: (m,) in no order.    activation: (m,) their share, summing to 1.    pushed: (p,) the nodes that passed activation
    on, once for each time, in order of time.    totals: (p,) the sums of their rows' weights.
    """

    nodes: Ints
    activation: Vector
    pushed: Ints
    totals: Vector

    def senders(self, order: Callable[[Ints], NDArray[np.uint64]]) -> Senders:
        """Who passed activation on. order: what decides between nodes that gave equally much, lower first."""
        nodes, first = np.unique(self.pushed, return_index=True)
        return Senders(nodes, self.inside(0).at(nodes) / self.totals[first], order(nodes))

    def inside(self, first: int) -> Sparse:
        """Activation of the nodes from *first* on, counted from there."""
        keep = self.nodes >= first
        places, values = self.nodes[keep] - first, self.activation[keep]
        order = np.argsort(places)
        return Sparse(places[order], values[order])


@dataclass(frozen=True)
class Network:
    """A graph of typed edges; the weight of a step follows from the edge's kind and from how common its end is.

    edges: n rows, label = kind (1 to 15), each edge in both rows.    strength: (m,) uint8, of each edge in 255ths.
    hub: (m,) float32, m <= n, factor for a step into each of the first m nodes, 1 for those behind: of how many passages
    mention a name, the power -1/2; else 1; 0 for a node that no step may lead to. A name has at least two edges for each of
    them.
    """

    edges: GrowingRows
    strength: NDArray[np.uint8]
    hub: NDArray[np.float32]
    _scratch: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.edges.head)

    def step_weights(self, weights: Mapping[int, float]) -> Vector:
        """(16,) weight of each kind; kinds that are not given have none."""
        table = np.zeros(16)
        for kind, weight in weights.items():
            table[kind] = weight
        return table

    def transition(self, weights: Mapping[int, float]) -> csr_array:
        """(n, n) row-stochastic matrix of the same walk, for the check and for other solvers."""
        edges, used = self.edges, int(self.edges.used[0])
        target = edges.target[:used].astype(np.int64)
        value = self.step_weights(weights)[edges.label[:used]] * (self.strength[:used] / 255.0)
        inside = target < len(self.hub)
        value[inside] *= self.hub[target[inside]]
        there = np.flatnonzero(value)
        row = _row_kernel()(edges.start, edges.head, edges.following, used)
        # Two kinds of edges between the same nodes are one step of their sum.
        return row_stochastic(csr_array((value[there], (row[there], target[there])), shape=(len(self), len(self))))

    def walk(
        self,
        seeds: Ints,
        amounts: Vector,
        weights: Mapping[int, float],
        *,
        damping: float = DAMPING,
        tolerance: float = TOLERANCE,
    ) -> Walked:
        """Score nodes by a random walk that restarts at the seeds: see `personalized_pagerank` for the equation.

        Forward push (Andersen, Chung and Lang 2006, section 3), in rounds: all nodes above the tolerance at once. Each
        node's residual ends below *tolerance* or too thin to matter (`THIN`), and what is left with a node counts for it. So
        a node gets at most its exact value before scaling; in the L1 sum over all they lack at most damping times what is
        left, which is tolerance · (nodes touched), plus THIN · tolerance for each neighbour of a name each time that it was
        not pushed.

        seeds: (s,) nodes, each once.    amounts: (s,) >= 0, sum > 0; normalised here.
        Raises EmptyResetError if no seed has weight.
        """
        total = fsum(amounts.tolist())  # the same in any order of the seeds
        if not total > 0:
            raise EmptyResetError("personalized PageRank needs at least one seed with weight; every one is zero.")
        mass = np.floor(amounts / (total * _UNIT)).astype(np.int64)
        try:
            scratch = self._scratch.pop()  # one a thread that walks just now
        except IndexError:
            n = len(self)
            scratch = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.uint8)
        limit = max(int(tolerance / _UNIT), 1)
        nodes, units, pushed, totals = _kernel()(
            *self.edges.arrays,
            self.strength,
            self.hub,
            self.step_weights(weights) / (_WEIGHT_UNIT * 255.0),
            seeds,
            mass,
            damping,
            limit,
            # Below the limit: a node that is no name is pushed, whether its factor of 1 is written down or not.
            min(2 * limit * THIN / damping, limit) if damping else 0.0,
            *scratch,
        )
        self._scratch.append(scratch)
        return Walked(nodes, units / max(int(units.sum()), 1), pushed, totals * _WEIGHT_UNIT)

    def strongest(self, node: int, senders: Senders, weights: Mapping[int, float], without: Ints) -> tuple[int, float]:
        """The node that gave a node most along one edge, x_i · P_ij, and how much; (-1, 0) for none.

        without: nodes that are passed over. Costs the edges of the node, or those of the senders where these are fewer.
        """
        from hippomem.graph.row_loops import strongest  # compiled: loads numba

        found: tuple[int, float] = strongest(
            *self.edges.arrays,
            self.strength,
            self.hub,
            self.step_weights(weights),
            node,
            senders.nodes,
            senders.rate,
            senders.order,
            without,
        )
        return found


@cache
def _row_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def row_of_entries(start, head, following, used):  # type: ignore[no-untyped-def]
        base = start[-1]
        row = np.empty(used, dtype=np.int64)
        for at in range(len(head)):
            row[start[at] : start[at + 1]] = at
            entry = head[at]
            while entry >= 0:
                row[entry] = at
                entry = following[entry - base]
        return row

    return row_of_entries


@cache
def _kernel() -> Any:
    """The compiled loop. Numba is imported at the first walk, and its result is kept on disk where that can be written."""
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def push(  # type: ignore[no-untyped-def]
        start, target, label, head, following, strength, hub, weight,
        seeds, amounts, damping, limit, thin, residual, x, state,
    ):  # fmt: skip
        base, hubs = start[-1], len(hub)
        # state: 1 a node that was reached, 2 one that waits. All are set back at the end.
        touched = np.empty(1024, dtype=np.int64)
        reached = 0
        frontier = np.empty(1024, dtype=np.int64)
        size = 0
        for i in range(len(seeds)):
            node = seeds[i]
            if reached == len(touched):
                touched = np.append(touched, np.empty_like(touched))
            touched[reached] = node
            reached += 1
            residual[node] = amounts[i]
            state[node] = 1
            if amounts[i] < limit:
                continue
            state[node] = 3
            if size == len(frontier):
                frontier = np.append(frontier, np.empty_like(frontier))
            frontier[size] = node
            size += 1
        mass = np.empty(1024, dtype=np.int64)
        coming = np.empty(1024, dtype=np.int64)
        chain = np.empty(64, dtype=np.int64)
        pushed = np.empty(1024, dtype=np.int64)
        totals = np.empty(1024, dtype=np.int64)
        passing = 0
        shares = np.empty(1024, dtype=np.int64)
        while size:
            if len(mass) < size:
                mass = np.empty(2 * size, dtype=np.int64)
            for i in range(size):
                node = frontier[i]
                mass[i] = residual[node]
                residual[node] = 0
                state[node] = 1
            arrived = 0
            for i in range(size):
                node = frontier[i]
                x[node] += mass[i]
                first = start[node]
                degree = start[node + 1] - first
                # By how common it is, not by the length of its row: that depends on when its edges came and went.
                if node < hubs and mass[i] * hub[node] * hub[node] < thin:
                    continue
                # Later entries stand chained: bring the row together first.
                entry = head[node]
                later = 0
                while entry >= 0:
                    if later == len(chain):
                        chain = np.append(chain, np.empty_like(chain))
                    chain[later] = entry
                    later += 1
                    entry = following[entry - base]
                if len(shares) < degree + later:
                    shares = np.empty(2 * (degree + later), dtype=np.int64)
                total = np.int64(0)
                for j in range(degree):
                    entry = first + j
                    other = target[entry]
                    step = weight[label[entry]] * strength[entry]
                    shares[j] = np.int64(step * hub[other] if other < hubs else step)
                    total += shares[j]
                for j in range(later):
                    entry = chain[j]
                    other = target[entry]
                    step = weight[label[entry]] * strength[entry]
                    shares[degree + j] = np.int64(step * hub[other] if other < hubs else step)
                    total += shares[degree + j]
                if total == 0:
                    continue
                if passing == len(pushed):
                    pushed = np.append(pushed, np.empty_like(pushed))
                    totals = np.append(totals, np.empty_like(totals))
                pushed[passing] = node
                totals[passing] = total
                passing += 1
                unit = damping * mass[i] / total
                for j in range(degree + later):
                    if shares[j] == 0:
                        continue
                    other = target[first + j] if j < degree else target[chain[j - degree]]
                    before = residual[other]
                    residual[other] = before + np.int64(unit * shares[j])
                    if state[other] == 0:
                        state[other] = 1
                        if reached == len(touched):
                            touched = np.append(touched, np.empty_like(touched))
                        touched[reached] = other
                        reached += 1
                    if before < limit and residual[other] >= limit and state[other] == 1:
                        state[other] = 3
                        if arrived == len(coming):
                            coming = np.append(coming, np.empty_like(coming))
                        coming[arrived] = other
                        arrived += 1
            frontier, coming = coming, frontier
            size = arrived
        kept = 0
        values = np.empty(reached, dtype=np.int64)
        for i in range(reached):
            node = touched[i]
            # What a node still holds would stay with it to this part, whatever else it would do.
            if x[node] + residual[node] > 0:
                touched[kept] = node
                values[kept] = x[node] + residual[node]
                kept += 1
            x[node] = residual[node] = state[node] = 0
        return touched[:kept], values[:kept], pushed[:passing], totals[:passing]

    return push
