"""Beam search over chains of sentences, as PropRAG does over propositions (Wang and Han 2025): no LLM at query time.

A chain grows by a sentence of another passage that gives a name which the chain gives too and the question does not; a
chain at a passage whose title the question spells out also grows by one of another such title (a comparison starts at
both). Its score:

    cosine(question, sum of the sentences) + RELEVANCE · mean(relevance of their passages)
    + COVERAGE · (share of the question's words that they hold) + TITLED · (share of joints that are titles)

The sum of vectors asks whether the sentences answer *together*, relevance brings in what the retriever knows of the
passages, coverage asks that no word of the question is left over: each hop accounts for its own part. A sentence that
gives the other passage's title says where to look next; a name that both merely give may be met by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

#: Set by looking at musique-train100, musique-train200, 2wiki-a and hotpotqa-dev200; the same for all.
RELEVANCE, COVERAGE, TITLED = 1.0, 0.6, 0.2
#: Chains kept from one length to the next; sentences of the longest chain: two hops down two branches.
WIDTH, LONGEST = 8, 4
#: A chain of two is the least for a question of several hops; each further sentence must raise the score by this.
GAIN = 0.05


@dataclass(frozen=True)
class Candidates:
    """n sentences that chains are made of.

    fact, passage: (n,) positions in the index, and place of the passage among the hits.    cosine: (n,) with the question.
    names: (n,) entities that may join the sentence with another.    vectors: (n, d) unit rows.
    relevance: (n,) of the passage, in [0, 1].
    holds: (n, t) share of the question that term t is, where the sentence holds it, else 0; rows sum to at most 1.
    joined: (n, n) whether two give one name.    titled: (n, n) whether one gives the other's title, or the question gives
    both. Both symmetric, and only between different passages.    start: (n,) whether the question gives the title.
    title: (n,) number of the passage's title, -1 for none: turns of one speaker are many passages, and one start.
    """

    fact: NDArray[np.int64]
    passage: NDArray[np.int64]
    cosine: Vector
    names: tuple[frozenset[int], ...]
    vectors: NDArray[np.float32]
    relevance: Vector
    holds: Vector
    joined: NDArray[np.bool_]
    titled: NDArray[np.bool_]
    start: NDArray[np.bool_]
    title: NDArray[np.int64]

    @classmethod
    def none(cls) -> Candidates:
        """No sentence at all."""
        none = np.zeros(0)
        whole, flags = none.astype(np.int64), none.astype(bool)
        square = np.zeros((0, 0))
        joints = square.astype(bool)
        return cls(whole, whole, none, (), square.astype(np.float32), none, square, joints, joints, flags, whole)

    def shared(self, one: int, other: int) -> frozenset[int]:
        """Entities that join two sentences."""
        return self.names[one] & self.names[other]


@dataclass(frozen=True)
class _Chain:
    """A chain and what its score is made of, so that growing costs no more than the new sentence.

    facts: as it grew.    norm: |sum of vectors|².    titled: joints that are titles.    held: (t,) shares of terms held.
    """

    facts: tuple[int, ...]
    cosine: float
    norm: float
    relevance: float
    titled: float
    held: Vector
    score: float


def best_chain(candidates: Candidates) -> tuple[float, tuple[int, ...]]:
    """The best chain's score and its sentences, as positions among the *candidates* (n >= 1).

    Two sentences where any two can be joined, else one; longer while each further sentence gains `GAIN`.
    """
    between: Vector = (candidates.vectors @ candidates.vectors.T).astype(np.float64)
    empty = _Chain((), 0.0, 0.0, 0.0, 0.0, np.zeros(candidates.holds.shape[1]), 0.0)
    beam = _best(_grow(empty, candidates, between, np.ones(len(candidates.fact), dtype=bool)))
    best = beam[0]
    for length in range(2, LONGEST + 1):
        grown = [new for chain in beam for new in _grow(chain, candidates, between, _next(chain, candidates))]
        beam = _best(grown)
        if not beam or (length > 2 and beam[0].score - best.score <= GAIN):
            break
        best = beam[0]
    return best.score, best.facts


def _next(chain: _Chain, candidates: Candidates) -> NDArray[np.bool_]:
    """(n,) sentences by which a chain may grow."""
    facts = list(chain.facts)
    linked = candidates.joined[facts].any(axis=0)
    if candidates.start[facts].any():
        linked = linked | (candidates.start & ~np.isin(candidates.title, candidates.title[facts]))
    allowed: NDArray[np.bool_] = linked & ~np.isin(candidates.passage, candidates.passage[facts])
    return allowed


def _grow(chain: _Chain, candidates: Candidates, between: Vector, allowed: NDArray[np.bool_]) -> list[_Chain]:
    """The chain with each allowed sentence added; only the best `WIDTH` of them can matter."""
    at = np.flatnonzero(allowed)
    length = len(chain.facts) + 1
    cosine = chain.cosine + candidates.cosine[at]
    norm = chain.norm + 1.0 + 2.0 * between[list(chain.facts)][:, at].sum(axis=0)
    relevance = chain.relevance + candidates.relevance[at]
    held = np.maximum(chain.held, candidates.holds[at])
    titled = chain.titled + np.asarray(candidates.titled[list(chain.facts)][:, at].any(axis=0), dtype=np.float64)
    together = cosine / np.sqrt(np.maximum(norm, 1e-6))
    score: Vector = (
        together + RELEVANCE * relevance / length + COVERAGE * held.sum(axis=1) + TITLED * titled / max(length - 1, 1)
    )
    order = np.lexsort((at, -score))[:WIDTH]
    return [
        _Chain(
            (*chain.facts, int(at[i])),
            float(cosine[i]),
            float(norm[i]),
            float(relevance[i]),
            float(titled[i]),
            held[i],
            float(score[i]),
        )
        for i in order.tolist()
    ]


def _best(chains: list[_Chain]) -> list[_Chain]:
    """The best `WIDTH`, each set of sentences once, ties by position."""
    chains.sort(key=lambda chain: (-round(chain.score, 12), sorted(chain.facts)))
    seen: dict[frozenset[int], _Chain] = {}
    for chain in chains:
        seen.setdefault(frozenset(chain.facts), chain)
        if len(seen) == WIDTH:
            break
    return list(seen.values())
