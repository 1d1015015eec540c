"""What a document must be like to be stored."""

from __future__ import annotations

from hippomem.errors import EmptyTextError, InputError
from hippomem.types import Document


def check_document(document: Document) -> None:
    """Raise EmptyTextError for a text without any visible character, InputError for one that cannot be stored."""
    if not document.text.strip():
        raise EmptyTextError("has an empty 'text'; a memory needs at least one visible character.")
    for name, value in (("text", document.text), ("title", document.title)):
        if "\x00" in value:
            raise InputError(f"has a NUL character in its {name}, at {value.index(chr(0))}; remove it.")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"has a {name} that is not valid Unicode at {error.start} (a lone surrogate).") from error
