"""Compiled loops along growing rows (`hippomem.graph.rows`): importing this module loads numba.

At the level of a module, because a loop that calls another compiled function is kept on disk only there.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def next_entry(start, head, following, base, row, entry):  # type: ignore[no-untyped-def]
    """The entry behind *entry* in its row, -1 behind the last; the first one behind start[row] - 1.

    base: start[-1], how many entries stand in rows; those behind are chained.
    """
    entry += 1
    if entry < start[row + 1]:
        return entry
    return np.int64(head[row] if entry <= base else following[entry - 1 - base])


@njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def strongest(  # type: ignore[no-untyped-def]
    start, target, label, head, following, strength, hub, weight, node, senders, rate, order, without
):
    """See `hippomem.graph.walk.Network.strongest`."""
    base = start[-1]
    best = -1
    most = 0.0
    # Every edge is in both rows with one kind and strength, so the node's own row tells who may pass on to it, and how
    # much; a hub's row is longer than those of all who do.
    own = start[node + 1] - start[node] < 64 * len(senders)
    for i in range(1 if own else len(senders)):
        row = node if own else senders[i]
        entry = next_entry(start, head, following, base, row, start[row] - 1)
        while entry >= 0:
            other = target[entry]
            step = weight[label[entry]] * strength[entry] / 255.0
            if node < len(hub):
                step *= hub[node]
            entry = next_entry(start, head, following, base, row, entry)
            if step <= 0.0 or not (own or other == node):
                continue
            at = np.searchsorted(senders, other) if own else i
            if at == len(senders) or (own and senders[at] != other):
                continue
            flow = rate[at] * step
            if flow > most or (flow == most and best >= 0 and order[at] < order[best]):
                passed_over = False
                for one in without:
                    if one == senders[at]:
                        passed_over = True
                if not passed_over:
                    best = at
                    most = flow
    return (senders[best] if best >= 0 else -1), most
