"""What a verb phrase of the lexicon claims, by the kind of its value."""

from __future__ import annotations

from collections.abc import Callable

from hippomem.text.claims import changes, roles, values
from hippomem.text.claims.clauses import Word, key
from hippomem.text.claims.function_words import COUNTS, PLACES, PREPOSITIONS, STOPPERS
from hippomem.text.claims.lexicon import NOUNS, Kind, Phrase
from hippomem.text.claims.making import Claim, Statement, make, make_one, scheduled
from hippomem.text.claims.subjects import noun_key
from hippomem.text.words import term_of

_SCHOOLS = frozenset(
    "school university college academy primary high institute kindergarten gymnasium polytechnic".split()
)
_WHERE = frozenset(["place", "location", "venue"])
_EITHER = {"joined": ("employer", "club"), "transfer": ("club", "school")}
_SPANS = frozenset("day days week weeks month months year years weekend summer winter semester holidays".split())
_MONEY = frozenset(["price", "rent", "salary", "budget", "rate"])
_DOSES = frozenset("mg mcg µg g ml iu units".split())
#: What these answer for one day, they need not for another: a day behind the time is part of the question.
_BY_DAY = frozenset(["opening", "closing", "getting up", "end", "arrival"])
_TODAY = frozenset("today tonight tomorrow week weekend left".split())
#: Of what one has many, only what is named in a few words can be found again in "no longer".
_ONE_WORDS = 3


def read_phrase(phrase: Phrase, rest: list[Word], statement: Statement, *, narrated: bool) -> list[Claim]:
    """The claims of *phrase* with *rest* behind it.

    narrated: a past with a year, said of somebody else. It tells a story ("In 1950 he moved to London"); only a new day
    of something with a schedule is news all the same.
    """
    if phrase.kind in ("when", "schedule"):
        return _when(phrase, rest, statement)
    if narrated:
        return []
    if (special := _KINDS.get(phrase.kind)) is not None:
        return special(phrase, rest, statement)
    if phrase.attribute in ("location", "venue") and not (
        statement.context.notes or PLACES & {word.low for word in rest}
    ):
        return []  # in a town, a county, a country: an encyclopedia says each
    if phrase.attribute == "called" and not statement.context.notes:
        return []  # and each of the names that something has
    if phrase.attribute in _WHERE and rest and rest[0].low in ("a", "an", "the"):
        rest = rest[next((i + 1 for i, word in enumerate(rest[:5]) if word.low == "in"), 0) :]  # "a flat in Leeds"
    value = {"name": values.name, "number": values.number}.get(phrase.kind, values.phrase)(rest)
    if value is None and phrase.kind == "name" and statement.lower:
        value = values.name(rest, lower=True)
    return _valued(phrase.attribute, value, rest, statement) if value is not None else []


def _valued(attribute: str, value: values.Value, rest: list[Word], statement: Statement) -> list[Claim]:
    subject, negated = statement.subject, statement.negated
    extra: list[Claim] = []
    if attribute == "schooling":
        if not _SCHOOLS & {word.low for word in rest[:8]}:
            return []
        attribute = "school"
    elif subject.noun in _MONEY if attribute == "price" else attribute in ("value", "setting") and subject.noun:
        noun, text = values.measured(subject.noun, value.text)
        return make(subject.bearer, noun, text, negated=negated)
    elif attribute in ("spouse", "fiance") and not negated:
        extra = make(subject.whole, "marital", "married" if attribute == "spouse" else "engaged")
    elif attribute in _WHERE:
        if value.rest and value.rest[0].low == "for" and _SPANS & {word.low for word in value.rest}:
            return []  # "moved to Rome for three months": for that long only
        attribute = values.place_attribute(value.text)
    elif attribute in _EITHER:  # "joined Inter Miami": as what, the sentence need not say
        first, second = _EITHER[attribute]
        attribute, extra = first, make(subject.whole, second, value.text, negated=negated)
    elif attribute == "assignee":
        if any(c.isdigit() for c in value.text):
            return []  # "Ana is assigned to PR 12": she may be to others
    elif attribute == "called":
        if not noun_key(_last_word(subject.whole)):
            return []  # "my son is called Levi": there may be another
        attribute = "name"
    if attribute == "employer" and not negated and len(value.rest) > 1 and value.rest[0].low == "as":
        position = values.phrase(value.rest[1:])
        extra += make(subject.whole, "position", position.text) if position else []
    if attribute in ("price", "value"):
        more = values.qualifier(value.rest)
        if more is None:
            return []
        attribute = f"{attribute} {more}".strip()
    return make(subject.whole, attribute, value.text, negated=negated) + extra


def _last_word(whole: str) -> list[Word]:
    last = whole.split()[-1]
    return [Word(last, last, name=False)]


