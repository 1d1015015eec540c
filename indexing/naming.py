"""Step 3: the gazetteer, and the names it finds in sentences old and new.

A name is *known* when it is a title, or a span seen in at least two passages. A known name is found in every sentence, by
greedy longest match, so a new passage can name things in sentences stored long ago, and a forgotten one must stop doing
so. Both are kept up exactly: the inverted index finds the sentences that hold all words of a name that became known, the
mentions find those of a name that no longer is, and only these sentences are matched again. The result never depends on
the order in which passages came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Set

from hippomem.store import facts
from hippomem.store.facts import GAZETTEER
from hippomem.text.fold import normalise, tokenize
from hippomem.text.mentions import match_gazetteer, ngrams
from hippomem.text.words import count_words

#: Sentences matched at a time: bounds the n-grams held in memory.
_BLOCK = 2000


def name_entities(
    db: sqlite3.Connection, namespace_key: int, contributed: Set[int], new: Set[int], *, had_facts: bool = True
) -> None:
    """Bring gazetteer and mentions up to date after facts came in.

    contributed: fact rows that gained a passage.    new: those that did not exist before.
    had_facts: False when every fact of the namespace is in *new*, so that there is no old sentence to look for.
    """
    became_known = [
        (entity_key, key)
        for entity_key, key in facts.unknown_names(db, contributed)
        if facts.is_known_now(db, entity_key)
    ]
    facts.set_known(db, (entity_key for entity_key, _ in became_known), True)
    touched = set(new)
    if had_facts:
        for _, key in became_known:
            touched.update(facts.sentences_with_words(db, namespace_key, count_words(key)))
    match_sentences(db, namespace_key, touched)


def unname_entities(db: sqlite3.Connection, namespace_key: int, entity_keys: Iterable[int]) -> None:
    """Bring gazetteer and mentions up to date after facts that mentioned these entities went."""
    no_longer = [key for key in facts.known_among(db, entity_keys) if not facts.is_known_now(db, key)]
    facts.set_known(db, no_longer, False)
    touched: set[int] = set()
    for key in no_longer:
        touched.update(facts.sentences_naming(db, key))
    match_sentences(db, namespace_key, touched)


def match_sentences(db: sqlite3.Connection, namespace_key: int, fact_keys: Iterable[int]) -> None:
    """Set the gazetteer mentions of these sentences to what the gazetteer finds in them now."""
    rows = facts.sentence_rows(db, fact_keys)
    for start in range(0, len(rows), _BLOCK):
        block = [
            (fact_key, text := normalise(sentence), tokenize(text))
            for fact_key, sentence in rows[start : start + _BLOCK]
        ]
        candidates: set[str] = set()
        for _, _, tokens in block:
            candidates |= ngrams(tokens)
        known = facts.known_keys(db, namespace_key, candidates)
        for fact_key, text, tokens in block:
            found = {mention.key: mention.surface for mention in match_gazetteer(text, tokens, known.__contains__)}
            present = facts.mentions_of(db, fact_key)
            for key, (entity_key, roles, surface) in present.items():
                wanted = roles | GAZETTEER if key in found else roles & ~GAZETTEER
                if wanted != roles:
                    facts.set_mention(db, fact_key, entity_key, wanted, surface)
            for key in found.keys() - present.keys():
                entity_key = facts.entity_key(db, namespace_key, key)
                facts.set_mention(db, fact_key, entity_key, GAZETTEER, found[key])
