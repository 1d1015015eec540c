"""What a tool returns beside its words: structured content, and the schema that describes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from hippomem.types import AddReport, MemoryRecord, Recall


@dataclass(frozen=True, slots=True)
class Remembered:
    """memory_ids: one for each text that was kept.    duplicates: how many were stored before."""

    memory_ids: tuple[str, ...]
    added: int
    duplicates: int
    failed: int

    @classmethod
    def of(cls, report: AddReport) -> Remembered:
        """Without times and costs, which a model has no use for."""
        return cls(report.memory_ids, report.added, report.duplicates, report.failed)


@dataclass(frozen=True, slots=True)
class Cited:
    """A numbered passage of the block. Its text stands in the block only, where it is marked as data, and once."""

    number: int
    memory_id: str
    passage_id: str
    title: str
    occurred_at: str | None
    score: float
    source_ids: tuple[str, ...] = ()
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """text: the block.    tokens: its length.    omitted: passages that did not fit or repeated others."""

    query: str
    text: str
    tokens: int
    citations: tuple[Cited, ...] = ()
    omitted: int = 0
    note: str = ""

    @classmethod
    def of(cls, recall: Recall) -> Recalled:
        """Without the texts of the citations."""
        cited = tuple(
            Cited(**{name: value for name, value in asdict(c).items() if name != "text"}) for c in recall.citations
        )
        return cls(recall.query, recall.text, recall.tokens, cited, recall.omitted, recall.note)


@dataclass(frozen=True, slots=True)
class Page:
    """memories: some of the *total*.    next: pass it as ``after`` for those that follow; null at the end."""

    memories: tuple[MemoryRecord, ...]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """forgotten: how many memories are gone."""

    forgotten: int


def schema_of(kind: Any) -> dict[str, Any]:
    """JSON schema of a type, as it goes out."""
    schema: dict[str, Any] = slim(TypeAdapter(kind).json_schema(mode="serialization"))
    return schema


def slim(schema: Any) -> Any:
    """A JSON schema without ``title`` and without ``null`` defaults: a model reads every word of it."""
    if isinstance(schema, list):
        return [slim(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: slim(part) for name, part in value.items()}
        elif not (key == "title" or (key == "default" and value is None)):
            kept[key] = slim(value)
    return kept
