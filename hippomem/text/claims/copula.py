"""What "is" claims: states, roles, days, and the value of a noun that has one."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word, key
from hippomem.text.claims.lexicon import ADVERBS, DIMENSIONS, FAVOURITE, NOUNS, PLACES, STATUS
from hippomem.text.claims.making import Claim, Statement, make
from hippomem.text.claims.predicates import plan_name, read_role, scheduled

_OF_PERSONS = frozenset(["marital", "diet", "work"])
_THINGS_OWNED = frozenset(["car", "laptop", "phone", "phone model", "plan"])
#: Nouns whose value may be words without capitals: of the others "my boss is angry" would be an answer.
_WORDS = frozenset(
    ["password", "username", "plan", "status", "position", "diet", "marital", "timezone", "default branch"]
)
_GUESTS = frozenset("member guest patient customer volunteer fan regular visitor stranger speaker friend".split())
_WORKERS = (
    "ist",
    "ian",
    "ant",
    "eer",
    "cher",
    "sor",
    "tor",
    "per",
    "nurse",
    "chef",
    "cook",
    "clerk",
    "intern",
    "student",
)
_ASIDE = frozenset("to that how about like because when what where who why whether too very so more less as".split())


def read_copula(rest: list[Word], statement: Statement, *, perfect: bool) -> list[Claim]:
    """The claims of "<subject> is <rest>". perfect: "has been <rest>", which holds of states only."""
    while rest and rest[0].low in ADVERBS:
        rest = rest[1:]
    if rest and rest[0].low == "not":
        return []
    if not rest or rest[0].low in _ASIDE:
        return []
    for read in (_state,) if perfect else (_state, _age_or_size, _plan, _role, _employer, _moment, _grade, _noun):
        if claims := read(rest, statement):
            return claims
    return []


def _state(rest: list[Word], statement: Statement) -> list[Claim]:
    subject = statement.subject
    for length in (3, 2, 1):
        group = STATUS.get(tuple(word.low for word in rest[:length])) if len(rest) >= length else None
        if group is None:
            continue
        person = subject.kind in ("speaker", "name", "title") and not any(c.isdigit() for c in subject.whole)
        if (group in _OF_PERSONS) != person and (group in _OF_PERSONS or subject.kind == "speaker"):
            return []
        if subject.noun in ("status", "marital"):
            return make(subject.bearer, subject.noun, key(rest[:length]), negated=statement.negated)
        more = values.qualifier(rest[length:])
        if more is None or (more and rest[length].low == "to"):
            return []
        return make(subject.whole, f"{group} {more}".strip(), key(rest[:length]), negated=statement.negated)
    return []


def _age_or_size(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "30", "30 years old", "170 cm tall", "300 metres long"."""
    subject = statement.subject
    if subject.noun in NOUNS.values():
        return []
    value = values.number(rest)
    if value is None:
        return []
    dimension = DIMENSIONS.get(value.rest[0].low) if value.rest else None
    if dimension is None:
        if value.rest or subject.kind == "thing" or not value.text.isdigit():
            return []
        dimension = "age"
    elif values.qualifier(value.rest[1:]) is None:
        return []
    text = value.text.removesuffix(" years") if dimension == "age" else value.text
    return make(subject.whole, dimension, text, negated=statement.negated)


def _plan(rest: list[Word], statement: Statement) -> list[Claim]:
    if rest[0].low != "on" or not (plan := plan_name(rest[1:])):
        return []
    return make(statement.subject.whole, "plan", plan, negated=statement.negated)


def _role(rest: list[Word], statement: Statement) -> list[Claim]:
    found = read_role(rest, statement.context)
    if found is None or statement.subject.noun not in ("", "is"):
        return []
    return make(found[0].whole, found[1], statement.subject.whole, negated=statement.negated)


def _employer(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "a nurse at St. Anne's Hospital"."""
    if rest[0].low not in ("a", "an"):
        return []
    at = next((i for i, word in enumerate(rest[:5]) if word.low == "at"), 0)
    if statement.subject.kind != "speaker" and not rest[at - 1].low.endswith(_WORKERS):
        return []
    if (
        at < 2
        or rest[min(at + 1, len(rest) - 1)].text[:1].isdigit()
        or rest[at - 1].low in _GUESTS
        or not (value := values.name(rest[at + 1 :]))
    ):
        return []
    attribute = "school" if rest[at - 1].low in ("student", "pupil") else "employer"
    return make(statement.subject.whole, attribute, value.text, negated=statement.negated)


def _moment(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "on Tuesday", "at 10:00", "in Room 4", "at 10.0.4.17"; of things, not of people."""
    subject = statement.subject
    preposition = rest[0].low
    if subject.kind == "speaker" or preposition not in ("on", "at", "in", "for"):
        return []
    if read := values.when(rest[1:]):
        known = subject.noun in ("birthday",)
        if known:
            return make(subject.bearer, subject.noun, read.day, negated=statement.negated)
        return scheduled(subject.whole, read, negated=statement.negated) if subject.kind == "thing" else []
    if subject.kind != "thing" or preposition not in ("at", "in"):
        return []
    value = values.name(rest[1:])
    if value is None:
        return []
    first = rest[1].text
    if first.count(".") > 1:
        return make(subject.whole, "address", value.text, negated=statement.negated)
    if PLACES & set(value.text.split()):
        return make(subject.whole, "place", value.text, negated=statement.negated)
    return []


def _grade(rest: list[Word], statement: Statement) -> list[Claim]:
    words = rest[2:] if len(rest) > 2 and rest[1].low == "the" else rest[1:]
    if rest[0].low == "in" and len(words) >= 2 and words[1].low in ("grade", "class", "year"):
        return make(statement.subject.whole, "grade", words[0].low, negated=statement.negated)
    return []


def _noun(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "the deadline is May 3", "Acme's CEO is Helen Park", "my favourite colour is green"."""
    subject = statement.subject
    if not subject.noun:
        return []
    known = subject.noun in NOUNS.values()
    favourite = subject.noun.split()[0] in FAVOURITE
    if rest[0].low in ("a", "an"):
        if not (known and subject.noun in _THINGS_OWNED) and not favourite:
            return []
        rest = rest[1:]
    read = values.when(rest)
    if read and not subject.noun.startswith(("birthday", "record")):
        return scheduled(subject.whole, read, negated=statement.negated)
    value = (read and values.Value(read.day or read.time, read.rest)) or values.number(rest) or values.name(rest)
    if value is None and rest[0].low == "the" and known:
        value = values.phrase(rest)
    if value is None and (favourite or (known and subject.noun in _WORDS)):
        value = values.phrase(rest)
    if value is None and known and any(c in rest[0].text for c in "@0123456789_"):
        value = values.phrase(rest[:1])
    if value is None:
        return []
    rest_after = value.rest
    if rest_after and values.is_number(rest[0]):  # "100 requests per minute": what is counted is part of the question
        counted = values.phrase(rest_after)
        if counted:
            value, rest_after = values.Value(f"{value.text} {counted.text}", counted.rest), counted.rest
    more = values.qualifier(rest_after)
    if more is None:
        return []
    return make(subject.bearer, f"{subject.noun} {more}".strip(), value.text, negated=statement.negated)
