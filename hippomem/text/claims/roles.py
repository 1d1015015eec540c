"""Who has a role: of a company, a country, a team; and who is on which plan."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word, key, word
from hippomem.text.claims.function_words import ADVERBS, STOPPERS
from hippomem.text.claims.lexicon import FRESH, NOUNS, ROLES, Phrase
from hippomem.text.claims.making import Claim, Statement, make
from hippomem.text.claims.subjects import Context, Subject, noun_key, read_subject

_PLANS = frozenset("plan tier subscription licence license package".split())
_KNOWN = frozenset(NOUNS.values())
_NO_SUPERLATIVES = frozenset("best west east rest test guest forest honest".split())
_ITS = frozenset("its the our their his her my".split())


def read_role(rest: list[Word], context: Context) -> tuple[Subject, str] | None:
    """Such as "the CTO of Lumen Labs", "CEO of Acme": whose role it is, and which. Not "a director of Acme"."""
    words = rest[1:] if rest and rest[0].low == "the" else rest
    if not words or words[0].low in ("a", "an"):
        return None
    of = next((i for i, word in enumerate(words[:6]) if word.low in ("of", "at", "for")), 0)
    role = noun_key(words[:of]) if of else ""
    if role not in ROLES:
        return None
    end = of + 1
    while end < len(words) and (words[end].low not in STOPPERS or words[end].low in ("of", "the")):
        end += 1
    body = words[of + 1 : end]
    bearer = read_subject(body, context, opens=False)
    if bearer is None and body and not any(word.name for word in body):
        whole = key(body)
        bearer = Subject(whole, "", whole, "thing")
    return (bearer, role) if bearer is not None else None


def has_role(rest: list[Word], statement: Statement) -> list[Claim]:
    """Behind "is": "the CTO of Lumen Labs", "the UK prime minister", "Acme's CEO", "my favourite language"."""
    subject, context, negated = statement.subject, statement.context, statement.negated
    if subject.noun not in ("", "is"):
        return []
    if (found := read_role(rest, context)) is not None:
        return make(found[0].whole, found[1], subject.whole, negated=negated)
    while rest and rest[-1].low in ADVERBS:
        rest = rest[:-1]
    definite = len(rest) > 2 and rest[0].low == "the"
    if not (definite or (rest and rest[0].low in ("my", "our")) or any(word.owns for word in rest[:3])):
        return []
    what = read_subject(rest, context, opens=False)
    superlative = definite and rest[1].low.endswith("est") and rest[1].low not in _NO_SUPERLATIVES
    numbered = superlative and any(word.isdigit() for word in subject.whole.split())  # "version 3.2"
    if what is None or not (subject.kind == "name" or numbered):
        return []
    if superlative:  # "the tallest building in the world"
        return make(what.whole, "is", subject.whole, negated=negated)
    of = context.notes and any(word.low == "of" for word in rest[2:5])  # "the goalkeeper of the team"
    if definite and not (what.noun in ROLES and (context.notes or rest[1].name)) and not (of and what.noun):
        return []  # "the project manager": an encyclopedia has many
    if not definite and not (what.noun in _KNOWN or what.noun.startswith("favourite ")):
        return []
    return make(what.bearer, what.noun, subject.whole, negated=negated)


def becomes(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "was appointed CFO of Acme", "succeeded Dr. Hill as head of the department", "was promoted to design lead"."""
    if statement.negated:
        return []
    if phrase.attribute == "successor":
        at = next((i for i, word in enumerate(rest[:8]) if word.low == "as"), -1)
        if at < 1:
            return []
        rest = rest[at + 1 :]
    elif rest and rest[0].low == "as":
        rest = rest[1:]
    if (found := read_role(rest, statement.context)) is not None:
        return make(found[0].whole, found[1], statement.subject.whole)
    known = phrase.particles != ("to",) and statement.context.notes
    owner = read_subject([word("the"), *rest], statement.context, opens=False) if known else None
    if owner is not None and owner.noun in ROLES and owner.bearer != owner.noun:  # "took over as project manager"
        return make(owner.bearer, owner.noun, statement.subject.whole)
    if phrase.particles == ("to",) and (value := values.phrase(rest)):
        return make(statement.subject.whole, "position", value.text)
    return []


def resigns(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "resigned as mayor of Lake Town": has the role no longer."""
    found = read_role(rest, statement.context)
    return (
        make(found[0].whole, found[1], statement.subject.whole, negated=True) if found and not statement.negated else []
    )


def leads(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "Maria leads the platform team": the team has the attribute."""
    if statement.subject.kind not in ("name", "speaker", "title"):
        return []
    end = next((i for i, word in enumerate(rest) if word.low in STOPPERS and word.low not in ("of", "the")), len(rest))
    body = rest[:end]
    while body and body[-1].low == "now":
        body = body[:-1]
    if not body or not (body[0].low in ("the", "our") or all(word.name for word in body)):
        return []
    led = read_subject(body, statement.context, opens=False)
    return make(led.whole, phrase.attribute, statement.subject.whole, negated=statement.negated) if led else []


def names(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "(Initech) named Peter Gibbons as its new CEO", "appointed Mia Wong CFO"."""
    at = next((i for i, word in enumerate(rest[:8]) if word.low in ("as", "to")), 0)
    who, role = (rest[:at], rest[at + 1 :]) if at else (rest[:-1], rest[-1:])
    while (role and role[0].low in _ITS) or (len(role) > 1 and role[0].low in FRESH):
        role = role[1:]
    person = values.name(who)
    if person is None or person.rest or statement.negated or noun_key(role) not in ROLES:
        return []
    return make(statement.subject.whole, noun_key(role), person.text)


def plan_name(rest: list[Word]) -> str:
    """Such as "the Pro plan" → "pro"; "" when it is no plan."""
    words = rest[1:] if rest and rest[0].low in ("the", "a", "your", "our") else rest
    end = next((i for i, word in enumerate(words[:4]) if word.low in _PLANS), 0)
    return key(words[:end]) if end else ""


def plan(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "upgraded to the Pro plan"."""
    name = plan_name(rest)
    return make(statement.subject.whole, "plan", name, negated=statement.negated) if name else []
