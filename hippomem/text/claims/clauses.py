"""A sentence as words and clauses: what the reader of claims walks over."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from hippomem.text.claims.function_words import CONJUNCTIONS, CONTRACTIONS
from hippomem.text.fold import fold, fold_token, normalise

_LEFT = "\"'“”‘’«»[{*_`"
_RIGHT = "\"'”“’‘»]}*_`"
_ENDS = ".,;:!?…。！？،؛"
_SHORT = {"'ll": "will", "'d": "would", "'re": "are", "'ve": "have"}
_DASHES = frozenset(["-", "–", "—", "--", "|", "/", "&", "+", "="])
_ABBREVIATIONS = frozenset("mr mrs ms dr prof st gen col lt capt sgt rev hon no jr sr mt ft vs approx".split())


class Word(NamedTuple):
    """One word. text: as written, without punctuation.    low: folded case.    name: it has a capital or a digit first.

    owns: it ended in a possessive 's, which text leaves out.
    """

    text: str
    low: str
    name: bool
    owns: bool = False


class Clause(NamedTuple):
    """Words up to a comma, a stop or a conjunction. opener: the conjunction it opens with, or "," or ""."""

    words: list[Word]
    opener: str
    ends_with_colon: bool = False


def key(words: list[Word]) -> str:
    """The folded form of a run of words."""
    return fold(" ".join(word.text for word in words))


@lru_cache(maxsize=1 << 14)
def word(text: str, owns: bool = False) -> Word:
    """A word as it stands in a sentence."""
    low = text.lower() if text.isascii() else fold_token(text)
    return Word(text, low, text[:1].isdigit() or text[:1] in "$€£¥" or text != low, owns)


def clauses_of(sentence: str) -> list[Clause]:
    """Clauses of *sentence*, in order; what stands in parentheses is left out. Linear in the length."""
    if not sentence.isascii():
        sentence = normalise(sentence).replace("’", "'")
    found: list[Clause] = []
    words: list[Word] = []
    opener = ""
    depth = 0

    def close(next_opener: str, *, colon: bool = False) -> None:
        nonlocal words, opener
        if words:
            found.append(Clause(words, opener, colon))
            words, opener = [], next_opener
        elif opener in ("", ","):
            opener = next_opener or opener

    for piece in sentence.split():
        if not depth and piece.isalnum():  # most words
            low = piece.lower()
            if low in CONJUNCTIONS and (low != "that" or words):
                close(low)
            else:
                words.append(word(piece))
            continue
        if piece in _DASHES and piece != "&":
            close(",")
            continue
        opens, depth_before = piece.count("("), depth
        depth = max(0, depth + opens - piece.count(")"))
        if depth_before or opens:  # "(the older one)": no part of what is stated
            if not depth and piece[-1] in ",;:.":
                close(",")
            continue
        text = piece.lstrip(_LEFT)
        owns = text.endswith(("s'", "s'.", "s',"))
        core = text.rstrip(_RIGHT)
        bare = core.rstrip(_ENDS).rstrip(_RIGHT)
        stops = core != bare.rstrip(_RIGHT) and len(core) > len(bare)
        if not bare:
            close(",") if piece[-1:] in _ENDS else None
            continue
        low = bare.lower()
        if stops and core.endswith(".") and (low in _ABBREVIATIONS or len(bare) == 1 or low in ("a.m", "p.m", "u.s")):
            stops = False
        if low in CONTRACTIONS or low.endswith(("'ll", "'d", "'re", "'ve")):
            first, *rest = CONTRACTIONS.get(low) or (bare[: low.rindex("'")], _SHORT[low[low.rindex("'") :]])
            words.append(Word(first, first, name=False) if low in CONTRACTIONS else word(first))
            words.extend(Word(part, part, name=False) for part in rest)
        elif low in CONJUNCTIONS and (low != "that" or words):
            close(low)
        else:
            if len(bare) > 2 and bare[-2:].lower() == "'s":
                bare, owns = bare[:-2], True
            words.append(word(bare, owns))
        if stops:
            close(",", colon=core.endswith(":"))
    close("")
    return found
