"""What a phase is ordered to do, and having it done in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eval.bench.apart import run_apart
from eval.bench.scale.corpus import Corpus

Phase = Literal["index", "open", "query", "exact", "change"]


@dataclass(frozen=True)
class Order:
    """What a phase is to do. store: an absolute path.    passages, seed: of the corpus.

    count: of questions asked, or of passages added.    patience: seconds after which a phase stops asking or adding; how
    much it did until then is in its figures.
    """

    phase: Phase
    store: str
    passages: int
    seed: int
    count: int = 0
    patience: float = 600.0

    @property
    def corpus(self) -> Corpus:
        """The corpus of the store."""
        return Corpus(self.passages, self.seed)


def run_phase(order: Order) -> dict[str, Any]:
    """Its figures, from a fresh process, which tells its progress on standard error. Raises HippomemError if it fails."""
    return run_apart("eval.bench.scale.phase", order, f"the phase '{order.phase}'")
