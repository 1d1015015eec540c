"""Step 3: the gazetteer, and the names it finds in sentences old and new.

A name is *known* when it is a title, or a span seen in at least two passages. A known name is found in every sentence, by
greedy longest match, so a new passage can name things in sentences stored long ago, and a forgotten one must stop doing
so. Both are kept up exactly: the inverted index finds the sentences that hold all words of a name that became known, the
mentions find those of a name that no longer is, and only these sentences are matched again. The result never depends on
the order in which passages came.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence, Set

from hippomem.store import facts
from hippomem.store.facts import GAZETTEER
from hippomem.text.fold import Token, normalise, tokenize
from hippomem.text.mentions import match_gazetteer, ngrams
from hippomem.text.words import count_words

#: Sentences matched at a time: bounds what is held in memory.
_BLOCK = 2000
#: Sentences from which it is quicker to read the gazetteer than to ask it for every run of words.
_READ_FROM = 5000


class Gazetteer:
    """The known names of one namespace: asked for one by one, or read into memory before a bulk of sentences.

    Once read, it is kept up by `change`, and good for as long as nobody else changes the store.
    """

    def __init__(self, db: sqlite3.Connection, namespace_key: int) -> None:
        self._db, self._namespace_key = db, namespace_key
        self._known: set[str] | None = None
        #: The first words of the names, so that most words of a sentence need no look at longer runs.
        self._openings: set[str] = set()

    def read(self) -> None:
        """Read all names: some 100 bytes each, and 0.2 s for 100,000."""
        if self._known is None:
            self._known = facts.gazetteer(self._db, self._namespace_key)
            self._openings.update(key.partition(" ")[0] for key in self._known)

    def change(self, names: Sequence[tuple[int, str]], *, known: bool) -> None:
        """Put names into the gazetteer or take them out, given as (entity row, key)."""
        facts.set_known(self._db, (entity_key for entity_key, _ in names), known)
        if self._known is not None:
            keys = [key for _, key in names]
            if known:
                self._known.update(keys)
                self._openings.update(key.partition(" ")[0] for key in keys)
            else:
                self._known.difference_update(keys)

    def rows(self, keys: Iterable[str]) -> dict[str, int]:
        """The entity rows of known names."""
        return facts.look_up(self._db, "entities", self._namespace_key, keys)

    def tests(self, sentences: Iterable[Sequence[Token]]) -> tuple[Callable[[str], bool], Callable[[str], bool]]:
        """Two tests for the runs of these sentences: whether a key is known, and whether a word may open a known key."""
        if self._known is not None:
            return self._known.__contains__, self._openings.__contains__
        candidates: set[str] = set()
        for tokens in sentences:
            candidates |= ngrams(tokens)
        known = facts.known_keys(self._db, self._namespace_key, candidates)
        return known.__contains__, {key.partition(" ")[0] for key in known}.__contains__


def name_entities(
    db: sqlite3.Connection,
    namespace_key: int,
    contributed: Set[int],
    new: Set[int],
    *,
    gazetteer: Gazetteer | None = None,
    had_facts: bool = True,
) -> None:
    """Bring gazetteer and mentions up to date after facts came in.

    contributed: fact rows that gained a passage.    new: those that did not exist before.
    had_facts: False when every fact of the namespace is in *new*, so that there is no old sentence to look for.
    """
    gazetteer = gazetteer or Gazetteer(db, namespace_key)
    became_known = [name for name in facts.unknown_names(db, contributed) if facts.is_known_now(db, name[0])]
    gazetteer.change(became_known, known=True)
    touched = set(new)
    if had_facts:
        for _, key in became_known:
            old = [row for row in facts.sentences_with_words(db, namespace_key, count_words(key)) if row not in touched]
            touched.update(_that_may_name(db, old, key))
    match_sentences(db, gazetteer, touched)


def _that_may_name(db: sqlite3.Connection, fact_keys: Sequence[int], key: str) -> list[int]:
    """Those of the sentences in which a name may be found: a look at the letters, sixty times cheaper than matching.

    "It" is a title and one sentence in five holds the word, but few of them with a capital.
    """
    if not key.isascii():
        return list(fact_keys)
    # As `tokenize` reads ASCII: what stands between two words is neither letter nor digit, or a possessive.
    gap = r"(?:'s|[^a-z0-9])+"
    pattern = re.compile(f"(?<![a-z0-9]){gap.join(key.split(' '))}(?![a-z0-9])", re.IGNORECASE | re.ASCII)
    one_word = " " not in key

    def may_name(sentence: str) -> bool:
        if not sentence.isascii():
            return True
        if not one_word:
            return pattern.search(sentence) is not None
        # A name of one word shows a capital or a digit: see `match_gazetteer`.
        return any(not (match[0].isalpha() and match[0].islower()) for match in pattern.finditer(sentence))

    kept: list[int] = []
    for start in range(0, len(fact_keys), _BLOCK):
        rows = facts.sentence_rows(db, fact_keys[start : start + _BLOCK])
        kept += [fact_key for fact_key, sentence in rows if may_name(sentence)]
    return kept


def unname_entities(db: sqlite3.Connection, namespace_key: int, entity_keys: Iterable[int]) -> None:
    """Bring gazetteer and mentions up to date after facts that mentioned these entities went."""
    no_longer = [key for key in facts.known_among(db, entity_keys) if not facts.is_known_now(db, key)]
    facts.set_known(db, no_longer, False)
    touched: set[int] = set()
    for key in no_longer:
        touched.update(facts.sentences_naming(db, key))
    match_sentences(db, Gazetteer(db, namespace_key), touched)


def match_sentences(db: sqlite3.Connection, gazetteer: Gazetteer, fact_keys: Iterable[int]) -> None:
    """Set the gazetteer mentions of these sentences to what the gazetteer finds in them now."""
    ordered = sorted(fact_keys)
    if len(ordered) > _READ_FROM:
        gazetteer.read()
    for start in range(0, len(ordered), _BLOCK):
        block = [
            (fact_key, text := normalise(sentence), tokenize(text))
            for fact_key, sentence in facts.sentence_rows(db, ordered[start : start + _BLOCK])
        ]
        known, opens = gazetteer.tests(tokens for _, _, tokens in block)
        present = facts.mentions_of(db, [fact_key for fact_key, _, _ in block])
        changed: list[tuple[int, int, int, str]] = []
        missing: list[tuple[int, str, str]] = []
        for fact_key, text, tokens in block:
            found = {mention.key: mention.surface for mention in match_gazetteer(text, tokens, known, opens)}
            there = present[fact_key]
            for key, (entity_key, roles, surface) in there.items():
                wanted = roles | GAZETTEER if key in found else roles & ~GAZETTEER
                if wanted != roles:
                    changed.append((fact_key, entity_key, wanted, surface))
            missing += [(fact_key, key, surface) for key, surface in found.items() if key not in there]
        rows = gazetteer.rows({key for _, key, _ in missing})
        changed += [(fact_key, rows[key], GAZETTEER, surface) for fact_key, key, surface in missing]
        facts.set_mentions(db, changed)
