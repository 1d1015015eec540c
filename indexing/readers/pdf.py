"""PDF, by pypdf (extra ``pdf``): a page is a document."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from hippomem.errors import InputError, ReadError
from hippomem.types import Document
from indexing.readers.inputs import Entries, Input
from indexing.validation import check_document

if TYPE_CHECKING:
    from pypdf import PdfReader

#: Titles that programs write by themselves: names of files, and of the program.
_NO_TITLE = re.compile(r"untitled.*|microsoft \w+ - .*|.*\.(?:docx?|pptx?|xlsx?|odt|tex|dvi|pdf|indd)", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read(source: Input) -> Entries:
    """A document for each page that has text, with its number in the metadata and ``#page=3`` in its id.

    Raises ReadError for a file that is broken, encrypted with a password, or holds no text at all.
    """
    # What pypdf mends on its way it says at length; what it cannot mend is reported below.
    if (log := logging.getLogger("pypdf")).level == logging.NOTSET:
        log.setLevel(logging.CRITICAL)
    with source.binary() as stream:
        import pypdf

        try:
            reader = pypdf.PdfReader(stream)
            is_open = not reader.is_encrypted or bool(reader.decrypt(""))
            count = len(reader.pages) if is_open else 0
        except Exception as error:  # a broken file can fail in any line of the parser
            raise _unusable(source, error) from error
        if not is_open:
            raise ReadError(
                "is encrypted with a password; save it without (for instance: qpdf --decrypt).", path=source.path
            )
        title, found = _title(reader), False
        for number in range(1, count + 1):
            try:
                text = _text(reader, number)
                if not text.strip():
                    continue
                found = True
                yield _page(source, text, title, number)
            except ReadError as error:
                yield error
            except Exception as error:
                found = True  # the page is reported, so the file is not silent
                yield _unusable(source, error, page=number)
        if not found:
            raise ReadError(
                f"has no text on its {count:,} pages; if they are scanned, recognise the text first (for instance: "
                "ocrmypdf).",
                path=source.path,
            )


def _page(source: Input, text: str, title: str, number: int) -> Document:
    if len(text) > source.options.max_characters:
        raise source.too_long("the page", page=number)
    document = Document(
        text=text, title=title, source_id=source.source_id(f"#page={number}"), metadata={"page": number}
    )
    try:
        check_document(document)
    except InputError as error:
        raise ReadError(str(error), path=source.path, page=number) from error
    return document


def _text(reader: PdfReader, number: int) -> str:
    # Fonts without a proper table give characters that no text has.
    text = _UNSTORABLE.sub("\ufffd", reader.pages[number - 1].extract_text())
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def _title(reader: PdfReader) -> str:
    try:
        information = reader.metadata
        title = "" if information is None else _UNSTORABLE.sub("", str(information.title or "")).strip()
    except Exception:  # the pages may be sound all the same
        return ""
    return "" if _NO_TITLE.fullmatch(title) else title


def _unusable(source: Input, error: Exception, **place: int) -> ReadError:
    from pypdf.errors import DependencyError

    reason = " ".join(str(error).split())[:200] or type(error).__name__
    if isinstance(error, DependencyError):
        return ReadError(
            f"needs a package more to be read: {reason}; run: pip install 'pypdf[crypto]'", path=source.path
        )
    return ReadError(
        f"cannot be read as PDF ({reason}); open it in a viewer and save it anew.", path=source.path, **place
    )
