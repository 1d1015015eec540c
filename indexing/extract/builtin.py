"""Facts without a model: each sentence is a fact, the names in it are its entities.

What a sentence alone shows to be a name is found here; names that only the rest of the corpus knows are added by
`indexing.naming`. LinearRAG (2025) showed that relations are not needed for the graph to work; the sentence itself says
how its entities relate, and the encoder reads it better than a triple.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hippomem.store.facts import SPAN, TITLE, Statement
from hippomem.text.fold import normalise, tokenize
from hippomem.text.mentions import spans_of, title_key
from hippomem.text.sentences import split_sentences
from hippomem.text.words import words


def sentence_statements(title: str, text: str) -> list[Statement]:
    """The sentences of a passage as statements, in order. The title's entity is an entity of every sentence of it: that
    is what "he", "the band" and "the city" most often stand for.
    """
    statements = []
    key = title_key(title)
    for sentence in split_sentences(text):
        normalised = normalise(sentence)
        tokens = tokenize(normalised)
        mentions = {mention.key: (SPAN, mention.surface) for mention in spans_of(normalised, tokens)}
        if key:
            roles, surface = mentions.get(key, (0, title))
            mentions[key] = (roles | TITLE, surface)
        statements.append(
            Statement(
                "sentence",
                subject=title,
                predicate="",
                object=sentence,
                mentions=mentions,
                words=Counter(words(tokens)),
            )
        )
    return statements


def all_statements(texts: Sequence[tuple[str, str]]) -> list[list[Statement]]:
    """The statements of many passages, each a (title, text), in order."""
    return [sentence_statements(title, text) for title, text in texts]
