"""Words and terms of the lexical index.

A *word* is what the inverted index holds: a folded token, or a pair of neighbouring characters in scripts without spaces
(as Lucene's CJKAnalyzer does). A *term* is what BM25 counts: the Snowball stem of a word that is no stop word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

from hippomem.text.fold import Token, normalise, tokenize

#: English function words; the list is short on purpose: a rare word that is dropped cannot be found again.
STOP_WORDS = frozenset(
    """a about above after again against all also am an and any are as at be because been before being below between both
    but by can could did do does doing down during each else ever few for from further had has have having he her here hers
    herself him himself his how i if in into is it its itself just me more most my myself no nor not now of off on once only
    or other our ours ourselves out over own same she should so some such than that the their theirs them themselves then
    there these they this those through to too under until up upon us very was we were what when where which while who whom
    whose why will with would you your yours yourself yourselves""".split()
)

_stem = snowballstemmer.stemmer("english").stemWord


def words(tokens: Sequence[Token]) -> list[str]:
    """Words of a token sequence, in order: word tokens as they are, runs of single characters as their bigrams."""
    if not any(token.character for token in tokens):
        return [token.folded for token in tokens]
    out: list[str] = []
    run: list[Token] = []

    def flush() -> None:
        if len(run) == 1:
            out.append(run[0].folded)
        out.extend(a.folded + b.folded for a, b in pairwise(run))
        run.clear()

    for token in tokens:
        if token.character and (not run or run[-1].end == token.start):
            run.append(token)
            continue
        flush()
        if token.character:
            run.append(token)
        else:
            out.append(token.folded)
    flush()
    return out


def count_words(text: str) -> Counter[str]:
    """How often each word stands in *text*."""
    return Counter(words(tokenize(normalise(text))))


@lru_cache(maxsize=1 << 17)
def term_of(word: str) -> str | None:
    """The term that a word counts as; None for a stop word."""
    return None if word in STOP_WORDS else _stem(word)


def terms(text: str) -> list[str]:
    """Terms of *text*, in order, repeats kept.

    >>> terms("The mothers of the kings")
    ['mother', 'king']
    """
    return terms_of(tokenize(normalise(text)))


def terms_of(tokens: Sequence[Token]) -> list[str]:
    """Terms of a tokenised text, in order, repeats kept."""
    return [term for term in map(term_of, words(tokens)) if term is not None]
