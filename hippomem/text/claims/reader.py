"""From clauses to claims: find the verb, read the subject before it and the value behind it."""

from __future__ import annotations

import re
from typing import NamedTuple

from hippomem.text.claims import values
from hippomem.text.claims.clauses import Clause, Word, clauses_of
from hippomem.text.claims.function_words import (
    ADVERBS,
    AUXILIARIES,
    BACKGROUND,
    MODALS,
    MONTHS,
    SILENT,
    WEEKDAYS,
)
from hippomem.text.claims.inflections import BASE, PAST, PRESENT, THIRD_PERSON, TRIGGERS
from hippomem.text.claims.making import Claim, Statement
from hippomem.text.claims.same_words import MAX_WORDS, same_words
from hippomem.text.claims.subjects import Context, Subject, context_of, read_subject
from hippomem.text.claims.verbs import claims_of_verb, verb_group
from hippomem.text.sentences import MAX_SENTENCE_CHARACTERS

#: Words that silence a sentence wherever they stand.
_SILENCING = SILENT - {"until", "till", "once"}
_OPENINGS = frozenset(["i", "we", "my", "our", "the"])
#: "Emil moved to London in 1950" is history; a note of one year since this one may well be news.
_RECENT = "2000"
_UNTIL = frozenset("postponed delayed runs lasts valid".split())
_DIGIT = re.compile(r"\d")
_CLOSING = " \"'”’)]"
#: A verb further into a clause than this has no subject that is one noun phrase.
_MAX_VERB_AT = 10
_NOTED = ADVERBS | frozenset(
    "remember reminder know noted correction edit news status info just a the to you be keep in mind aware".split()
)
#: Somebody's words: a quotation mark that does not close within a name's length ("renamed to “Ibis”" has one that does).
_QUOTE = re.compile(r"""["“„«](?!\w+(?:\s\w+){0,2}[.,!]?["”“»])(?=\w)""")


def claims_of_sentence(sentence: str, *, speaker: str = "", title: str = "") -> list[Claim]:
    """What *sentence* claims of attributes that have one value at a time, in order, each once.

    speaker: who says it (a name or an id); the subject of "I".    title: what the passage is about; the subject of "it".
    A question, a wish, a report of somebody's words, or what was true once claims nothing. Linear in the length.

    >>> claims_of_sentence("Anna moved to Turin.")[0]
    Claim(slot='anna | place', value='turin')
    """
    if len(sentence) > 2 * MAX_SENTENCE_CHARACTERS:
        return []
    plain = sentence.lower().replace("’", "'").split()
    plain.append(plain[-1].rstrip(".!") if plain else "")  # "I smoke."
    if not _SILENCING.isdisjoint(plain):
        return []
    # A verb that nobody listed may still have a number behind it.
    numbered = plain[0] in _OPENINGS and len(plain) <= MAX_WORDS and _DIGIT.search(sentence) is not None
    if TRIGGERS.isdisjoint(plain) and not numbered:
        return []
    if sentence.rstrip(_CLOSING)[-1:] in "?？" or _QUOTE.search(sentence):
        return []
    parts = clauses_of(sentence)
    if any(_silences(part.words, i) for part in parts for i in range(len(part.words))):
        return []
    if not speaker and parts and parts[0].ends_with_colon and len(parts[0].words) <= 3:
        label = parts.pop(0).words  # "AdamSmith: I moved …" names who speaks
        speaker = " ".join(word.text for word in label) if not any(word.low in _NOTED for word in label) else ""
    context = context_of(speaker, title)
    years = [word.text for part in parts for word in part.words if values.is_year(word)]
    dated = bool(years) and not (context.notes and len(years) == 1 and years[0] >= _RECENT)
    lower = not any(word.text[:1].isupper() for part in parts for word in part.words)
    found: dict[str, set[str]] = {}
    inherited: Subject | None = None
    for at, clause in enumerate(parts):
        noted = clause.opener == "that" and at == 1 and all(word.low in _NOTED for word in parts[0].words)
        if not noted and (clause.opener in BACKGROUND or clause.words[0].low in BACKGROUND):
            inherited = None
            continue
        opens = at == 0 or noted
        beside = _beside(parts, at, context)
        claims, inherited = _read(clause, _Setting(context, inherited, beside, opens, dated, lower))
        if claims and not _goes_on_as_list(parts, at):
            _add(found, claims)
    if not found and len(parts) == 1:
        _add(found, same_words(_without_opening(parts[0].words), context))
    # What a sentence answers in two ways it does not answer: "lives in Rome but moves to Paris".
    return [Claim(slot, value) for slot, answers in found.items() if len(answers) == 1 for value in answers]


