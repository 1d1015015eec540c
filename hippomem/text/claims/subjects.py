"""Reading subjects: who or what a clause is about, and of whom an attribute is."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hippomem.text.claims.clauses import Word, key
from hippomem.text.claims.function_words import ADVERBS, INNER, NAME_CONNECTORS, NOT_IN_NOUN_PHRASE, QUANTIFIERS
from hippomem.text.claims.inflections import PAST
from hippomem.text.claims.lexicon import FAVOURITE, FRESH, LOOSE, MANY, NOUNS
from hippomem.text.fold import fold
from hippomem.text.words import STOP_WORDS

#: Whose words are read, when nobody says: one fixed subject.
SOMEBODY = "i"
MAX_SUBJECT_WORDS = 8
#: "any": one of a kind, with an indefinite article.
SubjectKind = Literal["speaker", "name", "title", "thing", "any"]


class Context(NamedTuple):
    """Who speaks and what the passage is about, folded; title is "" when it is the speaker."""

    speaker: str
    title: str
    scope: str
    notes: bool = False


def context_of(speaker: str, title: str) -> Context:
    """The context of a sentence.

    scope: what bare descriptions ("the company") are told apart by.    notes: no passage of an encyclopedia.
    """
    folded_speaker, folded_title = fold(speaker), fold(title)
    about = "" if folded_title == folded_speaker else folded_title
    return Context(folded_speaker or SOMEBODY, about, folded_title, not about)


class Subject(NamedTuple):
    """A noun phrase. bearer: key of what has the attribute.    noun: the attribute that is spoken of, or "".

    "Elena's manager": bearer "elena", noun "manager". "Anna": bearer "anna", noun "". whole: the key of all of it.
    """

    bearer: str
    noun: str
    whole: str
    kind: SubjectKind


_PERSONS = frozenset(["he", "she"])
_POSSESSIVE = {"my": "speaker", "our": "speaker", "his": "title", "her": "title", "its": "title"}
_SPELLING = {"favorite": "favourite", "color": "colour", "flavor": "flavour"}
_VAGUE_FAVOURITES = frozenset("part thing memory moment way time bit aspect one thing".split())


def read_subject(words: list[Word], context: Context, *, opens: bool) -> Subject | None:
    """The subject that *words* are, or None when they are no noun phrase that has one bearer.

    opens: the words open the sentence, so that "it" can be what the passage is about.
    """
    if not words or len(words) > MAX_SUBJECT_WORDS:
        return None
    first = words[0].low
    if len(words) == 1 and first in ("i", "we"):
        return Subject(context.speaker, "", context.speaker, "speaker")
    if len(words) == 1 and first in (*_PERSONS, "it"):
        fits = context.title and opens and (first == "it" or _may_be_person(context.title))
        return Subject(context.title, "", context.title, "title") if fits else None
    if context.notes and [w.low for w in words if w.low != "the"] == ["user"]:  # as memories of an assistant say it
        return Subject(context.speaker, "", context.speaker, "name")
    at = next((i for i in range(len(words) - 1, -1, -1) if words[i].owns), -1)
    if first in _POSSESSIVE and at < 1:
        if _POSSESSIVE[first] == "speaker":
            return owned(context.speaker, words[1:], "speaker")
        if not context.title or not opens or (first != "its" and not _may_be_person(context.title)):
            return None
        return owned(context.title, words[1:], "title")
    if at >= 0 and at + 1 < len(words):
        bearer = read_subject([*words[:at], words[at]._replace(owns=False)], context, opens=False)
        if bearer is None or bearer.kind == "title" or (bearer.whole.split()[-1] in MANY and words[-1].low == "name"):
            return None
        return owned(bearer.whole, words[at + 1 :], "thing")
    if at >= 0:
        return None
    if first in ("the", "this"):
        return _definite(words[1:], context, opens=opens)
    if first in ("a", "an") and len(words) > 1 and _plain(words[1:]):
        return Subject(key(words[1:]), "", key(words[1:]), "any")
    if len(words) == 1 and opens and _noun_of(words):  # "Rent is …"
        return _attributed(words, context)
    if _is_name(words):
        return _named(words, context)
    if (
        opens
        and len(words) <= 3
        and words[0].name
        and not any(w.name for w in words[1:])
        and _plain(words)
        and first not in STOP_WORDS
        and not any(w.low in ADVERBS or w.low in PAST for w in words)
    ):  # "Dark mode is …"
        return _attributed(words, context)
    if len(words) <= 3 and words[-1].text[:1].isdigit() and _plain(words):  # "ticket 12"
        whole = key(words)
        return Subject(whole, "", whole, "thing") if whole else None
    if len(words) <= 3 and " ".join(w.low for w in words[:-1]) and _noun_of(words[-1:]) and _plain(words):
        return _attributed(words, context)  # "wifi password", without an article
    return None


def _may_be_person(title: str) -> bool:
    return 1 < len(title.split()) <= 4 and not any(c.isdigit() for c in title)


def _plain(words: list[Word]) -> bool:
    return not any(w.low in NOT_IN_NOUN_PHRASE and not (w.text.isupper() and len(w.text) > 1) for w in words)  # the US


def _is_name(words: list[Word]) -> bool:
    if words[0].low in STOP_WORDS or words[0].low in NOT_IN_NOUN_PHRASE or not words[0].name or not words[-1].name:
        return False
    if words[0].text[:1].isdigit():
        return False
    return all(w.name or w.low in NAME_CONNECTORS for w in words)


def _named(words: list[Word], context: Context) -> Subject | None:
    whole = key(words)
    if not whole:
        return None
    if context.title and len(words) == 1 and whole != context.title:
        # "Krantz" is who the passage is about; another single name is known in this passage only.
        inside = whole in context.title.split()
        whole = context.title if inside else f"{context.title} {whole}"
    return Subject(whole, "", whole, "name")


def noun_key(words: list[Word]) -> str:
    """The name of the attribute that a noun stands for: "new email address" → "email". "" when it is none."""
    while len(words) > 1 and words[0].low in FRESH:
        words = words[1:]
    lows = [_SPELLING.get(w.low, w.low) for w in words]
    if known := NOUNS.get(" ".join(lows)):
        return known
    if not words or not _plain(words) or any(w.low in INNER for w in words):
        return ""
    if lows[0] in FAVOURITE:
        vague = len(lows) == 1 or lows[-1] in _VAGUE_FAVOURITES
        return "" if vague else fold(" ".join(lows))
    last = lows[-1]
    if lows[0] in ("default", "preferred") and len(lows) > 1:
        return fold(" ".join(lows))
    if last in MANY or last in QUANTIFIERS or lows[0] in QUANTIFIERS:
        return ""
    return fold(" ".join(lows))


def _noun_of(words: list[Word]) -> str:
    return NOUNS.get(" ".join(w.low for w in words), "")


def owned(bearer: str, words: list[Word], kind: SubjectKind) -> Subject | None:
    """Such as "my <words>", "Elena's <words>": of *bearer*, the noun."""
    if not words or any(w.low in NOT_IN_NOUN_PHRASE for w in words):
        return None
    split = next((i for i, w in enumerate(words) if w.low in INNER), len(words))
    while len(words) > 1 and words[0].low in FRESH:
        words, split = words[1:], split - 1
    noun = noun_key(words[:split]) if split else ""
    tail = key(words[split:])
    if words[max(0, split - 1)].low in LOOSE:
        return None
    whole = f"{bearer} {key(words)}"
    return Subject(bearer, f"{noun} {tail}".strip() if noun else "", whole, kind if kind != "speaker" else "thing")


def _definite(words: list[Word], context: Context, *, opens: bool) -> Subject | None:
    """Such as "the <words>": the whole, and its bearer when it has one ("the owner of the search service")."""
    while len(words) > 1 and words[0].low in FRESH:
        words = words[1:]
    if not words or not _plain([w for w in words if w.low not in ("the", "my", "our")]) or words[0].low in QUANTIFIERS:
        return None
    if _noun_of(words):
        return _attributed(words, context)  # "point of contact"
    of = next((i for i, w in enumerate(words) if w.low == "of" or (w.low in ("for", "at") and _noun_of(words[:i]))), -1)
    if 0 < of < len(words) - 1:
        bearer = read_subject(words[of + 1 :], context, opens=False) or _bare(words[of + 1 :], context)
        noun = noun_key(words[:of])
        if bearer is None:
            return None
        whole = f"{bearer.whole} {key(words[:of])}"
        return Subject(bearer.whole, noun, whole, "thing")
    return _attributed(words, context)


def _bare(words: list[Word], context: Context) -> Subject | None:
    """A bearer without article: "Orchid", "search service"."""
    whole = key(words)
    if not whole or not _plain(words):
        return None
    return Subject(whole, "", whole, "thing")


def _attributed(words: list[Word], context: Context) -> Subject | None:
    """Such as "wifi password" → the password of "wifi"; "deadline" → itself."""
    whole = key(words)
    scoped = f"{context.scope} {whole}".strip() if context.scope and not all(w.name for w in words) else whole
    for start in range(1, 0 if any(w.low in INNER for w in words) else len(words)):
        if noun := _noun_of(words[start:]):
            bearer = key(words[:start])
            bearer = f"{context.scope} {bearer}".strip() if context.scope else bearer
            return Subject(bearer, noun, scoped, "thing") if bearer else None
    last = words[-1].low
    many = (last in MANY and words[0].low not in ("default", "preferred")) or words[0].low in QUANTIFIERS
    noun = "" if many else (_noun_of(words) or "is")
    return Subject(scoped, noun, scoped, "thing") if whole else None
