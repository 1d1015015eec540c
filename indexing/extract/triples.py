"""Turn an LLM's triples into statements of the graph."""

from __future__ import annotations

from collections.abc import Iterable

from hippomem.store.facts import OBJECT, SUBJECT, Statement
from hippomem.text.fold import fold
from hippomem.types import Triple


def triple_statements(triples: Iterable[Triple]) -> list[Statement]:
    """Statements of the triples, in order; one whose subject or object has no letter or digit is no fact."""
    statements = []
    for triple in triples:
        subject, predicate, obj = fold(triple.subject), fold(triple.predicate), fold(triple.object)
        if not subject or not obj:
            continue
        # The same fact may be written differently elsewhere; its surface is kept with each contribution instead.
        mentions = {subject: (SUBJECT, subject), obj: (OBJECT, obj)}
        if subject == obj:
            mentions = {subject: (SUBJECT | OBJECT, subject)}
        said = (triple.subject, triple.predicate, triple.object)
        statements.append(Statement("triple", subject, predicate, obj, mentions, said=said))
    return statements
