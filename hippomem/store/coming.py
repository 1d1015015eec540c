"""Of passages to come: which are there already, and which an LLM need not be paid for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from hippomem.store import readings
from hippomem.store.blocks import blocks
from hippomem.store.readings import Asked


class Coming(NamedTuple):
    """A passage that is to be stored: the id that it will have. text_hash: see `readings.text_hash`."""

    passage_id: str
    text_hash: bytes


class Known(NamedTuple):
    """What the store has of it. reading: the state of its reading, "" for none.    is_paid: its text was answered about."""

    is_stored: bool
    reading: str
    is_paid: bool


def known(db: sqlite3.Connection, namespace_key: int | None, coming: Sequence[Coming], asked: Asked) -> list[Known]:
    """One for each passage. namespace_key: None for a namespace that is not there.    asked: whose answers count."""
    states: dict[str, str] = {}
    paid: set[bytes] = set()
    for marks, block in blocks(coming):
        states.update(
            db.execute(
                "SELECT passage_id, coalesce(readings.state, '') FROM passages LEFT JOIN readings USING (passage_key)"
                f" WHERE passages.namespace_key = ? AND passage_id IN ({marks})",
                (namespace_key, *(each.passage_id for each in block)),
            )
        )
        paid.update(readings.paid(db, {each.text_hash for each in block}, asked))
    return [
        Known(each.passage_id in states, states.get(each.passage_id, ""), each.text_hash in paid) for each in coming
    ]
