"""From clauses to claims: find the verb, read the subject before it and the value behind it."""

from __future__ import annotations

from typing import NamedTuple

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Clause, Word, clauses_of
from hippomem.text.claims.copula import read_copula
from hippomem.text.claims.lexicon import (
    ADVERBS,
    AUXILIARIES,
    BACKGROUND,
    BASE,
    BE_PAST,
    BE_PRESENT,
    ING,
    MODALS,
    MONTHS,
    PAST,
    PHRASES,
    PRESENT,
    SILENT,
    THIRD_PERSON,
    TRIGGERS,
    WEEKDAYS,
)
from hippomem.text.claims.making import Claim, Statement
from hippomem.text.claims.predicates import read_phrase
from hippomem.text.claims.subjects import Context, Subject, context_of, read_subject
from hippomem.text.sentences import MAX_SENTENCE_CHARACTERS

#: Words that silence a sentence wherever they stand.
_SILENCING = SILENT - {"until", "till"}
_CLOSING = " \"'”’)]"
#: A verb further into a clause than this has no subject that is one noun phrase.
_MAX_VERB_AT = 10
_NOTED = ADVERBS | frozenset("remember reminder know noted just a the to you be keep in mind aware".split())
_QUOTES = frozenset('"“”„«»')


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


def claims_of_sentence(sentence: str, *, speaker: str = "", title: str = "") -> list[Claim]:
    """What *sentence* claims of attributes that have one value at a time, in order, each once.

    speaker: who says it (a name or an id); the subject of "I".    title: what the passage is about; the subject of "it".
    A question, a wish, a report of somebody's words, or what was true once claims nothing. Linear in the length.

    >>> claims_of_sentence("Anna moved to Turin.")[0]
    Claim(slot='anna | place', value='turin')
    """
    plain = sentence.lower().replace("’", "'").split()
    if TRIGGERS.isdisjoint(plain) or not _SILENCING.isdisjoint(plain) or len(sentence) > 2 * MAX_SENTENCE_CHARACTERS:
        return []
    if sentence.rstrip(_CLOSING)[-1:] in "?？" or any(mark in sentence for mark in _QUOTES):
        return []
    parts = clauses_of(sentence)
    if any(
        word.low in SILENT and not _is_postponement(part.words, i)
        for part in parts
        for i, word in enumerate(part.words)
    ):
        return []
    if parts and parts[0].ends_with_colon and len(parts[0].words) <= 3:  # "AdamSmith: I moved …" names who speaks
        label = parts.pop(0)
        speaker = " ".join(word.text for word in label.words) if label.words[0].low not in _NOTED else speaker
    context = context_of(speaker, title)
    dated = any(values.is_year(word) for part in parts for word in part.words)
    lower = not any(word.text[:1].isupper() for part in parts for word in part.words)
    found: dict[Claim, None] = {}
    inherited: Subject | None = None
    for at, clause in enumerate(parts):
        if clause.opener == "that" and at == 1 and all(word.low in _NOTED for word in parts[0].words):
            pass  # "Please note that …"
        elif clause.opener in BACKGROUND or clause.words[0].low in BACKGROUND:
            inherited = None
            continue
        claims, inherited = _read(
            clause, context, inherited, opens=at == 0 or clause.opener == "that", dated=dated, lower=lower
        )
        if claims and not _goes_on_as_list(parts, at):
            found |= dict.fromkeys(claims)
    return list(found)


def _is_postponement(words: list[Word], i: int) -> bool:
    return words[i].low in ("until", "till") and i > 0 and words[i - 1].low in ("postponed", "delayed")


def _goes_on_as_list(parts: list[Clause], at: int) -> bool:
    """Whether the value is the first of several: "lives in Rome and Paris", "in Rome, Paris or Milan"."""
    for i in range(at + 1, min(at + 4, len(parts))):
        part = parts[i]
        if part.opener not in ("and", "or", ",") or not (part.words[0].name or part.words[0].low in ("the", "a")):
            return False
        if len(part.words) > 4 or any(w.low in PRESENT or w.low in PAST or w.low in AUXILIARIES for w in part.words):
            return False
        if part.opener in ("and", "or"):
            return True
    return False


