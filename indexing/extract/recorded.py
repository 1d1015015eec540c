"""Replay recorded extraction: an ``openie.jsonl`` with one line a passage, `{"_id", "entities", "triples"}`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hippomem.errors import ExtractionError, ReadError
from hippomem.types import Extraction, Triple
from indexing.extract import PassageText


class RecordedExtractor:
    """Looks a passage's triples up by its source id. A passage without a recording is an ExtractionError, not "no facts"."""

    name = "recorded"

    def __init__(self, path: str | Path) -> None:
        """Read the recording. Raises ReadError with the line of the first thing that is not a recording."""
        self.path = Path(path)
        self._by_id: dict[str, Extraction] = {}
        try:
            with self.path.open("rb") as lines:
                for number, raw in enumerate(lines, start=1):
                    if raw.strip():
                        self._read_line(raw, number)
        except FileNotFoundError as error:
            raise ReadError(
                "no such file; `--extractor recorded` replays an openie.jsonl beside the corpus.", path=path
            ) from error
        except OSError as error:
            raise ReadError(f"cannot be read: {error.strerror}", path=path) from error

    def _read_line(self, raw: bytes, number: int) -> None:
        try:
            row = json.loads(raw.decode("utf-8"))
            if not isinstance(row, dict):
                raise TypeError("not an object")
            self._by_id[str(row["_id"])] = parse_extraction(row)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ReadError(f"is no recorded extraction ({error!r})", path=self.path, line=number) from error

    @property
    def spent(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction | ExtractionError]]:
        """See `TripleExtractor.extract`."""
        yield from enumerate(map(self._find, passages))

    def _find(self, passage: PassageText) -> Extraction | ExtractionError:
        for source_id in passage.source_ids:
            if source_id in self._by_id:
                return self._by_id[source_id]
        ids = ", ".join(passage.source_ids) or "none"
        return ExtractionError(f"no recording in {self.path.name} for source ids: {ids}")


#: Names under which models give the parts of a triple when they give an object instead of a list.
_PARTS = (("subject", "head"), ("predicate", "relation"), ("object", "tail"))


def parse_extraction(row: Mapping[str, Any]) -> Extraction:
    """An Extraction from decoded JSON. Raises TypeError or ValueError for other shapes.

    A triple that has not three parts is left out, as HippoRAG does; a part that is a number or a boolean becomes its text.
    """
    entities = row.get("entities") or row.get("named_entities") or []  # the second as HippoRAG's prompt names them
    triples = row.get("triples") or []
    if not isinstance(entities, list) or not isinstance(triples, list):
        raise TypeError("'entities' and 'triples' must be lists")
    kept = [Triple(*map(str, parts)) for triple in triples if (parts := triple_parts(triple)) is not None]
    return Extraction(tuple(str(e) for e in entities if isinstance(e, str | int | float)), tuple(kept))


def triple_parts(triple: object) -> list[Any] | None:
    """Subject, predicate and object of one triple as decoded (texts and numbers), or None when it has not three parts."""
    if isinstance(triple, Mapping):
        triple = [next((triple[name] for name in names if name in triple), None) for names in _PARTS]
    if isinstance(triple, list) and len(triple) == 3 and all(isinstance(p, str | int | float) for p in triple):
        return triple
    return None
