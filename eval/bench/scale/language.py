"""Words of a made-up language: names, topic words and a vocabulary, each a function of a number.

Nothing is stored that grows with a corpus: the name of entity 400,000 is computed when it is written.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: English function words, roughly by frequency: the first ranks of the law that all words of a sentence are drawn from.
FUNCTION_WORDS: tuple[str, ...] = tuple(
    """the of and to in a is that for it as was with be by on not he this are or his from at which but have an had they
    you were their all we can her has there been if more when will would who so no she other its these than
    then some him do into about my our out up them any only over such most through after before did where
    between those both under""".split()
)
#: Capitalised words that open a sentence; the extractor knows that they are no names.
OPENERS: tuple[str, ...] = tuple("The In A After For It As With When This".split())
VOCABULARY = 50_000
#: Words of one topic: a root and an ending.
TOPIC_ENDINGS: tuple[str, ...] = ("k", "m", "p", "t", "x")
#: Letters of a topic word that its topic decides. No other word begins with these two.
TOPIC_START, TOPIC_ROOT = "qu", 6

_SYLLABLES: tuple[str, ...] = tuple(onset + vowel for vowel in "aeiou" for onset in "bdfghjklmnprstvz")
#: A factor that shares no divisor with the number of two-syllable words, so that neighbours in number look different.
_SPREAD = 2_741


def word(number: int, ending: str = "") -> str:
    """The word of a number: at least two syllables, then *ending*. Two numbers never share a word.

    >>> word(0), word(1, "n"), word(7000)
    ('baba', 'jefin', 'mibatu')
    """
    pairs, rest = divmod(number, len(_SYLLABLES) ** 2)
    rest = rest * _SPREAD % len(_SYLLABLES) ** 2
    syllables = [_SYLLABLES[rest % 80], _SYLLABLES[rest // 80]]
    while pairs:
        pairs, last = divmod(pairs - 1, len(_SYLLABLES))
        syllables.insert(1, _SYLLABLES[last])
    return "".join(syllables) + ending


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """The 50,000 lower-case words, the most frequent (and shortest) first."""
    return tuple(word(number, TOPIC_ENDINGS[number % 5]) for number in range(VOCABULARY))


def topic_word(topic: int, ending: int) -> str:
    """One of a topic's five words; two of its words share their first `TOPIC_ROOT` letters."""
    return TOPIC_START + word(topic) + TOPIC_ENDINGS[ending]


def name(entity: int, entities: int) -> str:
    """The name of one of so many entities: one to three capitalised words, different for each.

    A quarter has one word of its own. Most have two, of which the first is shared with about sqrt(entities) others, and
    the second with fewer. One in eight has three; of these one in four only adds a word to the name before it in number.
    """
    kind = entity % 8
    if kind < 2:
        return word(entity, "ra").capitalize()
    if kind < 7:
        return _two_words(entity, entities)
    if entity % 32 == 31:
        return f"{_two_words(entity - 1, entities)} {word(entity, 'lo').capitalize()}"
    return f"{_given(entity, entities)} {word(entity, 'ni').capitalize()} {word(entity // 64, 's').capitalize()}"


def _given(number: int, entities: int) -> str:
    return word(number % _givens(entities), "n").capitalize()


def _givens(entities: int) -> int:
    return max(8, round(float(np.sqrt(entities))))


def _two_words(entity: int, entities: int) -> str:
    given = entity % _givens(entities)
    # The pair (entity mod G, entity div G) is the number again, so no two names are equal.
    family = (entity // _givens(entities)) * 8 + given % 8
    return f"{word(given, 'n').capitalize()} {word(family, 's').capitalize()}"


def zipf(first: int, count: int) -> NDArray[np.float64]:
    """(count,) cumulated probabilities, of ranks *first* and on, each drawn in proportion to 1 / rank."""
    cumulated = np.cumsum(1.0 / np.arange(first, first + count))
    shares: NDArray[np.float64] = cumulated / cumulated[-1]
    return shares
