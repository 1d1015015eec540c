"""Plain text, each line a document."""

from __future__ import annotations

from hippomem.errors import InputError, ReadError
from indexing.readers.inputs import Entries, Input, read_lines, utf8_fault
from indexing.readers.rows import Rows


def read(source: Input) -> Entries:
    """A document a line, without the line's end; blank lines are passed over. Its id is file and line number."""
    rows = Rows(source)
    field = source.options.text_column or "text"
    with source.text(newline=None) as stream:
        for number, line in read_lines(stream, source.options.max_characters):
            if line is None:
                yield source.too_long("the line", line=number)
            elif fault := utf8_fault(line):
                yield ReadError(fault, path=source.path, line=number)
            elif line.strip():
                try:
                    yield rows.document({field: line.removesuffix("\n")}, number)
                except ReadError:
                    raise
                except InputError as error:
                    yield ReadError(str(error), path=source.path, line=number)
