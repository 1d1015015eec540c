"""The general case: a statement that differs from another in nothing but its numbers answers the same question."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word
from hippomem.text.claims.function_words import (
    ADVERBS,
    AUXILIARIES,
    BE_PAST,
    MAGNITUDES,
    MONTHS,
    NUMBERS,
    QUANTIFIERS,
    STOPPERS,
    WEEKDAYS,
)
from hippomem.text.claims.inflections import PAST, PRESENT
from hippomem.text.claims.making import Claim, make
from hippomem.text.claims.subjects import Context, read_subject

MAX_WORDS = 16
#: What is said of one occasion, of somebody unnamed, or of a part, may be said again of another.
_OCCASION = (
    frozenset(
        """today yesterday tonight tomorrow this these that last next another other others ago more less so far here there it
        he she they him her them you your their his its first second third during each every both not never no than least
        most one meeting call appointment""".split()
    )
    | WEEKDAYS
    | QUANTIFIERS
) - {"every", "one", "each"}
_IRREGULAR_PAST = frozenset(
    """ran won ate went bought saw met made came gave spent lost felt found kept slept wrote brought thought taught caught
    beat hit put let shot flew swam sang drew threw stood sat spoke broke chose rode hurt""".split()
)
#: "16th", "1960s"
_NO_AMOUNTS = ("st", "nd", "rd", "th", "0s")
_PER = frozenset("day week month year hour minute second night morning time seat person head".split())


def same_words(words: list[Word], context: Context) -> list[Claim]:
    """The claim of a clause in the present about a named, owned or definite subject with numbers behind its verb.

    "My commute takes 40 minutes": the slot is the clause without its numbers, the value the numbers. Nothing when the clause
    tells of the past, of one occasion, or of one of several.
    """
    while words and words[-1].low in ("now", "currently", "again", "lately"):
        words = words[:-1]
    if not 3 <= len(words) <= MAX_WORDS:
        return []
    verb = _verb_at(words)
    if not verb or any(_forbids(words, i) for i in range(len(words))):
        return []
    subject = read_subject(words[:verb], context, opens=False)
    if subject is None or subject.kind in ("title", "any"):
        return []
    template: list[str] = []
    numbers: list[str] = []
    for i in range(verb, len(words)):
        word = words[i]
        near = words[max(verb, i - 1) : i] + words[i + 1 : i + 2]
        dates = word.low in MONTHS and word.name and any(values.is_number(w) for w in near)
        if values.is_year(word) or (word.low[:1].isdigit() and word.low.endswith(_NO_AMOUNTS)):
            return []
        before = words[i - 1]
        if values.is_number(word) and i - 1 > verb and not (before.low in STOPPERS or _counts(before)):
            return []  # "PR 12" is a name
        if (values.is_number(word) and word.low != "one") or dates or (numbers and word.low in MAGNITUDES):
            numbers.append(NUMBERS.get(word.low, word.low))
            template.append("#")
        else:
            template.append(word.low)
    return make(subject.whole, " ".join(template), " ".join(numbers)) if numbers else []


def _counts(word: Word) -> bool:
    """Whether a number may follow the word and still be an amount."""
    return (
        values.is_number(word)
        or word.low in ADVERBS
        or word.low in MONTHS
        or word.low in ("around", "over", "me", "us")
    )


def _verb_at(words: list[Word]) -> int:
    """Index of what can be the verb: behind "I", or the first word in the third person of the present; 0 for none."""
    if words[0].low in ("i", "we"):
        return 1 if not words[1].name else 0
    for i in range(1, min(len(words) - 1, 8)):
        low = words[i].low
        if low in AUXILIARIES or (low in PRESENT and low.endswith("s")):
            return i
        if i > 1 and low.endswith("s") and not low.endswith("ss") and not words[i].name and not words[i].owns:
            return i
    return 0


def _forbids(words: list[Word], i: int) -> bool:
    low = words[i].low
    if low in ("a", "an"):
        return i + 1 >= len(words) or words[i + 1].low not in _PER
    past = low in BE_PAST or low in ("had", "did", "been", "will") or low in _IRREGULAR_PAST
    past = past or (low in PAST and low not in PRESENT) or low.endswith("ed")
    passive = i > 0 and words[i - 1].low in ("is", "are")
    return low in _OCCASION or (past and not passive)
