"""A corpus of any size, generated as it is read, and questions about it.

Each passage has a title, three sentences, two names a sentence and one topic, whose words stand in every sentence. Names
follow Zipf's law with exponent 1; so do the words of a sentence, whose first ranks are English function words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd, isqrt

import numpy as np
from numpy.typing import NDArray

from eval.bench.scale.language import (
    FUNCTION_WORDS,
    OPENERS,
    TOPIC_ENDINGS,
    VOCABULARY,
    name,
    topic_word,
    vocabulary,
    zipf,
)
from hippomem.types import Document

#: Changed whenever other text is generated from the same numbers: a kept store of another version is of no use.
VERSION = 1
SENTENCES, NAMES = 3, 2
#: Words of a sentence beside its names, its opener and its topic word.
FILLERS, FUNCTIONS = 7, 6
#: Passages drawn at once: the unit in which the corpus can be entered at any place.
_BLOCK = 256
#: What is added to a title that an earlier passage has: the extractor leaves it out of the name.
_SORTS = ("", " (film)", " (album)", " (river)", " (novel)", " (village)", " (ship)", " (song)")

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """What is drawn for n passages. names: (n, 3, 2) entities.    topics: (n,).    others: numbers of the other words."""

    names: Ints
    topics: Ints
    endings: Ints  # (n, 3)
    openers: Ints  # (n, 3)
    fillers: Ints  # (n, 3, FILLERS)
    functions: Ints  # (n, 3, FUNCTIONS)


@dataclass(frozen=True)
class Corpus:
    """Passages 0, 1, 2, …; N = *passages* settles how many entities and topics they share, and one may read further.

    The same numbers give the same text in every process.
    """

    passages: int
    seed: int = 0

    @property
    def entities(self) -> int:
        """N / 2, at least 8."""
        return max(8, self.passages // 2)

    @property
    def topics(self) -> int:
        """About the square root of N, at least 4."""
        return max(4, isqrt(self.passages))

    def documents(self, start: int = 0, stop: int | None = None) -> Iterator[Document]:
        """The passages from *start* to *stop* (default N), ``source_id`` their number, generated as they are taken."""
        for number in range(start, self.passages if stop is None else stop):
            yield self.document(number)

    def document(self, number: int) -> Document:
        """One passage."""
        drawn, at = self._block(number // _BLOCK), number % _BLOCK
        topic = int(drawn.topics[at])
        sentences = (
            _sentence(
                OPENERS[opener],
                [words[i] for i in fillers],
                [FUNCTION_WORDS[i] for i in functions],
                [self.name(entity) for entity in entities],
                topic_word(topic, ending),
            )
            for words in [vocabulary()]
            for opener, fillers, functions, entities, ending in zip(
                drawn.openers[at].tolist(),
                drawn.fillers[at].tolist(),
                drawn.functions[at].tolist(),
                drawn.names[at].tolist(),
                drawn.endings[at].tolist(),
                strict=True,
            )
        )
        return Document(" ".join(sentences), title=self.title(number), source_id=f"p{number}")

    def title(self, number: int) -> str:
        """Each entity is the title of one passage, then, with its sort, of a second; and of more beyond N."""
        times, entity = divmod(number, self.entities)
        return self.name(entity) + (_SORTS[times] if times < len(_SORTS) else f" ({times})")

    def name(self, entity: int) -> str:
        """An entity's name."""
        return _name(entity, self.entities)

    def entities_of(self, number: int) -> list[int]:
        """The six entities that a passage's sentences name, in order."""
        found: list[int] = self._block(number // _BLOCK).names[number % _BLOCK].ravel().tolist()
        return found

    def topic_of(self, number: int) -> int:
        """A passage's topic."""
        return int(self._block(number // _BLOCK).topics[number % _BLOCK])

    def entity_of_rank(self, rank: Ints) -> Ints:
        """The entity that is named so often: rank 0 most. The first titles are not the most frequent names."""
        factor = next(f for f in range(self.entities // 3 * 2 + 1, 2 * self.entities) if gcd(f, self.entities) == 1)
        found: Ints = (rank * factor + self.entities // 7) % self.entities
        return found

    def questions(self, count: int) -> list[str]:
        """*count* different questions that take two passages: a name of one, and words of another that it names."""
        rng = np.random.default_rng([self.seed, 1])
        asked: dict[str, None] = {}
        for _ in range(100 * count):
            if len(asked) == count:
                break
            first = int(rng.integers(self.passages))
            asked.setdefault(self._question(first, rng))
        return list(asked)

    def _question(self, first: int, rng: np.random.Generator) -> str:
        named = self.entities_of(first)
        bridge = named[int(rng.integers(len(named)))]
        rounds = -(-(self.passages - bridge) // self.entities)  # passages that have the bridge for their title
        second = bridge + self.entities * int(rng.integers(max(1, rounds)))
        drawn, at = self._block(second // _BLOCK), second % _BLOCK
        sentence = int(rng.integers(SENTENCES))
        a, b = (vocabulary()[i] for i in np.sort(drawn.fillers[at, sentence])[-2:].tolist())
        one, other = (topic_word(self.topic_of(second), int(ending)) for ending in rng.permutation(5)[:2])
        known = next(entity for entity in [first % self.entities, *named] if entity != bridge)
        return f"Which {one} {a} was the {other} of the {b} that {self.name(known)} is known for?"

    @cached_property
    def _laws(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        functions = len(FUNCTION_WORDS)
        return zipf(1, self.entities), zipf(1, functions), zipf(functions + 1, VOCABULARY)

    @cached_property
    def _block(self) -> _Blocks:
        return _Blocks(self)

    def draw(self, block: int) -> Block:
        """Everything that chance decides in 256 passages."""
        rng = np.random.default_rng([self.seed, 0, block])
        of_names, of_functions, of_fillers = self._laws
        shape = (_BLOCK, SENTENCES)
        ranks = np.searchsorted(of_names, rng.random((*shape, NAMES))).astype(np.int64)
        twice = ranks[..., 0] == ranks[..., 1]
        ranks[twice, 1] = (ranks[twice, 1] + 1) % self.entities
        return Block(
            names=self.entity_of_rank(ranks),
            topics=rng.integers(self.topics, size=_BLOCK),
            endings=rng.integers(len(TOPIC_ENDINGS), size=shape),
            openers=rng.integers(len(OPENERS), size=shape),
            fillers=np.searchsorted(of_fillers, rng.random((*shape, FILLERS))).astype(np.int64),
            functions=np.searchsorted(of_functions, rng.random((*shape, FUNCTIONS))).astype(np.int64),
        )


class _Blocks:
    """The blocks drawn last: passages are read in order, questions jump."""

    def __init__(self, corpus: Corpus) -> None:
        self._get = lru_cache(maxsize=8)(corpus.draw)

    def __call__(self, block: int) -> Block:
        return self._get(block)


_name = lru_cache(maxsize=1 << 15)(name)


def _sentence(opener: str, f: list[str], s: list[str], names: list[str], topic: str) -> str:
    """Words in their places. No name begins behind a function word that another name stands before: it would join them."""
    return (
        f"{opener} {f[0]} {s[0]} {f[1]} {names[0]} {s[1]} {f[2]} {s[2]} {topic} {f[3]} {s[3]} {names[1]} {s[4]} {f[4]} "
        f"{s[5]} {f[5]} {f[6]}."
    )
