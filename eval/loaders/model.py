"""What a loader yields: folders of passages and questions with gold, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hippomem.errors import InputError
from hippomem.types import Extraction

#: Left out in every format: no store takes a passage that says nothing.
BLANK = "passages without text"


@dataclass(frozen=True, slots=True)
class Passage:
    """A line of ``corpus.jsonl``. metadata: plain JSON types; ``speaker``, ``session`` and ``date`` are understood."""

    passage_id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """A line of ``queries.jsonl`` with its judgements.

    relevance: passage id -> score > 0, in the order they are written; empty when the question has no gold.
    metadata: plain JSON types; see `described` for the names used.
    """

    query_id: str
    text: str
    relevance: Mapping[str, float]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folder:
    """One BEIR folder, which becomes one store.

    name: its folder's name where several make a set.    recordings: passage id -> recorded extraction.
    Raises InputError for ids that the layout cannot hold: given twice, or with a tab or a line break (qrels are TSV).
    """

    name: str
    passages: tuple[Passage, ...]
    queries: tuple[Query, ...]
    recordings: Mapping[str, Extraction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        passage_ids = _checked([passage.passage_id for passage in self.passages], "passage", self.name)
        _checked([query.query_id for query in self.queries], "question", self.name)
        assert all(passage_ids >= query.relevance.keys() for query in self.queries), "gold is among the passages"


@dataclass(frozen=True, slots=True)
class Conversion:
    """All that one ``convert`` writes.

    folders: in the order written.    nested: each in a sub-folder of its own; else there is one, the set itself.
    left_out: what was left out, in words that follow a number ("unanswerable questions") -> how many.
    """

    folders: tuple[Folder, ...]
    nested: bool
    left_out: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Stores, passages, questions, questions with gold, and judgements (question and relevant passage)."""
        queries = [query for folder in self.folders for query in folder.queries]
        return {
            "stores": len(self.folders),
            "passages": sum(len(folder.passages) for folder in self.folders),
            "questions": len(queries),
            "with_gold": sum(bool(query.relevance) for query in queries),
            "gold": sum(len(query.relevance) for query in queries),
        }


def one_folder(
    passages: Iterable[Passage],
    queries: Iterable[Query],
    left_out: Counter[str],
    recordings: Mapping[str, Extraction] | None = None,
) -> Conversion:
    """The conversion of a source whose questions all ask the same passages."""
    folder = Folder("", tuple(passages), tuple(queries), recordings or {})
    return Conversion((folder,), nested=False, left_out=dict(+left_out))


def described(**fields: Any) -> dict[str, Any]:
    """Metadata of the fields that the source has: those that are not None.

    The names every format shares: answer (text), answer_aliases (list of text), type (text), hops (int, only where the
    source says so), category (int), question_date (text).

    >>> described(answer="Oslo", hops=None)
    {'answer': 'Oslo'}
    """
    return {name: value for name, value in fields.items() if value is not None}


def _checked(ids: list[str], kind: str, folder: str) -> set[str]:
    where = f" of '{folder}'" if folder else ""
    if twice := [name for name, count in Counter(ids).items() if count > 1]:
        raise InputError(f"{kind} id '{twice[0]}'{where} is given twice; ids must differ within one store")
    for name in ids:
        if not name or name != name.strip() or any(mark in name for mark in "\t\r\n"):
            raise InputError(
                f"{kind} id {name!r}{where} cannot stand in a TSV of judgements; use one without white space"
            )
    return set(ids)
