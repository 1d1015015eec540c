"""What a verb phrase of the lexicon claims, by the kind of its value."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word, key
from hippomem.text.claims.lexicon import COUNTRIES, COUNTS, PLACES, PREPOSITIONS, REGIONS, ROLES, STOPPERS, Phrase
from hippomem.text.claims.making import Claim, Statement, make, make_one
from hippomem.text.claims.subjects import Context, Subject, noun_key, read_subject

_SCHOOLS = frozenset(
    "school university college academy primary high institute kindergarten gymnasium polytechnic".split()
)
_PLANS = frozenset("plan tier subscription licence license package".split())
_PARTLY = {"opening", "closing", "getting up", "end", "arrival"}
_ONE_WORDS = 3
_TODAY = frozenset("today tonight tomorrow week weekend left".split())


def read_phrase(phrase: Phrase, rest: list[Word], statement: Statement, *, narrated: bool) -> list[Claim]:
    """The claims of *phrase* with *rest* behind it.

    narrated: a past with a year, said of somebody else. It tells a story ("In 1950 he moved to London"); only a new day
    or a new value of something with a schedule is news all the same.
    """
    subject, kind = statement.subject, phrase.kind
    if phrase.attribute == "location" and not (PLACES & {word.low for word in rest}):
        return []  # in a town, a county, a country: each is so
    if kind in ("when", "schedule"):
        return _when(phrase, rest, statement)
    if narrated:
        return []
    if kind == "role":
        return _role_event(phrase, rest, statement)
    if kind == "count":
        return _count(rest, statement)
    if kind == "object":
        return _object(rest, statement)
    if kind == "dose":
        return _dose(rest, statement)
    if kind == "one":
        return _one(phrase.attribute, rest, statement)
    if kind == "switch":
        return _switch(rest, statement)
    if kind == "leave":
        return _leave(rest, statement)
    if kind == "plan":
        plan = plan_name(rest)
        return make(subject.whole, "plan", plan, negated=statement.negated) if plan else []
    if phrase.attribute == "place" and rest and rest[0].low in ("a", "an", "the"):
        rest = rest[next((i + 1 for i, word in enumerate(rest[:5]) if word.low == "in"), 0) :]  # "a flat in Leeds"
    value = {"name": values.name, "number": values.number, "phrase": values.phrase}[kind](rest)
    if value is None and kind == "name" and statement.lower:
        value = values.name(rest, lower=True)
    if value is None:
        return []
    return _valued(phrase.attribute, value, rest, statement)


def _valued(attribute: str, value: values.Value, rest: list[Word], statement: Statement) -> list[Claim]:
    subject, negated = statement.subject, statement.negated
    if attribute == "school" and not _SCHOOLS & {word.low for word in rest[:8]}:
        return []
    if attribute in ("price", "value", "setting") and subject.noun not in ("", "is"):
        return make(subject.bearer, subject.noun, value.text, negated=negated)
    extra: list[Claim] = []
    if attribute in ("place", "location"):
        attribute = "country" if value.text in COUNTRIES else "region" if value.text in REGIONS else "place"
    if attribute == "employer" and not negated and len(value.rest) > 1 and value.rest[0].low == "as":
        position = values.phrase(value.rest[1:])
        extra = make(subject.whole, "position", position.text) if position else []
    if attribute in ("spouse", "fiance") and not negated:
        extra = make(subject.whole, "marital", "married" if attribute == "spouse" else "engaged")
    if attribute in ("price", "value", "count"):
        more = values.qualifier(value.rest)
        if more is None:
            return []
        attribute = f"{attribute} {more}".strip()
    return make(subject.whole, attribute, value.text, negated=negated) + extra


def _when(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    read = values.when(rest)
    whole = statement.subject.whole
    if read is None or (statement.subject.kind == "speaker" and phrase.attribute == "schedule"):
        return []
    if phrase.attribute in _PARTLY:
        more = values.qualifier(read.rest)
        if more is None:
            return []
        slot = f"{phrase.attribute} {more}".strip()
        if read.time and read.day:  # "opens at 9 on Sundays": the days are part of the question
            return make(whole, f"{slot} {read.day}", read.time, negated=statement.negated)
        return make(whole, slot, read.time or read.day, negated=statement.negated)
    return scheduled(whole, read, negated=statement.negated)


def scheduled(whole: str, read: values.When, *, negated: bool) -> list[Claim]:
    """The day and the time of something that happens once, or always at the same time."""
    more = values.qualifier(read.rest)
    if more is None:
        return []
    claims = make(whole, f"date {more}".strip(), read.day, negated=negated)
    return claims + make(whole, f"time {more}".strip(), read.time, negated=negated)


def plan_name(rest: list[Word]) -> str:
    """ "the Pro plan" → "pro"."""
    words = rest[1:] if rest and rest[0].low in ("the", "a", "your", "our") else rest
    end = next((i for i, word in enumerate(words[:4]) if word.low in _PLANS), 0)
    return key(words[:end]) if end else ""


def read_role(rest: list[Word], context: Context) -> tuple[Subject, str] | None:
    """ "the CTO of Lumen Labs", "CEO of Acme": whose role it is, and which. Not "a director of Acme"."""
    words = rest[1:] if rest and rest[0].low == "the" else rest
    if not words or words[0].low in ("a", "an"):
        return None
    of = next((i for i, word in enumerate(words[:6]) if word.low in ("of", "at", "for")), 0)
    if not of:
        return None
    role = noun_key(words[:of])
    if role not in ROLES:
        return None
    end = of + 1
    while (
        end < len(words)
        and (words[end].low not in STOPPERS or words[end].low in ("of", "the"))
        and words[end].low != "in"
    ):
        end += 1
    body = words[of + 1 : end]
    bearer = read_subject(body, context, opens=False)
    if bearer is None and body and all(not word.name for word in body):
        whole = key(body)
        bearer = Subject(whole, "", whole, "thing")
    return (bearer, role) if bearer is not None else None


def _role_event(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    if phrase.attribute == "successor":
        at = next((i for i, word in enumerate(rest[:8]) if word.low == "as"), -1)
        if at < 1:
            return []
        rest = rest[at + 1 :]
    elif rest and rest[0].low == "as":
        rest = rest[1:]
    found = read_role(rest, statement.context)
    if found is not None and not statement.negated:
        return make(found[0].whole, found[1], statement.subject.whole)
    if phrase.particles == ("to",) and (value := values.phrase(rest)):  # "was promoted to design lead"
        return make(statement.subject.whole, "position", value.text)
    return []


def _count(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "has 120 employees", "has a population of 43,500"."""
    whole = statement.subject.whole
    if len(rest) > 3 and rest[0].low in ("a", "an"):
        of = next((i for i, word in enumerate(rest[:5]) if word.low == "of"), 0)
        value = values.number(rest[of + 1 :]) if of else None
        noun = noun_key(rest[1:of])
        if value is None or not noun or values.qualifier(value.rest) is None:
            return []
        more = values.qualifier(value.rest) or ""
        return make(whole, f"{noun} {more}".strip(), value.text, negated=statement.negated)
    value = values.number(rest)
    if value is None or values.is_year(rest[0]):
        return []
    noun_words = []
    for word in value.rest[:4]:
        if word.low in STOPPERS or word.low in PREPOSITIONS:
            break
        noun_words.append(word)
    noun = key(noun_words)
    after = value.rest[len(noun_words) :]
    more = values.qualifier(after)
    if not noun or more is None or len(noun_words) > 3 or any(word.low in _TODAY for word in value.rest):
        return []
    attribute = COUNTS.get(noun, f"number of {noun}")
    return make(whole, f"{attribute} {more}".strip(), value.text, negated=statement.negated)


