"""Reading values: names, numbers, days and times, phrases. Each reader says where it stopped."""

from __future__ import annotations

from typing import NamedTuple

from hippomem.text.claims.clauses import Word, key
from hippomem.text.claims.function_words import (
    ADVERBS,
    MAGNITUDES,
    MONTHS,
    NAME_CONNECTORS,
    NOT_IN_NOUN_PHRASE,
    NUMBERS,
    PREPOSITIONS,
    STOPPERS,
    TIME_WORDS,
    UNITS,
    WEEKDAYS,
)
from hippomem.text.claims.places import COUNTRIES, REGIONS

Words = list[Word]
MAX_VALUE_WORDS = 7
_DETERMINERS = frozenset(["the", "a", "an", "my", "our"])
#: In text without capitals these look like names.
_NO_NAMES = frozenset(
    "home night work school my our his her their your times weekends once first least all best it".split()
)
_FIRMS = frozenset(["plc", "ltd", "inc", "llc", "gmbh"])
_ORDINALS = ("st", "nd", "rd", "th")


class Value(NamedTuple):
    """A value that was read. text: folded.    rest: the words behind it."""

    text: str
    rest: Words


def is_year(word: Word) -> bool:
    """Whether the word is a year from 1000 to 2199."""
    return len(word.text) == 4 and word.text.isdigit() and word.text[:1] in "12" and word.text < "2200"


def is_number(word: Word) -> bool:
    """Whether the word is a number: digits, with a sign of a currency or a unit stuck to it, or a small number word."""
    text = word.text.lstrip("$€£¥~+-")
    return text[:1].isdigit() or word.low in NUMBERS


def name(words: Words, *, lower: bool = False) -> Value | None:
    """A proper name at the front of *words*. lower: the text has no capitals, take what stands before a stopper."""
    start = 1 if words and words[0].low in ("the", "a", "an") else 0
    called = next((i for i, word in enumerate(words[:5]) if word.low in ("called", "named")), 0)
    if start and called > 1:  # "a startup called Nimbus"
        start = called + 1
    taken = start
    while taken < len(words) and taken - start < MAX_VALUE_WORDS:
        this = words[taken]
        linked = this.low in NAME_CONNECTORS and taken > start and _name_follows(words, taken + 1)
        linked = linked or (this.low in _FIRMS and taken > start)
        if not ((this.name and not _is_time(this)) or linked or (lower and not start and this.low not in STOPPERS)):
            break
        taken += 1
    if taken == start or words[taken - 1].owns:
        return None
    if taken < len(words) and taken - start < MAX_VALUE_WORDS and not _ends_phrase(words[taken]):
        return None  # "moved to Rome street food": not the whole of it
    if taken - start == 1 and is_year(words[start]):
        return None  # "written in 1899"
    if lower and any(word.low in _NO_NAMES or word.low in NOT_IN_NOUN_PHRASE for word in words[start:taken]):
        return None
    text = key(words[start:taken])
    return Value(text, words[taken:]) if text else None


def _name_follows(words: Words, at: int) -> bool:
    return any(word.name for word in words[at : at + 2]) and (
        at < len(words) and (words[at].name or words[at].low in NAME_CONNECTORS)
    )


def _is_time(word: Word) -> bool:
    return word.low in WEEKDAYS or (word.low in MONTHS and word.name and word.low not in ("may", "march", "mar"))


def _ends_phrase(word: Word) -> bool:
    return word.low in STOPPERS or word.low in ADVERBS or word.low in NOT_IN_NOUN_PHRASE or word.low in PREPOSITIONS


def number(words: Words) -> Value | None:
    """A number with its magnitude and unit: "49 dollars", "3.2 million", "82 kg". "a month", "per seat" are left out."""
    if words and words[0].low in ("about", "around", "roughly", "only", "over", "under", "exactly"):
        words = words[1:]
    if not words or not is_number(words[0]) or (len(words) > 1 and words[1].low == "of" and words[0].low in NUMBERS):
        return None
    taken = 1
    while taken < len(words) and (
        words[taken].low in MAGNITUDES or words[taken].low in UNITS or is_number(words[taken])
    ):
        taken += 1
    text = " ".join(NUMBERS.get(word.low, key([word])) for word in words[:taken])
    return Value(text, words[taken:]) if text.strip() else None


def place_attribute(value: str) -> str:
    """Living in Rome and living in Italy answer two questions."""
    return "country" if value in COUNTRIES else "region" if value in REGIONS else "place"


def measured(attribute: str, value: str) -> tuple[str, str]:
    """Attribute and value of a thing without a noun: "is 20 degrees" answers nothing that "is 30 square metres" does."""
    first, *unit = value.split()
    split = attribute == "is" and unit and first[:1].isdigit() and not any(word[:1].isdigit() for word in unit)
    return (f"is in {' '.join(unit)}", first) if split else (attribute, value)


