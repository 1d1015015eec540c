"""Verbs that tell of a change by what was left: switched from, changed my … to, left, sold, stopped."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word
from hippomem.text.claims.inflections import ING
from hippomem.text.claims.lexicon import PHRASES, Phrase
from hippomem.text.claims.making import Claim, Statement, make, make_one, scheduled
from hippomem.text.claims.subjects import noun_key, owned, read_subject

_POSSESSIVES = frozenset("its our my their the his her".split())


def as_noun(rest: list[Word]) -> str:
    """Such as "as its database" → "database"."""
    if len(rest) > 2 and rest[0].low == "as" and rest[1].low in _POSSESSIVES:
        value = values.phrase(rest[2:])
        return noun_key(rest[2 : len(rest) - len(value.rest)]) if value else ""
    return ""


def changes_object(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "moved our office to Harbour Road", "changed my email to …", "moved its headquarters to Chicago"."""
    determiner = rest[0].low if rest else ""
    to = next((i for i, word in enumerate(rest[:9]) if word.low == "to"), 0)
    if not to or determiner not in _POSSESSIVES or statement.negated:
        return []
    if determiner in ("its", "his", "her", "their"):
        subject = owned(statement.subject.whole, rest[1:to], "thing")
    else:
        subject = read_subject(rest[:to], statement.context, opens=False)
    if subject is None:
        return []
    behind = rest[to + 1 :]
    known = subject.noun not in ("", "is")
    if read := values.when(behind):
        return scheduled(subject.whole, read, negated=False)
    plain = values.phrase(behind) if subject.noun in ("major", "plan", "status", "position") else None
    if value := values.number(behind) or (values.identifier(behind, known=True) if known else None) or plain:
        noun, text = values.measured(subject.noun or "is", value.text)
        return make(subject.bearer if known else subject.whole, noun, text)
    value = values.name(behind)
    if value is None or determiner == "the":
        return []
    if subject.noun == "headquarters" or (phrase.attribute == "changes" and known):
        return make(subject.bearer, subject.noun, value.text)
    return make(subject.whole, "place", value.text) if phrase.attribute == "moves" else []


def switches(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "switched from Notion to Obsidian": uses the one no longer; "switched to Postgres as its database"."""
    whole = statement.subject.whole
    if not rest or statement.negated or rest[0].low not in ("from", "to"):
        return []
    to = next((i for i, word in enumerate(rest[:8]) if word.low == "to"), -1)
    if to < 0 or not (new := values.name(rest[to + 1 :])):
        return []
    if noun := as_noun(new.rest):
        return make(whole, noun, new.text)
    old = values.name(rest[1:to]) if to else None
    if old is None or old.rest:
        return []
    gone = [
        claim for attribute in ("uses", "car", "owns") for claim in make_one(whole, attribute, old.text, negated=True)
    ]
    return gone + make_one(whole, "uses", new.text)


def leaves(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "left Acme (for Globex)", "sold my Tesla": has that no longer. What came instead is not sure enough."""
    rest = rest[1:] if rest and rest[0].low in ("my", "our", "his", "her") else rest
    value = values.name(rest)
    if value is None or statement.negated or rest[0].low in ("a", "an"):
        return []
    gone = ("car", "owns") if phrase.attribute == "sells" else ("employer", "place", "school", "club")
    return [
        claim for attribute in gone for claim in make_one(statement.subject.whole, attribute, value.text, negated=True)
    ]


def stops(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "quit smoking", "stopped eating meat"."""
    lemma = ING.get(rest[0].low) if rest else None
    if lemma is None or statement.negated:
        return []
    for habit in PHRASES.get((lemma, "state"), ()):
        if habit.kind == "one":
            value = values.phrase(rest[1:])
            return make_one(
                statement.subject.whole, habit.attribute, value.text if value else habit.attribute, negated=True
            )
    return []
