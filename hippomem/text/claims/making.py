"""Claims, and how a slot is written."""

from __future__ import annotations

from typing import NamedTuple

from hippomem.text.claims import values
from hippomem.text.claims.subjects import Context, Subject

YES, NO = "yes", "no"


class Claim(NamedTuple):
    """One value of one attribute. slot: subject and attribute, folded.    value: folded.

    Two claims of one slot ask the same question of one answer: equal values agree, of others the later one holds.
    """

    slot: str
    value: str


class Statement(NamedTuple):
    """What is known of a clause before its value is read.

    lower: written without capitals.    dated: it names a year of the past.    plural: its verb is "are".
    """

    subject: Subject
    negated: bool
    context: Context
    lower: bool = False
    dated: bool = False
    plural: bool = False


def make(bearer: str, attribute: str, value: str, *, negated: bool = False) -> list[Claim]:
    """The claims that *bearer* has this value, or has it no longer.

    A value is claimed twice: as the answer to the attribute, and as a thing that is so. "No longer lives in Rome" says
    nothing about Paris, so it contradicts the second claim of "lives in Rome" and nothing else.
    """
    if not bearer or not value:
        return []
    one = make_one(bearer, attribute, value, negated=negated)
    return one if negated else [Claim(f"{bearer} | {attribute}", value), *one]


def make_one(bearer: str, attribute: str, value: str, *, negated: bool = False) -> list[Claim]:
    """The claim that the value is one of many, or is no longer."""
    if not bearer or not value:
        return []
    return [Claim(f"{bearer} | {attribute} = {value}", NO if negated else YES)]


def scheduled(whole: str, read: values.When, *, negated: bool) -> list[Claim]:
    """The day and the time of something that happens once, or always at the same time."""
    more = values.qualifier(read.rest)
    if more is None:
        return []
    claims = make(whole, f"date {more}".strip(), read.day, negated=negated)
    return claims + make(whole, f"time {more}".strip(), read.time, negated=negated)