class When(NamedTuple):
    """A day and a time, folded, either may be ""."""

    day: str
    time: str
    rest: Words


def when(words: Words, *, hour: bool = False) -> When | None:
    """A day, a time, or both: "Tuesday", "May 3", "14 May 2025", "Monday at 3 pm", "10:00", "noon".

    hour: a bare number at the front is one ("at 9").
    """
    day: Words = []
    time: Words = []
    at = 0
    while at < len(words) and len(day) + len(time) < MAX_VALUE_WORDS:
        this = words[at]
        bare = this.low[:-1] if this.low.endswith("s") and this.low[:-1] in WEEKDAYS else this.low
        if bare in WEEKDAYS or this.low in MONTHS or is_year(this):
            day.append(this._replace(text=bare))
        elif (
            _is_clock(words, at)
            or (this.low in TIME_WORDS and this.low != "tomorrow")
            or (((hour and not at) or (at and words[at - 1].low == "at")) and _is_hour(words, at))
        ):
            time.append(this)
        elif this.low == "tomorrow":
            day.append(this)
        elif _is_day_number(words, at):
            day.append(this._replace(text=this.text.rstrip("stndrh") or this.text))
        elif (
            this.low in ("on", "at", "the", "of", "from")
            and at + 1 < len(words)
            and (_is_when(words, at + 1) or (this.low == "at" and at and _is_hour(words, at + 1)))
        ):
            pass
        else:
            break
        at += 1
    if not day and not time:
        return None
    return When(key(day), key(time), words[at:])


def _is_clock(words: Words, at: int) -> bool:
    low = words[at].low
    if not low[:1].isdigit():
        return False
    if ":" in low or low.endswith(("am", "pm")) or (low.endswith("h") and low[:-1].isdigit()):
        return True
    return at + 1 < len(words) and words[at + 1].low in ("am", "pm", "a.m", "p.m", "o'clock") and len(low) <= 5


def _is_hour(words: Words, at: int) -> bool:
    low = words[at].low
    return low.isdigit() and int(low[:3]) <= 24 and (at + 1 == len(words) or words[at + 1].low in STOPPERS)


def _is_day_number(words: Words, at: int) -> bool:
    low = words[at].low
    digits = low[:-2] if low.endswith(_ORDINALS) else low
    if low.count("-") == 2 and low.replace("-", "").isdigit():
        return True
    if not digits.isdigit() or not 1 <= int(digits[:4]) <= 31:
        return False
    near = words[max(0, at - 1) : at] + words[at + 1 : at + 3]
    return low != digits or any(word.low in MONTHS for word in near)


def _is_when(words: Words, at: int) -> bool:
    low = words[at].low
    plural = low.removesuffix("s")
    return plural in WEEKDAYS or low in MONTHS or low in TIME_WORDS or _is_clock(words, at) or _is_day_number(words, at)


def identifier(words: Words, *, known: bool = False) -> Value | None:
    """One word that nobody writes in prose: a password, an address, a key, a version.

    known: of an attribute that has such values, so that a hyphen or a point is mark enough.
    """
    if not words or (len(words) > 1 and qualifier(words[1:]) is None):
        return None
    text = words[0].text
    marked = any(c in "@_/" or c.isdigit() or (known and c in ".-") for c in text)
    return Value(key(words[:1]), words[1:]) if marked else None


def phrase(words: Words) -> Value | None:
    """Any words up to the end of the phrase; a determiner at the front is left out."""
    start = 1 if words and words[0].low in _DETERMINERS else 0
    taken = start
    while taken < len(words) and words[taken].low not in STOPPERS:
        taken += 1
    if taken == start or taken - start > MAX_VALUE_WORDS or words[start].low in NOT_IN_NOUN_PHRASE:
        return None
    text = key(words[start:taken])
    return Value(text, words[taken:]) if text else None


#: Behind a value these change nothing: "now", "again", "at the moment", "since June", "a month", "with my sister".
_IGNORED_TAILS = frozenset(
    """now currently again anymore too also instead since from as because by with together per a an each every next last
    this these yesterday only alone after before permanently recently via using still today""".split()
)
_MOMENT = frozenset("moment time".split())


def qualifier(rest: Words) -> str | None:
    """What the words behind a value add to the question: "on weekdays", "for students"; "" for nothing, None: unclear."""
    while rest and rest[0].low in ADVERBS:
        rest = rest[1:]
    if not rest or (rest[0].low in _IGNORED_TAILS):
        return ""
    if rest[0].low == "at" and any(word.low in _MOMENT for word in rest[1:4]):
        return ""
    if rest[0].low in PREPOSITIONS and len(rest) <= MAX_VALUE_WORDS:
        return key(rest)
    return None
