"""Find the concepts of a query in the graph, and what links passages, without a model."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture, name_hash
from hippomem.text.fold import Token, normalise, tokenize
from hippomem.text.mentions import Mention, find_spans, keys_from, match_gazetteer, ngrams
from hippomem.text.words import STOP_WORDS

#: Words that open or shape a question and name nothing, though they may be capitalised.
_QUESTION_WORDS = frozenset(
    """what which who whom whose when where why how name tell give list find explain describe compare did does do is are was
    were can could has have had will would please""".split()
)
#: Longest title looked for, in tokens.
_MAX_TITLE = 12


def query_mentions(
    query: str, known: Callable[[str], bool], opens: Callable[[str], bool] | None = None
) -> list[Mention]:
    """Names in a query: what it shows by itself, and every name the graph knows, by longest match; each key once.

    A query in lower case throughout may name things in lower case. Question words, stop words and keys of one or two
    ASCII characters are no names.    opens: see `match_gazetteer`.
    """
    normalised = normalise(query)
    found = {mention.key: mention for mention in find_spans(normalised)}
    # Without any capital in the query, capitals cannot tell a name from a word: let every word count as capitalised.
    text = normalised if any(c.isupper() for c in normalised[1:]) else normalised.title()
    same_length = len(text) == len(normalised)
    for mention in match_gazetteer(
        text if same_length else normalised, tokenize(text if same_length else normalised), known, opens
    ):
        found.setdefault(mention.key, mention)
    return [mention for mention in found.values() if _names_something(mention.key)]


def _names_something(key: str) -> bool:
    words = key.split()
    if all(word in _QUESTION_WORDS or word in STOP_WORDS for word in words):
        return False
    return not (key.isascii() and len(key) <= 2)


@dataclass(frozen=True)
class QueryNames:
    """Every token sequence of a query that may be a name or a title.

    tokens: of the normalised query.    titles: of each token, the keys of the sequences that begin there, by length.
    names: keys that may be names → their hash.    hashes: the same of all keys.
    """

    tokens: list[Token]
    titles: list[list[str]]
    names: dict[str, int]
    hashes: dict[str, int]

    @classmethod
    def of(cls, query: str) -> QueryNames:
        """Read a query once, for all that look its names up."""
        tokens = tokenize(normalise(query))
        titles = [keys_from(tokens, i, min(len(tokens), i + _MAX_TITLE)) for i in range(len(tokens))]
        names = ngrams(tokens)
        hashes = {key: name_hash(key) for key in names.union(*titles)}
        return cls(tokens, titles, {key: hashes[key] for key in names}, hashes)

    def spelled_out(self, known: Container[str]) -> list[str]:
        """Titles that the query spells out, by greedy longest match over folded words, in order.

        A title of one stop word ("It") is never taken from running text.
        """
        found: list[str] = []
        i = 0
        while i < len(self.tokens):
            for length in range(len(self.titles[i]), 0, -1):
                key = self.titles[i][length - 1]
                if key in known and not all(token.folded in STOP_WORDS for token in self.tokens[i : i + length]):
                    found.append(key)
                    i += length
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
    # By passage, then by content: sums do not depend on the order in which names are numbered.
    order = np.lexsort((a.entity_hash[entities], owner))
    links = np.zeros((len(passages), len(passages)))
    _links_kernel()(entities[order], owner[order], a.entity_hash, a.frequency, a.title_entity[passages], links)
    return links


@cache
def _links_kernel() -> Any:
    from numba import njit

    @njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
    def join(entities, owner, hashes, frequency, titles, links):  # type: ignore[no-untyped-def]
        n = len(links)
        first = np.searchsorted(owner, np.arange(n + 1))
        for i in range(n):
            for j in range(i + 1, n):
                shared = 0.0
                named = 0.0
                at, other = first[i], first[j]
                while at < first[i + 1] and other < first[j + 1]:
                    a, b = entities[at], entities[other]
                    if a == b:
                        if 2 <= frequency[a] <= HUB:
                            shared += _RARE / frequency[a]
                        while at < first[i + 1] and entities[at] == a:
                            at += 1
                        while other < first[j + 1] and entities[other] == a:
                            other += 1
                    elif hashes[a] < hashes[b]:
                        at += 1
                    else:
                        other += 1
                for at in range(first[i], first[i + 1]):
                    if titles[j] >= 0 and entities[at] == titles[j]:
                        named = 1.0
                for other in range(first[j], first[j + 1]):
                    if titles[i] >= 0 and entities[other] == titles[i]:
                        named = 1.0
                links[i, j] = links[j, i] = named + min(shared, 1.0)

    return join
