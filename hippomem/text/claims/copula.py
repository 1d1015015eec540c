"""What "is" claims: states, roles, days, and the value of a noun that has one."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word, key
from hippomem.text.claims.function_words import ADVERBS, DIMENSIONS, PLACES
from hippomem.text.claims.lexicon import NOUNS, STATUS
from hippomem.text.claims.making import Claim, Statement, make, make_one, scheduled
from hippomem.text.claims.places import COUNTRIES, LANGUAGES, REGIONS
from hippomem.text.claims.roles import has_role, plan_name

_OF_PERSONS = frozenset(["marital", "diet", "work", "pregnant", "ill"])
_KNOWN = frozenset(NOUNS.values())
_THINGS_OWNED = frozenset(["car", "laptop", "phone", "phone model", "plan"])
#: Nouns whose value may be words without capitals: of the others "my boss is angry" would be an answer.
_WORDS = frozenset(
    ["password", "username", "plan", "status", "position", "diet", "marital", "timezone", "default branch", "major"]
)
#: Who ages: "my son is five", not "the answer is five".
_LIVING = frozenset(
    "son daughter brother sister mother father mom mum dad wife husband dog cat baby grandma grandpa".split()
)
_HOMES = frozenset("home house apartment flat office headquarters hq studio shop".split())
_WORKERS = ("er", "or", "ist", "ian", "ant", "ent", "nurse", "chef", "cook", "clerk", "intern")
_NO_WORKERS = frozenset(
    """member guest patient customer volunteer fan regular visitor stranger speaker friend coaster center tower theater
    corner river chamber newspaper""".split()
)
_GROUPS = {"grade": "grade", "class": "grade", "year": "grade", "timezone": "timezone", "time": "timezone"}
_ASIDE = frozenset("to that how about like because when what where who why whether too very so more less as".split())
_BEFORE_NUMBERS = frozenset(["down", "up", "back", "still", "set"])


def read_copula(rest: list[Word], statement: Statement, *, perfect: bool) -> list[Claim]:
    """The claims of "<subject> is <rest>". perfect: "has been <rest>", which claims of states only."""
    while rest and rest[0].low in ADVERBS:
        rest = rest[1:]
    if not rest or rest[0].low == "not" or rest[0].low in _ASIDE:
        return []
    if len(rest) > 2 and rest[0].low in _BEFORE_NUMBERS and rest[1].low in ("to", "at") and values.is_number(rest[2]):
        rest = rest[2:]  # "is down to 75 kg"
    for read in (_state,) if perfect else _READERS:
        if claims := read(rest, statement):
            return claims
    return []


def _state(rest: list[Word], statement: Statement) -> list[Claim]:
    subject, negated = statement.subject, statement.negated
    if rest[0].low == "open" and len(rest) > 2 and rest[1].low in ("from", "between"):
        return make(subject.whole, "hours", key(rest[2:7]), negated=negated)
    if rest[0].low in ("a", "an") and len(rest) > 1 and STATUS.get((rest[1].low,)) == "diet":
        rest = rest[1:]  # "a vegetarian"
    for length in (3, 2, 1):
        group = STATUS.get(tuple(word.low for word in rest[:length])) if len(rest) >= length else None
        if group is None:
            continue
        person = subject.kind in ("speaker", "name", "title") and not any(c.isdigit() for c in subject.whole)
        if (group in _OF_PERSONS and not person) or (group not in _OF_PERSONS and subject.kind == "speaker"):
            return []
        if subject.noun in ("status", "marital"):
            return make(subject.bearer, subject.noun, key(rest[:length]), negated=negated)
        behind = rest[length:]
        more = "" if behind and behind[0].low == "for" else values.qualifier(behind)  # "closed for repairs"
        if group in _OF_PERSONS and behind and behind[0].low in ("in", "on") and values.when(behind[1:]):
            more = ""  # "got married in June"
        if more is None or more.startswith("in "):  # "active in politics"
            return []
        return make(subject.whole, f"{group} {more}".strip(), key(rest[:length]), negated=negated)
    return []


def _age_or_size(rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "30", "30 years old", "170 cm tall", "300 metres long"."""
    subject = statement.subject
    value = values.number(rest)
    if value is None or subject.noun in _KNOWN:
        return []
    dimension = DIMENSIONS.get(value.rest[0].low) if value.rest else None
    if dimension is None:
        living = subject.kind in ("speaker", "name", "title") or subject.whole.split()[-1] in _LIVING
        if not living or not value.text.isdigit() or any(word.low not in ADVERBS for word in value.rest):
            return []
        dimension = "age"
    elif values.qualifier(value.rest[1:]) is None:
        return []
    text = value.text.removesuffix(" years").removesuffix(" year") if dimension == "age" else value.text
    return make(subject.whole, dimension, text, negated=statement.negated)


