"""What a caller may say about the files that are read."""

from __future__ import annotations

from dataclasses import dataclass

from hippomem.types import CorpusFormat

#: The longest line, field, text or row in characters: a book of ten thousand pages, and far from filling a machine. Longer
#: is nearly always a quote that is not closed, or a file of another kind.
MAX_CHARACTERS = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    format: of files named one by one, by a pattern, or on standard input, whatever their ending; of a folder only files
    with an ending of that format are read then. Default: by ending, standard input as jsonl.
    text_column, title_column, id_column: names of columns or JSON fields; default: text, title, and _id or id.
    encoding: of text; default: UTF-8, or what a byte order mark (or an HTML page itself) says.
    row_ids: give a row that names no id one of file and row; False leaves it without.
    max_characters: the longest line, field, text or row.
    """

    format: CorpusFormat | None = None
    text_column: str | None = None
    title_column: str | None = None
    id_column: str | None = None
    encoding: str | None = None
    row_ids: bool = True
    max_characters: int = MAX_CHARACTERS