def _add(found: dict[str, set[str]], claims: list[Claim]) -> None:
    for claim in claims:
        found.setdefault(claim.slot, set()).add(claim.value)


def _beside(parts: list[Clause], at: int, context: Context) -> Subject | None:
    """The first of two subjects: "Emma and Liam live in Rome"."""
    if at != 1 or parts[at].opener != "and":
        return None
    subject = read_subject(_without_opening(parts[0].words), context, opens=False)
    return subject if subject is not None and subject.kind in ("name", "speaker") else None


def _silences(words: list[Word], i: int) -> bool:
    """Whether a word voids the sentence. Not "until" of what was put off till then, nor "once" of "once a day"."""
    low = words[i].low
    if low in ("until", "till") and i > 0 and words[i - 1].low in _UNTIL:
        return False
    if low == "once" and (i + 1 == len(words) or words[i + 1].low in ("a", "per", "every", "daily")):
        return False
    return low in SILENT


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


class _Setting(NamedTuple):
    """What a clause is read in. inherited: the subject when it names none.    beside: a subject that shares its verb."""

    context: Context
    inherited: Subject | None
    beside: Subject | None
    opens: bool
    dated: bool
    lower: bool


def _read(clause: Clause, setting: _Setting) -> tuple[list[Claim], Subject | None]:
    """The claims of one clause, and the subject that the next clause has when it names none."""
    words = _without_opening(clause.words)
    for start in range(min(len(words), _MAX_VERB_AT)):
        low = words[start].low
        if low in MODALS:
            return [], None
        if not (low in AUXILIARIES or low in PRESENT or low in PAST) or (words[start].name and start):
            continue  # "I Married a Monster" is a title
        head = _without_adverbs(words[:start])
        negated = len(head) > 1 and head[-2].low == "no" and head[-1].low == "longer"
        head = _without_adverbs(head[:-2]) if negated else head
        subject = read_subject(head, setting.context, opens=setting.opens) if head else setting.inherited
        if subject is not None and _agrees(low, subject, head, setting):
            verb = verb_group(words, start)
            verb = verb._replace(negated=verb.negated or negated)
            subjects = [subject] if setting.beside is None else [setting.beside, subject]
            claims = [
                claim
                for each in subjects
                for claim in claims_of_verb(
                    verb,
                    words,
                    Statement(each, verb.negated, setting.context, setting.lower, setting.dated, low == "are"),
                )
            ]
            if claims or low in AUXILIARIES:
                return claims, subject
        elif low in AUXILIARIES:
            return [], None
    return [], _leading_subject(words, setting)


def _agrees(verb: str, subject: Subject, head: list[Word], setting: _Setting) -> bool:
    """Whether the form fits the subject: what does not is another word ("Sounds like fun"), or has many subjects."""
    plural = subject.kind == "speaker" or setting.beside is not None
    last = head[-1].low if head else ""
    if last.endswith("s") and not last.endswith("ss") and (verb in AUXILIARIES or len(head) > 1):
        return True  # "Backups are", "my parents live"
    return verb not in (THIRD_PERSON if plural else BASE)


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


def _leading_subject(words: list[Word], setting: _Setting) -> Subject | None:
    """Such as "I got a raise (and moved …)": whom a clause is about whose verb is unknown."""
    if not words or words[0].low not in ("i", "we", "he", "she"):
        return None
    return read_subject(words[:1], setting.context, opens=setting.opens)
