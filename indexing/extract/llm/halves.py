"""A passage that is too long for a model, in two; and what was read in the parts, as one."""

from __future__ import annotations

from collections.abc import Iterable

from hippomem.text.sentences import split_sentences
from hippomem.types import Extraction
from indexing.extract import PassageText
from indexing.extract.llm.answers import MAX_TRIPLES


def halves(passage: PassageText) -> tuple[PassageText, PassageText] | None:
    """The passage cut at the sentence end nearest to its middle, each part under its title; None for one sentence."""
    starts, at = [], 0
    for sentence in split_sentences(passage.text):
        at = passage.text.index(sentence, at)
        starts.append(at)
        at += len(sentence)
    if len(starts) < 2:
        return None
    middle = len(passage.text) / 2
    cut = min(starts[1:], key=lambda start: abs(start - middle))
    first, second = passage.text[:cut].rstrip(), passage.text[cut:]
    return passage._replace(text=first), passage._replace(text=second)


def merged(parts: Iterable[Extraction]) -> Extraction:
    """All that the parts say, in order, each name and each triple once; at most ``MAX_TRIPLES``."""
    parts = list(parts)
    entities = dict.fromkeys(entity for part in parts for entity in part.entities)
    triples = dict.fromkeys(triple for part in parts for triple in part.triples)
    return Extraction(tuple(entities), tuple(triples)[:MAX_TRIPLES])
