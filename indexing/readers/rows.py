"""From a row, of JSON Lines or a table, to a document."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hippomem.errors import InputError, ReadError
from hippomem.text.dates import parse_date
from hippomem.types import Document
from indexing.readers.inputs import Input
from indexing.readers.options import ReadOptions
from indexing.validation import check_document

#: How many columns an error names, and how much of each.
_SHOWN, _WIDTH = 12, 30


class Rows:
    """The rows of one file: counts the turns of each session, which in file order are consecutive."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._turns: dict[str, int] = defaultdict(int)

    def document(self, row: Mapping[str, Any], number: int) -> Document:
        """Row *number* (from 1) as a document; what is neither text, title nor id is metadata. Raises InputError.

        session, speaker and date are read from the metadata and stay in it.
        """
        options = self._source.options
        parts, metadata = _split(row, options)
        text, title, source_id = parts.get("text"), parts.get("title") or "", parts.get("_id")
        if not isinstance(text, str) or not isinstance(title, str):
            named = (options.text_column or "text", options.title_column or "title")
            raise InputError(f"needs a '{named[0]}' that is a string (and a '{named[1]}' that is one, if any).")
        if len(text) > options.max_characters:
            raise InputError(f"has a text of more than {options.max_characters:,} characters.")
        if source_id in (None, "") and options.row_ids:
            source_id = self._source.source_id(f"#{number}")
        session, speaker, date = (_string(metadata, name) for name in ("session", "speaker", "date"))
        position = None
        if session is not None:
            position = self._turns[session]
            self._turns[session] += 1
        document = Document(
            text=text,
            title=title,
            source_id=None if source_id is None else str(source_id),
            kind="semantic" if session is None else "episodic",
            occurred_at=None if date is None else parse_date(date),
            session=session,
            speaker=speaker,
            position=position,
            metadata=metadata,
        )
        check_document(document)
        return document


def canonical_columns(names: Sequence[str], source: Input, *, line: int | None = None) -> list[str]:
    """The names of a table's columns as `Rows` looks for them: ``text`` also where the file says ``Text``.

    A column that an option names must be there; else letter case and white space around a name do not count.
    Raises ReadError, with what there is.
    """
    options = source.options
    found = list(names)
    taken = set()
    for asked, option, plain in (
        (options.text_column, "text", ("text",)),
        (options.title_column, "title", ("title",)),
        (options.id_column, "id", ("_id", "id")),
    ):
        at = _place(names, asked, plain)
        if at is not None:
            found[at] = asked or plain[0]
            taken.add(at)
        elif asked is not None or option == "text":
            raise ReadError(
                f"has no column '{asked or 'text'}', only {_listed(names)}; name one with --{option}-column.",
                path=source.path,
                line=line,
            )
    for name in ("session", "speaker", "date", "metadata"):
        at = _place(names, None, (name,))
        if at is not None and at not in taken:
            found[at] = name
    if doubles := sorted({name for name in found if name and found.count(name) > 1}):
        raise ReadError(f"names the column '{doubles[0]}' twice; rename one.", path=source.path, line=line)
    return found


def has_text(names: Sequence[str], options: ReadOptions) -> bool:
    """Whether one of these columns is the text."""
    return _place(names, options.text_column, ("text",)) is not None


def parsed_metadata(row: dict[str, Any]) -> dict[str, Any]:
    """*row*, in which a ``metadata`` that is the text of a JSON object is that object; other text stays a text."""
    text = row.get("metadata")
    if isinstance(text, str):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        row["metadata"] = value if isinstance(value, dict) else {"metadata": text}
    return row


def _split(row: Mapping[str, Any], options: ReadOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """Text, title and id under these names; and the metadata: other fields, and over them what ``metadata`` holds."""
    rest = dict(row)
    inner = rest.pop("metadata", None) or {}
    if not isinstance(inner, dict):
        raise InputError("has 'metadata' that is no JSON object.")
    if options.id_column is not None and rest.get(options.id_column) is None:
        raise InputError(f"has no '{options.id_column}' to be its id (--id-column).")
    parts = {
        "text": rest.pop(options.text_column or "text", None),
        "title": rest.pop(options.title_column or "title", None),
        "_id": rest.pop(options.id_column or ("_id" if "_id" in rest else "id"), None),
    }
    return parts, {**{name: value for name, value in rest.items() if value is not None}, **inner}


def _place(names: Sequence[str], asked: str | None, plain: Sequence[str]) -> int | None:
    """Where the column that was asked for is; else the first of *plain* that is there, as it is or loosely."""
    if asked is not None:
        return names.index(asked) if asked in names else None
    for spelled in (list(names), [name.strip().lower() for name in names]):
        for name in plain:
            if name in spelled:
                return spelled.index(name)
    return None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:_WIDTH]) for name in names[:_SHOWN]) or "none"
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _string(metadata: Mapping[str, Any], name: str) -> str | None:
    value = metadata.get(name)
    return None if value is None else str(value)
