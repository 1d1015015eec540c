"""Which passages are read first: by value, by each signal alone, at random, and with the answers known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ExtractionError
from hippomem.store import memories, named
from hippomem.types import Extraction
from indexing.choosing import how_many, read_signals
from indexing.extract import PassageText, TripleExtractor

if TYPE_CHECKING:
    from hippomem.memory import Memory

VALUE, RANDOM, GOLD = "value", "random", "gold"
#: By value is what ``--llm-share`` does. Gold passages of the very questions first: no chooser can do better by much.
CHOICES = (VALUE, "bridge", "hub", "thin", RANDOM, GOLD)


@dataclass(frozen=True)
class Orders:
    """Passages of one corpus in the order in which they would be read, as the source ids of each.

    by_choice: one order, of `RANDOM` several, each of all passages.
    """

    by_choice: Mapping[str, Sequence[Sequence[tuple[str, ...]]]]

    def chosen(self, choice: str, share: float) -> list[frozenset[str]]:
        """Source ids of what is read of this share, in each draw."""
        return [
            frozenset(source_id for ids in order[: how_many(share, len(order)) if share else 0] for source_id in ids)
            for order in self.by_choice[choice]
        ]


def read_orders(memory: Memory, gold: Set[str], *, draws: int) -> Orders:
    """The orders over a namespace that the built-in extractor has indexed. gold: source ids.    draws: random orders."""
    with memory.store.reading() as db:
        key = memory.store.namespace_key(memory.namespace)
        rows = named.lengths(db, -1 if key is None else key)
        signals = read_signals(db, -1 if key is None else key, rows[:, 0].tolist())
        heads = memories.heads(db, rows[:, 1].tolist())
        sources = [heads[memory_key].source_ids for memory_key in rows[:, 1].tolist()]
    is_gold = np.array([not gold.isdisjoint(ids) for ids in sources], dtype=bool)
    wanted: dict[str, list[NDArray[Any]]] = {
        VALUE: [signals.value],
        "bridge": [signals.bridge],
        "hub": [signals.hub],
        "thin": [signals.thin],
        RANDOM: [np.random.default_rng(seed).permutation(len(sources)) for seed in range(draws)],
        GOLD: [signals.value + (is_gold * 4.0 * len(sources))],  # a value is at most three times the passages
    }
    return Orders(
        {
            choice: [[sources[i] for i in np.argsort(-np.asarray(most), kind="stable").tolist()] for most in mosts]
            for choice, mosts in wanted.items()
        }
    )


class PartialExtractor:
    """An LLM that reads some passages only: the triples of another extractor for these, and none for all others.

    The store is the one that ``--llm-share`` leaves with the same choice.
    """

    def __init__(self, extractor: TripleExtractor, chosen: Set[str] | None) -> None:
        """chosen: source ids of the passages that are read; None for all."""
        self._extractor, self._chosen = extractor, chosen

    @property
    def name(self) -> str:
        """That of the extractor behind it."""
        return self._extractor.name

    @property
    def spent(self) -> Mapping[str, int]:
        """What the extractor behind it has spent."""
        return self._extractor.spent

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction | ExtractionError]]:
        """See `TripleExtractor.extract`."""
        read = []
        for place, passage in enumerate(passages):
            if self._chosen is None or not self._chosen.isdisjoint(passage.source_ids):
                read.append(place)
            else:
                yield place, Extraction()
        for position, outcome in self._extractor.extract([passages[place] for place in read]):
            yield read[position], outcome
