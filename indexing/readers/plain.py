"""Plain text: a file is a document."""

from __future__ import annotations

from hippomem.errors import InputError, ReadError
from hippomem.types import Document
from indexing.readers.inputs import Entries, Input, read_whole
from indexing.validation import check_document


def read(source: Input) -> Entries:
    """The file as one document without a title; line ends become ``\\n``."""
    yield whole_document(source, Document(text=read_whole(source), source_id=source.source_id()))


def whole_document(source: Input, document: Document) -> Document:
    """*document*, which is the whole file. Raises ReadError for what cannot be stored."""
    try:
        check_document(document)
    except InputError as error:
        raise ReadError(str(error), path=source.path) from error
    return document
