"""Step 1: cut a long document into passages at sentence ends."""

from __future__ import annotations

import math

from hippomem.text.sentences import split_sentences
from hippomem.types import Document

#: About what the default encoder reads of a passage (256 word pieces); longer text would be cut off unseen.
CHUNK_CHARACTERS = 1200


def chunk(text: str, *, size: int | None = CHUNK_CHARACTERS) -> list[tuple[int, int]]:
    """Passages of *text* as (start, stop) slices, in order, none empty, covering every sentence exactly once.

    A text of at most *size* characters, or any text when *size* is None, is one passage. A longer one is cut into pieces
    of nearly equal length (no short tail), each ending at a sentence end; a piece exceeds *size* by at most one sentence.
    """
    if size is None or len(text) <= size:
        return [(0, len(text))]
    target = len(text) / math.ceil(len(text) / size)
    slices: list[tuple[int, int]] = []
    start = position = 0
    for sentence in split_sentences(text):
        at = text.index(sentence, position)
        # The sentence opens a new piece when the present one is nearer to its target without it.
        if at > start and at + len(sentence) / 2 - start > target:
            slices.append((start, at))
            start = at
        position = at + len(sentence)
    slices.append((start, len(text)))
    return slices


def needs_chunking(document: Document, *, size: int | None = CHUNK_CHARACTERS) -> bool:
    """Whether the document becomes more than one passage."""
    return len(chunk(document.text, size=size)) > 1
