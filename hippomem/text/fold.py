"""Folding and tokens, for every script.

One rule decides when two strings are the same name: NFKC, case folding, letters, marks and digits kept, everything else
a separator, an English possessive 's dropped. "北京", "São Paulo" and "Владимир" stay what they are; "NEW  YORK's" is
"new york".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import regex

#: Scripts written without spaces between words (and Hangul, whose particles stick to the noun): one token a character,
#: so that a name is found inside a longer run. Katakana writes foreign names and stays whole.
_CHARACTER = r"\p{Han}\p{Hiragana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN = regex.compile(
    rf"(?P<char>[{_CHARACTER}]\p{{M}}*)|(?:[\p{{L}}\p{{N}}--[{_CHARACTER}]][\p{{M}}ー]*)+", regex.VERSION1
)
_POSSESSIVE = regex.compile(r"(?<=\p{L})['’]s(?![\p{L}\p{N}])", regex.IGNORECASE)
_ASCII_TOKEN = re.compile(r"[A-Za-z0-9]+")
_ASCII_POSSESSIVE = re.compile(r"(?<=[A-Za-z])'[sS](?![A-Za-z0-9])")


class Token(NamedTuple):
    """A word, or one character of a script without spaces. start, end: offsets into the normalised text."""

    text: str
    folded: str
    start: int
    end: int
    character: bool


_new = tuple.__new__


def normalise(text: str) -> str:
    """NFKC, as the offsets of tokens and mentions refer to."""
    return unicodedata.normalize("NFKC", text)


def fold_token(word: str) -> str:
    """Case-fold one normalised word (NFKC again, since case folding can leave it)."""
    return word.lower() if word.isascii() else unicodedata.normalize("NFKC", word.casefold())


def tokenize(normalised: str) -> list[Token]:
    """Tokens of an already normalised text, in order; a possessive 's is no token."""
    if normalised.isascii():  # the same, in a fifth of the time
        holes = {match.start() + 1 for match in _ASCII_POSSESSIVE.finditer(normalised)} if "'" in normalised else ()
        # As Token(…) does, without a call in Python for each.
        return [
            _new(Token, (word := m[0], word.lower(), m.start(), m.end(), False))
            for m in _ASCII_TOKEN.finditer(normalised)
            if m.start() not in holes
        ]
    holes = {match.start() + 1 for match in _POSSESSIVE.finditer(normalised)}
    return [
        Token(m.group(), fold_token(m.group()), m.start(), m.end(), m.group("char") is not None)
        for m in _TOKEN.finditer(normalised)
        if m.start() not in holes
    ]


def join_key(tokens: Iterable[Token]) -> str:
    """The key of a token sequence: folded words joined by one space, none between two characters that touch."""
    parts: list[str] = []
    previous: Token | None = None
    for token in tokens:
        touching = previous is not None and previous.character and token.character and previous.end == token.start
        if previous is not None and not touching:
            parts.append(" ")
        parts.append(token.folded)
        previous = token
    return "".join(parts)


def fold(text: str) -> str:
    """The key of *text*: two names are one entity if and only if their keys are equal. May be "".

    >>> fold("The  São-Paulo's"), fold("北京 大学"), fold("***")
    ('the são paulo', '北京 大学', '')
    """
    return join_key(tokenize(normalise(text)))
