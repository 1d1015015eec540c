"""Find the concepts of a query in the graph, without a model."""

from __future__ import annotations

from collections.abc import Callable

from hippomem.text.fold import join_key, normalise, tokenize
from hippomem.text.mentions import Mention, find_spans, match_gazetteer
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