def _read(
    clause: Clause, context: Context, inherited: Subject | None, *, opens: bool, dated: bool, lower: bool
) -> tuple[list[Claim], Subject | None]:
    """The claims of one clause, and the subject that the next clause has when it names none."""
    words = _without_opening(clause.words)
    for start in range(min(len(words), _MAX_VERB_AT)):
        low = words[start].low
        if low in MODALS:
            return [], None
        if not (low in AUXILIARIES or low in PRESENT or low in PAST):
            continue
        head = _without_adverbs(words[:start])
        negated = len(head) > 1 and head[-2].low == "no" and head[-1].low == "longer"
        head = _without_adverbs(head[:-2]) if negated else head
        subject = read_subject(head, context, opens=opens) if head else inherited
        if subject is not None:
            if low in (THIRD_PERSON if subject.kind == "speaker" else BASE):
                if low in AUXILIARIES:
                    return [], None
                continue
            verb = verb_group(words, start)
            verb = verb._replace(negated=verb.negated or negated)
            statement = Statement(subject, verb.negated, context, lower, dated)
            claims = claims_of_verb(verb, words, statement)
            if claims or low in AUXILIARIES:
                return claims, subject
        if low in AUXILIARIES:
            return [], None
    return [], _leading_subject(words, context, opens=opens)


def claims_of_verb(verb: Verb, words: list[Word], statement: Statement) -> list[Claim]:
    """The claims of a verb group and what stands behind it."""
    rest = words[verb.after :]
    while rest and (rest[0].low in ADVERBS or rest[0].low in ("me", "us")):
        rest = rest[1:]
    if statement.subject.kind == "any" and verb.lemma not in ("cost", "price"):
        return []  # "a day ticket costs 7 euros" is said of every one
    if verb.voice and not (verb.negated and verb.past):
        voices = (verb.voice, "passive event") if verb.voice == "passive state" else (verb.voice,)
        for phrase in (phrase for voice in voices for phrase in PHRASES.get((verb.lemma, voice), ())):
            if tuple(word.low for word in rest[: len(phrase.particles)]) == phrase.particles:
                narrated = statement.dated and verb.past and statement.subject.kind != "speaker"
                claims = read_phrase(phrase, rest[len(phrase.particles) :], statement, narrated=narrated)
                if claims:
                    return claims
    return read_copula(words[verb.be :], statement, perfect=verb.past) if verb.be else []


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


def _without_opening(words: list[Word]) -> list[Word]:
    """Without "Now", "Since April", "From Monday", "Last month" at the front."""
    at = 0
    while at < len(words):
        low = words[at].low
        if low in ("since", "from", "as", "in", "last", "this", "next", "these", "starting", "effective"):
            end = at + 1
            while end < min(at + 4, len(words)) and _is_time(words[end]):
                end += 1
            if end == at + 1 or (end == at + 2 and words[at + 1].low == "of"):
                break
            at = end
        elif low in ADVERBS:
            at += 1
        else:
            break
    return words[at:]


def _is_time(word: Word) -> bool:
    low = word.low
    return low in WEEKDAYS or low in MONTHS or low in ("of", "month", "week", "year", "days") or values.is_year(word)


def _without_adverbs(words: list[Word]) -> list[Word]:
    while words and words[-1].low in ADVERBS:
        words = words[:-1]
    return words


def _leading_subject(words: list[Word], context: Context, *, opens: bool) -> Subject | None:
    """ "I got a raise (and moved …)": whom a clause is about whose verb is unknown."""
    return read_subject(words[:1], context, opens=opens) if words and words[0].low in ("i", "we", "he", "she") else None