def _when(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    read = values.when(rest, hour=phrase.particles[-1:] == ("at",))
    whole = statement.subject.whole
    if read is None or (statement.subject.kind == "speaker" and phrase.attribute == "schedule"):
        return []
    if phrase.attribute not in _BY_DAY:
        return scheduled(whole, read, negated=statement.negated)
    more = values.qualifier(read.rest)
    if more is None:
        return []
    slot = f"{phrase.attribute} {more}".strip()
    if read.time and read.day:
        return make(whole, f"{slot} {read.day}", read.time, negated=statement.negated)
    return make(whole, slot, read.time or read.day, negated=statement.negated)


def _count(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "has 120 employees", "has a population of 43,500", "has status pending"."""
    whole = statement.subject.whole
    if rest and rest[0].low == "status" and (status := values.phrase(rest[1:])):
        return make(whole, "status", status.text, negated=statement.negated)
    if len(rest) > 3 and rest[0].low in ("a", "an"):
        of = next((i for i, word in enumerate(rest[:5]) if word.low == "of"), 0)
        value = values.number(rest[of + 1 :]) if of else None
        noun = noun_key(rest[1:of])
        more = values.qualifier(value.rest) if value else None
        if value is None or not noun or more is None:
            return []
        return make(whole, f"{noun} {more}".strip(), value.text, negated=statement.negated)
    value = values.number(rest)
    if value is None or values.is_year(rest[0]):
        return []
    counted: list[Word] = []
    for word in value.rest[:4]:
        if word.low in STOPPERS or word.low in PREPOSITIONS:
            break
        counted.append(word)
    more = values.qualifier(value.rest[len(counted) :])
    if not 0 < len(counted) <= 3 or more is None or any(word.low in _TODAY for word in value.rest):
        return []
    *before, last = key(counted).split() or [""]
    attribute = COUNTS.get(key(counted)) or " ".join(["number of", *before, term_of(last) or last])  # one dog, two dogs
    return make(whole, f"{attribute} {more}".strip(), value.text, negated=statement.negated)


def _dose(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "takes 20 mg of sertraline", "takes lisinopril 10 mg"."""
    value = values.number(rest)
    if value is not None and len(value.rest) > 1 and value.rest[0].low == "of":
        what = values.phrase(value.rest[1:])
        return (
            make(statement.subject.whole, f"dose of {what.text}", value.text, negated=statement.negated) if what else []
        )
    if len(rest) > 2 and not rest[0].name and (value := values.number(rest[1:])) and rest[2].low in _DOSES:
        return make(statement.subject.whole, f"dose of {rest[0].low}", value.text, negated=statement.negated)
    return []


def _one(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """One of many: "likes tea" contradicts "no longer likes tea", and nothing else."""
    value, whole = values.phrase(rest), statement.subject.whole
    if value is None:
        lonely = phrase.attribute == "smokes" and not rest
        return make_one(whole, "smokes", "smokes", negated=statement.negated) if lonely else []
    if value.text.endswith("ing") or len(value.text.split()) > _ONE_WORDS:
        return []
    if phrase.attribute == "uses" and (noun := changes.as_noun(value.rest)):  # "uses MySQL as its database"
        return make(whole, noun, value.text, negated=statement.negated)
    return make_one(whole, phrase.attribute, value.text, negated=statement.negated)


def _pays(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "pays 1200 euros in rent"."""
    value = values.number(rest)
    after = value.rest if value else []
    after = after[next((i + 1 for i, word in enumerate(after[:4]) if word.low in ("in", "for", "of")), len(after)) :]
    noun = NOUNS.get(" ".join(word.low for word in after if word.low not in ("my", "our", "the")), "")
    return make(statement.subject.whole, noun, value.text, negated=statement.negated) if noun and value else []


def _runs_on(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "runs on Python 3.12", "listens on port 8080"."""
    if len(rest) < 2 or not rest[1].text[:1].isdigit() or not (rest[0].name or rest[0].low == "port"):
        return []
    if rest[2:] and values.qualifier(rest[2:]) is None:
        return []
    return make(statement.subject.whole, f"{key(rest[:1])} version", key(rest[1:2]), negated=statement.negated)


def _prefers(phrase: Phrase, rest: list[Word], statement: Statement) -> list[Claim]:
    """Such as "prefers tea over coffee": which of the two."""
    over = next((i for i, word in enumerate(rest[:6]) if word.low in ("over", "to")), 0)
    first, second = key(rest[:over]), values.phrase(rest[over + 1 :])
    if not first or second is None:
        return []
    pair = " or ".join(sorted([first, second.text]))
    return make(statement.subject.whole, f"preferred of {pair}", first, negated=statement.negated)


_KINDS: dict[Kind, Callable[[Phrase, list[Word], Statement], list[Claim]]] = {
    "role": roles.becomes,
    "inverse": roles.leads,
    "names": roles.names,
    "plan": roles.plan,
    "object": changes.changes_object,
    "switch": changes.switches,
    "leave": changes.leaves,
    "stop": changes.stops,
    "count": _count,
    "dose": _dose,
    "one": _one,
    "pays": _pays,
    "runs on": _runs_on,
    "prefers": _prefers,
    "resigns": roles.resigns,
}
