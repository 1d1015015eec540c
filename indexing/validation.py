"""What a document must be like to be stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import get_args

from hippomem.errors import EmptyTextError, InputError
from hippomem.text.dates import moment
from hippomem.types import Document, Kind


def check_document(document: Document) -> None:
    """Raise EmptyTextError for a text without any visible character, InputError for what cannot be stored as it is."""
    for field in fields(document):
        _check_type(field.name, getattr(document, field.name))
    if not document.text.strip():
        raise EmptyTextError("the document has an empty 'text'; a memory needs at least one visible character.")
    for field in fields(document):
        value = getattr(document, field.name)
        if isinstance(value, str):
            _check_string(field.name, value)
    if document.kind not in get_args(Kind):
        raise InputError(f"the document has the kind '{document.kind}'; choose one of {', '.join(get_args(Kind))}.")
    if document.position is not None and not isinstance(document.position, int):
        raise InputError(f"the document has the position {document.position!r}; it must be a whole number.")
    for name in ("occurred_at", "expires_at"):
        value = getattr(document, name)
        try:
            if value is not None:
                moment(value)
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"the document has an {name} that is not ISO 8601 ('{value}'); write it as 2026-11-21T18:30."
            ) from error
    for some_id in document.supersedes:
        _check_type("supersedes", some_id)
        _check_string("supersedes", some_id)
    try:
        _check_string(
            "metadata", json.dumps(dict(document.metadata), sort_keys=True, ensure_ascii=False, allow_nan=False)
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"the document has metadata that is no JSON ({error}); use text, numbers, true, false, lists, objects."
        ) from error


def _check_type(name: str, value: object) -> None:
    expected: type = {"position": int, "metadata": Mapping}.get(name, str)
    if name == "supersedes" and isinstance(value, tuple):
        return
    optional = name not in ("text", "title", "kind", "metadata")
    if not (isinstance(value, expected) or (optional and value is None)):
        raise InputError(f"the document has a {name} that is a {type(value).__name__}, not {expected.__name__}.")


def _check_string(name: str, value: str) -> None:
    if "\x00" in value:
        raise InputError(f"the document has a NUL character in its {name}, at {value.index(chr(0))}; remove it.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"the document has a {name} that is not valid Unicode at {error.start} (a lone surrogate)."
        ) from error
