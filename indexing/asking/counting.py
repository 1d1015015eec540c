"""What a corpus holds that an LLM would read: counted to its end, sampled on the way, in constant memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from hippomem.store.coming import Coming, Known
from hippomem.store.readings import text_hash
from hippomem.text import ids
from hippomem.types import Document
from indexing.chunking import CHUNK_CHARACTERS, chunk
from indexing.extract import PassageText
from indexing.validation import check_document

#: Passages that are looked at closely: a mean of so many is within 3% where they differ as passages of a corpus do.
SAMPLE = 1000
#: Documents counted between two looks into the store.
_BATCH = 2000
#: Bits of `_Seen` (16 MB): of ten million documents 0.4% would be taken for repeated.
_BITS = 2**27


@dataclass
class Counted:
    """Passages, by what becomes of them. repeated and read cost nothing.

    documents: all of them, of which stored ones are there already; repeated ones are in the corpus before.
    passages: of documents that are not repeated.    read: those that were answered about, or failed before.
    wanted: those that a run before has left to be asked about.    sample: of those that are not read, drawn evenly.
    """

    documents: int = 0
    stored: int = 0
    repeated: int = 0
    passages: int = 0
    read: int = 0
    wanted: int = 0
    sample: list[PassageText] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """Passages that nobody was asked about, and nobody is to be asked about yet."""
        return self.passages - self.read - self.wanted


def count(
    documents: Iterable[Document],
    known: Callable[[Sequence[Coming]], Sequence[Known]],
    *,
    chunk_characters: int | None = CHUNK_CHARACTERS,
    retry_failed: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Counted:
    """Read all documents. known: looks passages up in the store.    retry_failed: those that failed are to be asked about.

    Raises EmptyTextError and InputError for a document that could not be stored.
    """
    counted, seen, reservoir = Counted(), _Seen(), _Reservoir(sample, seed)
    done = {"answered", "used"} if retry_failed else {"answered", "used", "failed"}
    coming_in = iter(documents)
    while batch := list(islice(coming_in, _BATCH)):
        fresh = []
        for document in batch:
            check_document(document)
            counted.documents += 1
            content = ids.content_id(document.title, document.text, document.occurred_at)
            if seen.add(content):
                counted.repeated += 1
            else:
                fresh.append((document, content))
        slices = [_passages(document, content, chunk_characters) for document, content in fresh]
        coming = [Coming(each.passage_id, text_hash(each.title, each.text)) for some in slices for each in some]
        found = iter(known(coming))
        for some in slices:
            states = [next(found) for _ in some]
            counted.stored += all(state.is_stored for state in states)
            counted.passages += len(some)
            for passage, state in zip(some, states, strict=True):
                if state.reading in done or (state.is_paid and not state.reading):
                    counted.read += 1
                    continue
                counted.wanted += bool(state.reading)
                reservoir.offer(passage)
        if progress is not None:
            progress("reading documents", counted.documents, 0)
    counted.sample = reservoir.drawn
    return counted


def _passages(document: Document, content: str, chunk_characters: int | None) -> list[PassageText]:
    slices = chunk(document.text, size=chunk_characters)
    return [
        PassageText(ids.passage_id(content, ordinal), document.title, document.text[start:stop])
        for ordinal, (start, stop) in enumerate(slices)
    ]


class _Reservoir:
    """An even sample of what is offered, in the order offered (Vitter's algorithm R)."""

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._random = size, random.Random(seed)  # noqa: S311 (a sample, no secret)
        self._offered = 0
        self._drawn: list[tuple[int, PassageText]] = []

    def offer(self, passage: PassageText) -> None:
        """Keep it, perhaps, in the place of another."""
        self._offered += 1
        if len(self._drawn) < self._size:
            self._drawn.append((self._offered, passage))
        elif (place := self._random.randrange(self._offered)) < self._size:
            self._drawn[place] = self._offered, passage

    @property
    def drawn(self) -> list[PassageText]:
        """The sample."""
        return [passage for _, passage in sorted(self._drawn)]


class _Seen:
    """Which ids came before: a Bloom filter, so that memory does not grow with the corpus."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)

    def add(self, hex_id: str) -> bool:
        """Whether it was there already, or, rarely, looks as if."""
        was_there = True
        for start in range(0, 32, 8):  # four independent numbers of 32 bits
            byte, bit = divmod(int(hex_id[start : start + 8], 16) % _BITS, 8)
            was_there = was_there and bool(self._bits[byte] >> bit & 1)
            self._bits[byte] |= 1 << bit
        return was_there