def _plan_or_version(rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "on the Pro plan", "on version 1.2"."""
    if rest[0].low != "on" or len(rest) < 2:
        return []
    if rest[1].low == "version" and (version := values.number(rest[2:])):
        return make(statement.subject.whole, "version", version.text, negated=statement.negated)
    plan = plan_name(rest[1:])
    return make(statement.subject.whole, "plan", plan, negated=statement.negated) if plan else []


def _occupation(rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "a nurse at St. Anne's Hospital"; "a teacher", which one may be no longer."""
    subject, negated = statement.subject, statement.negated
    if [word.low for word in rest[:2]] == ["allergic", "to"] and (what := values.phrase(rest[2:])):
        return make_one(subject.whole, "allergic to", what.text, negated=negated)
    for opening in (["in", "charge", "of"], ["responsible", "for"]):
        if [word.low for word in rest[: len(opening)]] == opening and (what := values.phrase(rest[len(opening) :])):
            return make(what.text, "responsible", subject.whole, negated=negated) if subject.kind == "name" else []
    if rest[0].low not in ("a", "an"):
        return []
    at = next((i for i, word in enumerate(rest[:6]) if word.low in ("at", "for")), 0)
    if not at:
        what = values.phrase(rest)
        told = subject.kind == "speaker" or (subject.kind == "name" and statement.context.notes)
        short = told and what is not None and not what.rest and len(rest) <= 3
        return make_one(subject.whole, "is a", what.text, negated=negated) if short and what is not None else []
    noun = rest[at - 1].low
    if rest[at].low == "for" and subject.kind != "speaker":
        return []
    works = (subject.kind == "speaker" or noun.endswith(_WORKERS)) and noun not in _NO_WORKERS
    value = values.name(rest[at + 1 :])
    if at < 2 or not works or value is None or rest[at + 1].text[:1].isdigit():
        return []
    if noun in ("student", "pupil"):
        return make(subject.whole, "school", value.text, negated=negated)
    told = subject.kind == "speaker" or statement.context.notes
    position = make(subject.whole, "position", key(rest[1:at]), negated=negated) if told else []
    return make(subject.whole, "employer", value.text, negated=negated) + position


def _moment(rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "on Tuesday", "at 10:00", "in Room 4", "at 10.0.4.17", "due on Friday"; of things, not of people."""
    subject, negated = statement.subject, statement.negated
    if subject.kind == "speaker" or rest[0].low not in ("on", "at", "in", "for", "due"):
        return []
    behind = (
        rest[2:] if rest[0].low == "due" and len(rest) > 1 and rest[1].low in ("on", "by", "at", "in") else rest[1:]
    )
    if read := values.when(behind, hour=rest[0].low == "at"):
        if subject.noun == "birthday":
            return make(subject.bearer, subject.noun, read.day, negated=negated)
        return scheduled(subject.whole, read, negated=negated) if subject.kind == "thing" else []
    value = values.name(behind)
    if rest[0].low == "on" and behind and behind[-1].low == "floor":
        return make(subject.whole, "floor", key(behind), negated=negated)
    if subject.kind != "thing" or rest[0].low not in ("at", "in") or value is None:
        return []
    if subject.noun == "headquarters":
        return make(subject.bearer, subject.noun, value.text, negated=negated)
    if subject.whole == f"{subject.bearer} home":
        return make(subject.bearer, values.place_attribute(value.text), value.text, negated=negated)
    if behind[0].text.count(".") > 1:
        return make(subject.whole, "address", value.text, negated=negated)
    # An encyclopedia tells town, county and country of everything; a note tells where a thing is now.
    told = subject.whole.split()[-1] in _HOMES or statement.context.notes
    if (told and value.text not in COUNTRIES | REGIONS | LANGUAGES) or PLACES & set(value.text.split()):
        return make(subject.whole, "place", value.text, negated=negated)
    return []


def _group(rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "in third grade", "in the Pacific timezone"."""
    words = rest[2:] if len(rest) > 2 and rest[1].low in ("the", "my", "her", "his") else rest[1:]
    if rest[0].low != "in" or len(words) < 2:
        return []
    if words[0].low in ("year", "grade") and values.is_number(words[1]):
        return make(statement.subject.whole, "grade", words[1].low, negated=statement.negated)
    if attribute := _GROUPS.get(words[1].low):
        return make(statement.subject.whole, attribute, words[0].low, negated=statement.negated)
    return []


def _noun(rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "the deadline is May 3", "Acme's CEO is Helen Park", "my favourite colour is green"."""
    subject = statement.subject
    if not subject.noun:
        return []
    if statement.plural and subject.noun not in ("headquarters", "hours", "pronouns"):
        return []  # "my favourite books are …"
    known, favourite = subject.noun in _KNOWN, subject.noun.startswith("favourite ")
    if subject.noun in ("hours", "pronouns"):
        return make(subject.bearer, subject.noun, key(rest[:6]), negated=statement.negated)
    if rest[0].low == "with" and subject.noun != "is" and len(rest) > 1 and rest[1].name:
        rest = rest[1:]  # "my insurance is with Allianz"
    if rest[0].text in ("a", "an"):  # not blood type A
        if not (known and subject.noun in _THINGS_OWNED) and not favourite:
            return []
        rest = rest[1:]
    if not rest:
        return []
    read = values.when(rest)
    if read and not subject.noun.startswith(("birthday", "record")):
        return scheduled(subject.whole, read, negated=statement.negated)
    value = (
        values.Value(read.day or read.time, read.rest) if read else _value_of_noun(rest, subject.noun, known, favourite)
    )
    if value is None:
        return []
    more = values.qualifier(value.rest)
    if more is None:
        return []
    noun, text = values.measured(subject.noun, value.text)
    claims = make(subject.bearer, f"{noun} {more}".strip(), text, negated=statement.negated)
    if subject.noun in ("spouse", "fiance") and not statement.negated:
        claims += make(subject.bearer, "marital", "married" if subject.noun == "spouse" else "engaged")
    return claims


def _value_of_noun(rest: list[Word], noun: str, known: bool, favourite: bool) -> values.Value | None:
    if rest[0].low == "the" and len(rest) > 1 and values.is_number(rest[1]):
        return None  # "the 45th"
    value = values.number(rest)
    if value is not None:  # "100 requests per minute": what is counted belongs to the value
        counted = values.phrase(value.rest)
        return values.Value(f"{value.text} {counted.text}", counted.rest) if counted else value
    value = values.name(rest) or values.identifier(rest, known=known)
    if value is None and ((known and rest[0].low == "the") or favourite or noun in _WORDS):
        value = values.phrase(rest)
    return value


_READERS = (_state, _age_or_size, _plan_or_version, has_role, _occupation, _moment, _group, _noun)
