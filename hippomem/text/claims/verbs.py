"""Verb groups: which verb, in which voice, negated or not; and the claims of a verb with what stands behind it."""

from __future__ import annotations

from typing import NamedTuple

from hippomem.text.claims.clauses import Word
from hippomem.text.claims.copula import read_copula
from hippomem.text.claims.function_words import ADVERBS, AUXILIARIES, BE_PAST, BE_PRESENT
from hippomem.text.claims.inflections import ING, PAST, PRESENT
from hippomem.text.claims.lexicon import PHRASES
from hippomem.text.claims.making import Claim, Statement
from hippomem.text.claims.predicates import read_phrase


class Verb(NamedTuple):
    """A verb group. lemma: "" for a bare form of be.    voice: as in `lexicon.PHRASES`, "" when it claims nothing.

    after: index behind its main verb.    be: index behind its last form of be, 0 without one that holds now.
    """

    lemma: str
    voice: str
    negated: bool
    after: int
    be: int
    past: bool


def claims_of_verb(verb: Verb, words: list[Word], statement: Statement) -> list[Claim]:
    """The claims of a verb group and what stands behind it."""
    rest = words[verb.after :]
    while rest and (rest[0].low in ADVERBS or rest[0].low in ("me", "us")):
        rest = rest[1:]
    if statement.subject.kind == "any" and verb.lemma not in ("cost", "price"):
        return []  # "a day ticket costs 7 euros" is said of every one
    if verb.voice and not (verb.negated and verb.past):
        claims = _claims_of_phrases(verb, rest, statement)
        to = next((i for i, word in enumerate(rest[:7]) if word.low == "to"), 0)
        if not claims and to > 1 and rest[0].low == "from" and verb.voice.endswith("event"):
            claims = _claims_of_phrases(verb, rest[to:], statement)  # "moved from Rome to Paris", "from 3 to 4 euros"
        if claims:
            return claims
    return read_copula(words[verb.be :], statement, perfect=verb.past) if verb.be else []


def _claims_of_phrases(verb: Verb, rest: list[Word], statement: Statement) -> list[Claim]:
    narrated = statement.dated and verb.past and statement.subject.kind != "speaker"
    for voice in (verb.voice, "passive event") if verb.voice == "passive state" else (verb.voice,):
        for phrase in PHRASES.get((verb.lemma, voice), ()):
            if tuple(word.low for word in rest[: len(phrase.particles)]) == phrase.particles:
                claims = read_phrase(phrase, rest[len(phrase.particles) :], statement, narrated=narrated)
                if claims:
                    return claims
    return []


def verb_group(words: list[Word], start: int) -> Verb:
    """The verb group that starts at *start*: its auxiliaries, negation and adverbs, and its main verb."""
    aux: list[str] = []
    negated, at = False, start
    after_be = 0
    while at < len(words):
        low = words[at].low
        if low in AUXILIARIES and not (low in ("has", "have", "does", "do", "did") and aux):
            aux.append(low)
            after_be = at + 1 if low in BE_PRESENT or low in ("be", "been") else after_be
        elif low == "not" or low == "never":
            negated = True
        elif low == "no" and at + 1 < len(words) and words[at + 1].low == "longer":
            negated, at = True, at + 1
        elif low not in ADVERBS:
            break
        at += 1
    while after_be and after_be < at:
        after_be += 1
    low = words[at].low if at < len(words) else ""
    if low == "got" and at + 1 < len(words) and words[at + 1].low in PAST:  # "got promoted"
        return Verb(PAST[words[at + 1].low], "passive event", negated, at + 2, at + 1, True)
    voice, lemma, past = _voice(aux, low)
    if aux in (["has"], ["have"]) and not voice:  # "has 120 employees"
        return Verb("have", "state", negated, at, 0, False)
    holds = bool(after_be) and not any(a in ("had", "do", "did") or a in BE_PAST for a in aux)
    return Verb(lemma, voice, negated, at + 1, after_be if holds else 0, past)


def _voice(aux: list[str], main: str) -> tuple[str, str, bool]:
    """Voice, lemma, and whether it tells of what happened (not of what is)."""
    if "had" in aux or "did" in aux or ("will" in aux and "be" not in aux):
        return "", "", False
    passive = any(a in BE_PRESENT or a in BE_PAST or a in ("be", "been") for a in aux)
    happened = any(a in BE_PAST for a in aux) or "been" in aux
    if main in ING and passive:
        return ("", "", False) if any(a in BE_PAST for a in aux) else ("state", ING[main], False)
    if main in PAST and passive:
        return "passive event" if happened else "passive state", PAST[main], happened
    if main in PAST and (aux in (["has"], ["have"]) or not aux) and not (main in PRESENT and not aux):
        return "event", PAST[main], True
    if main in PRESENT and not passive and not ({"has", "have"} & set(aux)):
        return "state", PRESENT[main], False
    return "", "", happened
