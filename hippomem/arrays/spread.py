"""How the passages of one session or document lend each other their words (positional language models, Lv and Zhai 2009).

Counts are whole numbers of a fortieth, so that sums do not depend on the order of adding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.kinds import NEXT, PREVIOUS, any_of
from hippomem.graph.rows import GrowingRows

Ints = NDArray[np.int64]

#: How much of a term's count reaches the passages behind and before the one that holds it, in fortieths: one step (1/2
#: behind, 1/4 before), two steps (1/4, 1/8). A reply repeats little of the question that it answers, so what was said before
#: counts for more. And all other passages of the same session or document (1/10).
OWN, REPLY, LEAD, WHOLE = 40, (20, 10), (10, 5), 4


def session_pairs(turns: Iterable[tuple[str, int, int, int, int]]) -> set[tuple[int, int]]:
    """Pairs of passages next to each other. turns: (session, position, ordinal, order of id, passage).

    Ties (two turns that claim one position) are in order of passage_id, never of place.
    """
    return {(a[-1], b[-1]) for a, b in pairwise(sorted(turns)) if a[0] == b[0] and a[-1] != b[-1]}


@dataclass(frozen=True)
class Surroundings:
    """What stands around passages.

    edges, passages_from: of the graph.    length: (P,) terms.    context: (P,).    size, total: (C,) members, their lengths.
    """

    edges: GrowingRows
    passages_from: int
    length: NDArray[np.int32]
    context: NDArray[np.int32]
    size: NDArray[np.int32]
    total: Ints

    def in_episode(self, passages: Ints) -> NDArray[np.bool_]:
        """(m,) whether anything spreads to or from each passage."""
        _, sizes = self.edges.gather(passages + self.passages_from, any_of(NEXT, PREVIOUS))
        among: NDArray[np.bool_] = (self.size[self.context[passages]] > 1) | (sizes > 0)
        return among

    def spread_lengths(self, passages: Ints) -> Ints:
        """(m,) lengths in fortieths, with what the passages around each give."""
        spread = OWN * self.length[passages].astype(np.int64)
        for kind, shares in ((PREVIOUS, REPLY), (NEXT, LEAD)):
            at, of = passages + self.passages_from, np.arange(len(passages))
            for share in shares:
                at, sizes = self.edges.gather(at, any_of(kind))
                of = np.repeat(of, sizes)
                np.add.at(spread, of, share * self.length[at - self.passages_from].astype(np.int64))
        context = self.context[passages]
        shared = self.size[context] > 1
        spread += np.where(shared, WHOLE * (self.total[context] - self.length[passages]), 0)
        return spread
