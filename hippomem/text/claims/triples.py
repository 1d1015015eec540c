"""Claims of triples: the predicate is read as the verb phrase, or the noun, that it is."""

from __future__ import annotations

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Word, clauses_of, key, word
from hippomem.text.claims.function_words import ADVERBS, AUXILIARIES, COUNTS, SILENT
from hippomem.text.claims.inflections import PAST, PRESENT
from hippomem.text.claims.lexicon import FRESH, NOUNS, ROLES
from hippomem.text.claims.making import Claim, Statement, make, scheduled
from hippomem.text.claims.roles import plan_name, read_role
from hippomem.text.claims.subjects import Context, Subject, noun_key, read_subject
from hippomem.text.claims.verbs import claims_of_verb, verb_group
from hippomem.text.fold import fold
from hippomem.text.words import term_of

_CONTEXT = Context("i", "", "")
_KNOWN = frozenset(NOUNS.values())
_MAX_WORDS = 12


def claims_of_triple(subject: str, predicate: str, object: str) -> list[Claim]:
    """What a triple claims of an attribute that has one value at a time; the slots are those of `claims_of_sentence`.

    An unknown predicate claims nothing, unless its form says that it has one value ("current …", "has population").

    >>> claims_of_triple("Anna", "lives in", "Paris")[0]
    Claim(slot='anna | place', value='paris')
    >>> claims_of_triple("Helen Park", "is the CEO of", "Acme")[0]
    Claim(slot='acme | ceo', value='helen park')
    """
    relation = [w for clause in clauses_of(predicate.replace("_", " ")) for w in clause.words]
    about = [word(bare) for piece in object.split() if (bare := piece.strip(",;:!?\"'()"))]
    if not relation or not about or len(about) > _MAX_WORDS or len(relation) > _MAX_WORDS:
        return []
    if any(w.low in SILENT or values.is_year(w) for w in relation) or not (bearer := _bearer(subject)):
        return []
    if any(values.is_year(w) for w in about) and len(about) > 1 and any(w.low in PAST for w in relation):
        return []  # "moved to": "Durango in 1880"
    statement = Statement(bearer, negated=False, context=_CONTEXT, lower=not any(w.name for w in about))
    return _as_noun(relation, about, statement) or _as_verb(relation, about, statement)


def _bearer(subject: str) -> Subject | None:
    words = [w for clause in clauses_of(subject) for w in clause.words]
    found = read_subject(words, _CONTEXT, opens=False) if len(words) <= _MAX_WORDS else None
    if found is not None:
        return found
    whole = fold(subject)
    named = any(w.name for w in words)
    return Subject(whole, "" if named else "is", whole, "name" if named else "thing") if whole else None


def _as_verb(relation: list[Word], about: list[Word], statement: Statement) -> list[Claim]:
    negated = [w.low for w in relation[:2]] == ["no", "longer"]
    relation = relation[2:] if negated else relation
    start = next((i for i, w in enumerate(relation) if w.low not in ADVERBS), len(relation))
    low = relation[start].low if start < len(relation) else ""
    if low not in AUXILIARIES and low not in PRESENT and low not in PAST:
        return []
    words = [*relation[start:], *about]
    # "owned by", "rescheduled to": a participle of which the auxiliary was left out
    tries = [words] if low not in PAST or low in AUXILIARIES else [words, [word("is"), *words]]
    for attempt in tries:
        verb = verb_group(attempt, 0)
        claims = claims_of_verb(verb, attempt, statement._replace(negated=verb.negated or negated))
        if claims:
            return claims
    return []


def _as_noun(relation: list[Word], about: list[Word], statement: Statement) -> list[Claim]:
    """Such as "phone number", "has population", "number of employees"; and "(is the) CEO of", the other way."""
    words = relation
    while words and words[0].low in ("has", "have", "is", "a", "an", "the"):
        words = words[1:]
    while words and words[-1].low in ("is", "to", "was"):
        words = words[:-1]
    lows = [w.low for w in words]
    whole, text = statement.subject.whole, key(about)
    if not words or not text or (words != relation and lows == ["name"]):
        return []
    if lows[-1] in ("of", "at", "for") and len(words) > 1:
        role = noun_key(words[:-1])
        if any(w.low in ("a", "an") for w in relation[:2]):
            return []
        found = read_role([*words, *about], _CONTEXT)
        if found is not None or role in ROLES:
            return make(found[0].whole if found else text, role, whole)
    if lows in (["date"], ["time"]) and (read := values.when(about)):
        return scheduled(whole, read, negated=False)
    if lows[:2] == ["number", "of"] and (value := values.number(about)):
        *before, last = key(words[2:]).split() or [""]
        noun = COUNTS.get(key(words[2:])) or " ".join(["number of", *before, term_of(last) or last])
        return make(whole, noun, value.text)
    if "dose" in lows and "of" in lows[lows.index("dose") :]:
        return make(whole, f"dose of {key(words[lows.index('of') + 1 :])}", text)
    if "plan" in lows and relation[0].low in PAST:
        return make(whole, "plan", plan_name(about) or text)
    noun = noun_key(words)
    fresh = words[0].low in FRESH and len(words) > 1
    counted = noun == "population" and not values.is_number(about[0])
    if not noun or counted or lows[0] in PRESENT or (lows[0] in PAST and lows[0] not in PRESENT):
        known_phrase = " ".join(lows) in NOUNS
        if not known_phrase or counted:
            return []
    ends_known = len(words) > 1 and words[-1].low in NOUNS and not lows[0].endswith("ed")
    if not (noun in _KNOWN or fresh or ends_known or noun.startswith("favourite ")):
        return []
    return make(whole, noun, plan_name(about) or text if noun == "plan" else text)
