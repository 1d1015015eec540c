"""What a document must be like to be stored."""

from __future__ import annotations

import json
from typing import get_args

from hippomem.errors import EmptyTextError, InputError
from hippomem.types import Document, Kind

_TEXTS = ("text", "title", "source_id", "occurred_at", "user", "agent", "session", "speaker")
_KINDS: tuple[str, ...] = get_args(Kind)


def check_document(document: Document) -> None:
    """Raise EmptyTextError for a text without any visible character, InputError for a document that cannot be stored."""
    for name in _TEXTS:
        value = getattr(document, name)
        if value is not None:
            _check_text(name, value)
    if not document.text.strip():
        raise EmptyTextError("has an empty 'text'; a memory needs at least one visible character.")
    if document.kind not in _KINDS:
        raise InputError(f"has the kind {document.kind!r}; choose one of {', '.join(_KINDS)}.")
    if document.position is not None and not isinstance(document.position, int):
        raise InputError(f"has the position {document.position!r}; it must be a whole number.")
    try:
        metadata = json.dumps(dict(document.metadata), sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"has metadata that cannot be written as JSON ({error}).") from error
    _check_text("metadata", metadata)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InputError(f"has a {name} that is no text: {value!r}.")
    if "\x00" in value:
        raise InputError(f"has a NUL character in its {name}, at {value.index(chr(0))}; remove it.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"has a {name} that is not valid Unicode at {error.start} (a lone surrogate).") from error
