"""Step 2 and 3 for a batch of passages: read them and what an LLM answered about them, and write what they state.

Reading and asking hold no lock; writing is for one transaction, and passes over what another process has done meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hippomem.errors import ModelError
from hippomem.store import claims, memories, passages, readings
from hippomem.store.facts import Statement
from hippomem.store.passages import PassageRow
from hippomem.store.writer import Contribution, Remembered, Writer
from hippomem.text.sentences import split_sentences
from hippomem.types import Extraction
from indexing.extract import ExtractionError, PassageText, TripleExtractor
from indexing.extract.builtin import all_statements
from indexing.extract.triples import triple_statements
from indexing.naming import Gazetteer, name_entities

#: From passages, each a (title, text), to what their sentences state, in order.
Sentences = Callable[[Sequence[tuple[str, str]]], list[list[Statement]]]


class Stated(NamedTuple):
    """A passage and what it states. first: the ordinal of the first statement.    error: why the extraction failed."""

    row: PassageRow
    statements: Sequence[Statement]
    first: int
    error: str | None


@dataclass
class Context:
    """What is kept in memory from batch to batch: good for as long as nobody else writes."""

    gazetteer: Gazetteer
    remembered: Remembered = field(default_factory=Remembered)


class Written(NamedTuple):
    """What a batch changed: rows of passages, and the writer that knows the rows of their facts."""

    passage_keys: list[int]
    writer: Writer
    failed: int


def read_statements(
    db: sqlite3.Connection,
    passage_keys: Sequence[int],
    triples: TripleExtractor | None,
    *,
    retry: bool = False,
    sentences: Sentences = all_statements,
) -> tuple[list[Stated], ModelError | None]:
    """What passages state, in order; and the error that stopped the extractor, if one did: the rest is left out then.

    retry: the sentences of these passages are stored already; only what the extractor adds is wanted.
    sentences: reads them, here or elsewhere.
    """
    rows = list(passages.texts(db, passage_keys).values())
    outcomes: dict[int, Extraction | ExtractionError] = {}
    stopped: ModelError | None = None
    if triples is None:
        outcomes = dict.fromkeys(range(len(rows)), Extraction())
    else:
        heads = memories.heads(db, [row.memory_key for row in rows])
        read = [
            PassageText(row.passage_id, row.title, row.text, heads[row.memory_key].source_ids)
            for row in rows
            if row.memory_key in heads
        ]
        rows = [row for row in rows if row.memory_key in heads]
        try:
            for position, outcome in triples.extract(read):
                outcomes[position] = outcome
        except ModelError as error:
            stopped = error
    stated = []
    answered = [(row, outcomes[position]) for position, row in enumerate(rows) if position in outcomes]
    said = sentences([(row.title, row.text) for row, _ in answered])
    for (row, outcome), statements in zip(answered, said, strict=True):
        # A retry adds what is missing where it would have stood: behind the sentences.
        first = len(statements) if retry else 0
        statements = [] if first else statements
        if isinstance(outcome, Extraction):
            statements += triple_statements(outcome.triples)
        stated.append(Stated(row, statements, first, None if isinstance(outcome, Extraction) else str(outcome)))
    return stated, stopped


def write_statements(
    db: sqlite3.Connection, namespace_key: int, stated: Sequence[Stated], context: Context, *, retry: bool = False
) -> Written:
    """Store statements and names of passages that are still waiting, and move these to ``extracted`` or ``failed``."""
    states = passages.states(db, [each.row.passage_key for each in stated])
    waiting = [each for each in stated if states.get(each.row.passage_key) == ("failed" if retry else "pending")]
    passages.set_states(
        db,
        [(each.row.passage_key, "extracted" if each.error is None else "failed", each.error) for each in waiting],
    )
    return _write(db, namespace_key, waiting, context)


def read_answers(db: sqlite3.Connection, namespace_key: int, limit: int) -> list[Stated]:
    """What passages state by stored answers of an LLM that are no statements yet: behind their sentences."""
    answers = readings.next_answered(db, namespace_key, limit=limit)
    if not answers:
        return []
    from indexing.extract.llm import load_answer

    return [
        Stated(row, triple_statements(load_answer(answers[key]).triples), len(split_sentences(row.text)), None)
        for key, row in passages.texts(db, answers).items()
    ]


def write_answers(db: sqlite3.Connection, namespace_key: int, stated: Sequence[Stated], context: Context) -> None:
    """Store what `read_answers` gave, of passages of which nobody else has meanwhile. They stay searchable all the time."""
    states = readings.states(db, [each.row.passage_key for each in stated])
    waiting = [each for each in stated if states.get(each.row.passage_key) == "answered"]
    readings.set_used(db, [each.row.passage_key for each in waiting])
    _write(db, namespace_key, waiting, context)


def _write(db: sqlite3.Connection, namespace_key: int, stated: Sequence[Stated], context: Context) -> Written:
    had_facts = db.execute("SELECT 1 FROM facts WHERE namespace_key = ?", (namespace_key,)).fetchone() is not None
    writer = Writer(db, namespace_key, context.remembered)
    writer.contribute([Contribution(each.row.passage_key, each.statements, each.first) for each in stated])
    name_entities(db, namespace_key, writer.facts, writer.new, gazetteer=context.gazetteer, had_facts=had_facts)
    claims.read(db, namespace_key, [each.row.memory_key for each in stated])
    failed = sum(each.error is not None for each in stated)
    return Written([each.row.passage_key for each in stated], writer, failed)