def _object(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "(we) moved our office to Harbour Road", "(we) postponed the launch to 2 April"."""
    to = next((i for i, word in enumerate(rest[:8]) if word.low == "to"), 0)
    determiner = rest[0].low if rest else ""
    if not to or determiner not in ("my", "our", "the") or statement.negated:
        return []
    subject = read_subject(rest[:to], statement.context, opens=False)
    if subject is None:
        return []
    if read := values.when(rest[to + 1 :]):
        return scheduled(subject.whole, read, negated=False)
    value = values.name(rest[to + 1 :])
    return make(subject.whole, "place", value.text) if value and determiner != "the" else []


def _dose(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "takes 20 mg of sertraline"."""
    value = values.number(rest)
    if value is None or len(value.rest) < 2 or value.rest[0].low != "of":
        return []
    what = values.phrase(value.rest[1:])
    return make(statement.subject.whole, f"dose of {what.text}", value.text, negated=statement.negated) if what else []


def _one(attribute: str, rest: list[Word], statement: Statement) -> list[Claim]:
    value = values.phrase(rest)
    whole = statement.subject.whole
    if value is not None and (value.text.endswith("ing") or len(value.text.split()) > _ONE_WORDS):
        return []
    if value is None:
        return make_one(whole, attribute, attribute, negated=statement.negated) if attribute == "smokes" else []
    if attribute == "uses" and (noun := _as_noun(value.rest)):  # "uses MySQL as its database"
        return make(whole, noun, value.text, negated=statement.negated)
    return make_one(whole, attribute, value.text, negated=statement.negated)


def _as_noun(rest: list[Word]) -> str:
    if len(rest) > 2 and rest[0].low == "as" and rest[1].low in ("its", "our", "my", "their", "the", "his", "her"):
        value = values.phrase(rest[2:])
        return noun_key(rest[2 : len(rest) - len(value.rest)]) if value else ""
    return ""


def _switch(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "switched from Notion to Obsidian", "switched to Postgres as its database"."""
    whole = statement.subject.whole
    if not rest or statement.negated or rest[0].low not in ("from", "to"):
        return []
    to = next((i for i, word in enumerate(rest[:8]) if word.low == "to"), -1)
    if to < 0 or not (new := values.name(rest[to + 1 :])):
        return []
    if noun := _as_noun(new.rest):
        return make(whole, noun, new.text)
    old = values.name(rest[1:to]) if to else None
    if old is None or old.rest:
        return []
    return make_one(whole, "uses", old.text, negated=True) + make_one(whole, "uses", new.text)


def _leave(rest: list[Word], statement: Statement) -> list[Claim]:
    """ "left Acme (for Globex)": no longer works there, nor lives there. Where to, is not sure enough."""
    value = values.name(rest)
    if value is None or statement.negated or rest[0].low in ("a", "an"):
        return []
    whole = statement.subject.whole
    return [claim for attribute in ("employer", "place", "school", "club") for claim in
            make(whole, attribute, value.text, negated=True)]  # fmt: skip
