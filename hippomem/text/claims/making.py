"""Claims, and how a slot is written."""

from __future__ import annotations

from typing import NamedTuple

from hippomem.text.claims.subjects import Context, Subject

YES, NO = "yes", "no"


class Claim(NamedTuple):
    """One value of one attribute. slot: subject and attribute, folded.    value: folded.

    Two claims of one slot ask the same question of one answer: equal values agree, of others the later one holds.
    """

    slot: str
    value: str


class Statement(NamedTuple):
    """What is known of a clause before its value is read. lower: written without capitals.    dated: it names a year."""

    subject: Subject
    negated: bool
    context: Context
    lower: bool = False
    dated: bool = False


def make(bearer: str, attribute: str, value: str, *, negated: bool = False) -> list[Claim]:
    """The claims that *bearer* has this value, or has it no longer.

    A value is claimed twice: as the answer to the attribute, and as a thing that is so. "No longer lives in Rome" says
    nothing about Paris, so it contradicts the second claim of "lives in Rome" and nothing else.
    """
    if not bearer or not value:
        return []
    slot = f"{bearer} | {attribute}"
    if negated:
        return [Claim(f"{slot} = {value}", NO)]
    return [Claim(slot, value), Claim(f"{slot} = {value}", YES)]


def make_one(bearer: str, attribute: str, value: str, *, negated: bool = False) -> list[Claim]:
    """The claim that the value is one of many, or is no longer."""
    if not bearer or not value:
        return []
    return [Claim(f"{bearer} | {attribute} = {value}", NO if negated else YES)]
