"""Find the concepts of a query in the graph, and what links passages, without a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture
from hippomem.text.fold import join_key, normalise, tokenize
from hippomem.text.mentions import Mention, find_spans, match_gazetteer, ngrams
from hippomem.text.words import STOP_WORDS

#: Words that open or shape a question and name nothing, though they may be capitalised.
_QUESTION_WORDS = frozenset(
    """what which who whom whose when where why how name tell give list find explain describe compare did does do is are was
    were can could has have had will would please""".split()
)
#: Longest title looked for, in tokens.
_MAX_TITLE = 12


def query_mentions(query: str, known: Callable[[str], bool]) -> list[Mention]:
    """Names in a query: what it shows by itself, and every name the graph knows, by longest match; each key once.

    A query in lower case throughout may name things in lower case. Question words, stop words and keys of one or two
    ASCII characters are no names.
    """
    normalised = normalise(query)
    found = {mention.key: mention for mention in find_spans(normalised)}
    # Without any capital in the query, capitals cannot tell a name from a word: let every word count as capitalised.
    text = normalised if any(c.isupper() for c in normalised[1:]) else normalised.title()
    same_length = len(text) == len(normalised)
    for mention in match_gazetteer(
        text if same_length else normalised, tokenize(text if same_length else normalised), known
    ):
        found.setdefault(mention.key, mention)
    return [mention for mention in found.values() if _names_something(mention.key)]


def _names_something(key: str) -> bool:
    words = key.split()
    if all(word in _QUESTION_WORDS or word in STOP_WORDS for word in words):
        return False
    return not (key.isascii() and len(key) <= 2)


def names_in_query(query: str) -> set[str]:
    """Keys of all token sequences of a query that may be names: what to look up before `query_mentions`."""
    return ngrams(tokenize(normalise(query)))


def title_names(query: str) -> set[str]:
    """Folded token sequences of a query that may be titles: what to look up before `titles_in_query`."""
    tokens = tokenize(normalise(query))
    return {join_key(tokens[i:j]) for i in range(len(tokens)) for j in range(i + 1, min(len(tokens), i + _MAX_TITLE) + 1)}


def titles_in_query(query: str, known: Callable[[str], bool]) -> list[str]:
    """Titles that a query spells out, by greedy longest match over folded words, in order.

    A title of one stop word ("It") is never taken from running text.
    """
    tokens = tokenize(normalise(query))
    found: list[str] = []
    i = 0
    while i < len(tokens):
        for j in range(min(len(tokens), i + _MAX_TITLE), i, -1):
            key = join_key(tokens[i:j])
            if known(key) and not all(token.folded in STOP_WORDS for token in tokens[i:j]):
                found.append(key)
                i = j
                break
        else:
            i += 1
    return found


#: Entities in more passages than this join everything with everything.
HUB = 50
#: A shared name links fully when it stands in at most this many passages; several frequent ones add up.
_RARE = 5


def passage_links(picture: Picture, passages: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, n) how passages are linked, symmetric, 0 on the diagonal, in [0, 2].

    1 if one of the two mentions the title of the other, plus min(1, Σ 5 / df) over the entities that both mention and that
    2 to 50 passages do.
    """
    a = picture.arrays
    facts, stated = picture.facts_of_passages(passages)
    entities, sizes = picture.entities_of_facts(facts)
    owner = np.repeat(np.repeat(np.arange(len(passages)), stated), sizes)
    columns, at = np.unique(entities, return_inverse=True)
    mentioned = np.zeros((len(passages), len(columns)))
    mentioned[owner, at] = 1.0
    frequency = a.frequency[columns].astype(np.float64)
    telling = np.where((frequency >= 2) & (frequency <= HUB), _RARE / np.maximum(frequency, 1.0), 0.0)
    # Row by row, so that a sum does not depend on the order in which names are numbered.
    telling_mentions = mentioned[:, np.argsort(a.entity_hash[columns])]
    weights = telling[np.argsort(a.entity_hash[columns])]
    shared = np.minimum(np.einsum("ie,je->ij", telling_mentions * weights, telling_mentions), 1.0)
    titles = a.title_entity[passages].astype(np.int64)
    has = np.flatnonzero(np.isin(titles, columns))
    named = np.zeros_like(shared)
    named[:, has] = mentioned[:, np.searchsorted(columns, titles[has])]
    links: NDArray[np.float64] = np.maximum(named, named.T) + shared
    np.fill_diagonal(links, 0.0)
    return links
