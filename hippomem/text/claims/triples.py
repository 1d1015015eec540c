"""Claims of triples: the predicate is read as the verb phrase, or the noun, that it is."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word, clauses_of, key, word
from hippomem.text.claims.lexicon import ADVERBS, AUXILIARIES, COUNTS, FRESH, NOUNS, PAST, PRESENT, ROLES, SILENT
from hippomem.text.claims.making import Claim, Statement, make
from hippomem.text.claims.predicates import read_role
from hippomem.text.claims.reader import claims_of_verb, verb_group
from hippomem.text.claims.subjects import Context, Subject, context_of, noun_key, read_subject

_CONTEXT = context_of("", "")


def claims_of_triple(subject: str, predicate: str, object: str) -> list[Claim]:
    """What a triple claims of an attribute that has one value at a time; the slots are those of `claims_of_sentence`.

    An unknown predicate claims nothing, unless its form says that it has one value ("current …", "has population").

    >>> claims_of_triple("Anna", "lives in", "Paris")[0]
    Claim(slot='anna | place', value='paris')
    >>> claims_of_triple("Anna", "likes", "Paris tea")[0].value
    'yes'
    """
    bearer = _bearer(subject)
    relation = [w for clause in clauses_of(predicate) for w in clause.words]
    about = [word(piece.strip(",;:!?")) for piece in object.split() if piece.strip(",;:!?")]
    if bearer is None or not relation or not about or len(about) > 12 or len(relation) > 8:
        return []
    if any(w.low in SILENT or values.is_year(w) for w in relation):
        return []
    statement = Statement(bearer, negated=False, context=_CONTEXT, lower=not any(w.name for w in about))
    return _as_noun(relation, about, statement) or _as_verb(relation, about, statement)


def _bearer(subject: str) -> Subject | None:
    words = [w for clause in clauses_of(subject) for w in clause.words]
    found = read_subject(words, _CONTEXT, opens=False) if words else None
    if found is not None:
        return found
    whole = key(words)
    named = any(w.name for w in words)
    return Subject(whole, "" if named else "is", whole, "name" if named else "thing") if whole else None


def _as_verb(relation: list[Word], about: list[Word], statement: Statement) -> list[Claim]:
    negated = [w.low for w in relation[:2]] == ["no", "longer"]
    relation = relation[2:] if negated else relation
    if not relation:
        return []
    start = next((i for i, w in enumerate(relation) if w.low not in ADVERBS), 0)
    low = relation[start].low
    if low not in AUXILIARIES and low not in PRESENT and low not in PAST:
        return []
    words = [*relation, *about]
    verb = verb_group(words, start)
    if low in PAST and low not in PRESENT and low not in AUXILIARIES and not verb.voice.endswith("event"):
        return []
    statement = statement._replace(negated=verb.negated or negated)
    claims = claims_of_verb(verb, words, statement)
    if (
        not claims and low in PAST and low not in AUXILIARIES
    ):  # "rescheduled to", "married to": a passive without its be
        passive = [word("was"), *words[start:]]
        claims = claims_of_verb(verb_group(passive, 0), passive, statement)
        if not claims:
            passive = [word("is"), *words[start:]]
            claims = claims_of_verb(verb_group(passive, 0), passive, statement)
    return claims


def _as_noun(relation: list[Word], about: list[Word], statement: Statement) -> list[Claim]:
    """ "phone number", "has population", "current coach", "number of employees"; and "(is the) CEO of", the other way."""
    words = relation
    while words and words[0].low in ("has", "have", "is", "a", "the", "'s"):
        words = words[1:]
    while words and words[-1].low in ("is", "to"):
        words = words[:-1]
    if not words:
        return []
    subject = statement.subject
    if words[-1].low in ("of", "at", "for") and len(words) > 1:
        found = read_role([*words, *about], _CONTEXT)
        if found is not None:
            return make(found[0].whole, found[1], subject.whole)
        if noun_key(words[:-1]) in ROLES:
            return make(key(about), noun_key(words[:-1]), subject.whole)
    fresh = words[0].low in FRESH and len(words) > 1
    noun = noun_key(words)
    text = key(about)
    value = values.number(about)
    if len(words) == 3 and [w.low for w in words[:2]] == ["number", "of"]:
        counted = key(words[2:])
        return make(subject.whole, COUNTS.get(counted, f"number of {counted}"), value.text) if value else []
    if (len(words) > 2 and words[0].low == "dose") or [w.low for w in words[:3]] == ["takes", "dose", "of"]:
        what = key(words[words.index(next(w for w in words if w.low == "of")) + 1 :])
        return make(subject.whole, f"dose of {what}", text)
    if not noun or not text:
        return []
    known = " ".join(w.low for w in words) in NOUNS or noun in NOUNS.values()
    ends_known = len(words) > 1 and NOUNS.get(words[-1].low)
    if not (known or fresh or noun.startswith("favourite ") or ends_known):
        return []
    if noun in ("position",) or known or fresh or ends_known or noun.startswith("favourite "):
        return make(subject.whole, noun, text)
    return []


__all__ = ["Context", "claims_of_triple"]
