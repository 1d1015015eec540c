"""Chunking: the passages of a document are the document."""

from __future__ import annotations

import itertools
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.text.sentences import split_sentences
from hippomem.types import Document
from indexing.chunking import CHUNK_CHARACTERS, chunk, needs_chunking

sentences = st.sampled_from(
    [
        "Short.",
        "A sentence of middle length, with Dr. Ada in it.",
        "北京是首都。",
        "word " * 40 + "end!",
        "x" * 150 + ".",
    ]
)
texts = st.lists(sentences, min_size=1, max_size=40).map(" ".join)
sizes = st.integers(50, 400)


@given(texts, sizes)
@settings(max_examples=150, deadline=None)
def test_slices_cover_the_text_in_order(text: str, size: int) -> None:
    """Each character is in exactly one slice, in order, and no slice is empty."""
    slices = chunk(text, size=size)
    assert slices[0][0] == 0
    assert slices[-1][1] == len(text)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(slices))
    assert all(text[start:stop].strip() for start, stop in slices)


@given(texts, sizes)
@settings(max_examples=150, deadline=None)
def test_each_sentence_once_and_whole(text: str, size: int) -> None:
    """The passages' sentences, one after the other, are the document's."""
    parts = [sentence for start, stop in chunk(text, size=size) for sentence in split_sentences(text[start:stop])]
    assert parts == split_sentences(text)


@given(texts, sizes)
@settings(max_examples=150, deadline=None)
def test_balanced(text: str, size: int) -> None:
    """No passage exceeds the size by more than a sentence, and none is a short tail beside what sentences allow."""
    longest = max(map(len, split_sentences(text)))
    lengths = [stop - start for start, stop in chunk(text, size=size)]
    assert max(lengths) <= size + longest + 1
    if len(lengths) > 1:
        assert min(lengths) >= len(text) / -(-len(text) // size) - 1.5 * (longest + 1)


@given(st.text(min_size=1), st.integers(1, 30))
def test_any_text(text: str, size: int) -> None:
    """The same cover holds over all of Unicode."""
    slices = chunk(text, size=size)
    assert "".join(text[start:stop] for start, stop in slices) == text


def test_a_text_that_fits_is_one_passage() -> None:
    """At most the size: one passage; without a size: one passage, however long."""
    text = "Ada lives. " * 500
    assert chunk("x" * CHUNK_CHARACTERS) == [(0, CHUNK_CHARACTERS)]
    assert chunk(text, size=None) == [(0, len(text))]
    assert len(chunk(text)) == 5
    assert needs_chunking(Document(text))
    assert not needs_chunking(Document(text), size=None)
    assert not needs_chunking(Document("Ada lives."))


def test_five_megabytes_are_quick() -> None:
    """A book, or a file without a single full stop, is cut in seconds, even on a busy machine."""
    for text in ("Ada lives in Rome. " * 270_000, "word " * 1_000_000, "x" * 5_000_000):
        start = time.perf_counter()
        slices = chunk(text)
        assert max(stop - first for first, stop in slices) <= 2 * CHUNK_CHARACTERS
        assert time.perf_counter() - start < 20
