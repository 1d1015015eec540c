"""CSV and TSV with a header line; fields may be quoted, and hold line ends then."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TextIO

from hippomem.errors import InputError, ReadError
from indexing.readers.inputs import Entries, Input, utf8_fault
from indexing.readers.rows import Rows, canonical_columns, has_text, parsed_metadata

#: What may separate the fields of a .csv, in order of preference; spreadsheets in much of Europe write semicolons.
_DELIMITERS = ",;\t|"


class _TooLongError(Exception):
    """A record has more characters than is allowed."""


class _Lines:
    """The lines of a stream for the csv module, counted; raises _TooLongError as soon as one record exceeds *limit*."""

    def __init__(self, stream: TextIO, limit: int) -> None:
        self.number = 0
        self._stream = stream
        self._limit = limit
        self._seen = 0
        self._pushed: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._pushed.pop() if self._pushed else self._stream.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._seen += len(line)
        if self._seen > self._limit:
            raise _TooLongError
        return line

    def peek(self) -> str:
        """The next line, which stays the next."""
        if not self._pushed:
            self._pushed.append(self._stream.readline(self._limit + 1))
        return self._pushed[0]

    def begin_record(self) -> int:
        """Count anew; returns the line number at which the next record begins."""
        self._seen = 0
        return self.number + 1


def read(source: Input, *, delimiters: str = _DELIMITERS) -> Entries:
    """A document a row. Empty cells count as not there, columns without a name are passed over, values stay text.

    A row without an id has file and row number as its id, counted from 1 below the header. A row with more or fewer
    cells than the header is bad: a text with a delimiter or line end that is not quoted would be cut.
    """
    # The csv module's own limit is one for the whole process; it is only ever raised, and ours is the one that holds.
    csv.field_size_limit(max(csv.field_size_limit(), source.options.max_characters))
    rows = Rows(source)
    with source.text(newline="") as stream:
        lines = _Lines(stream, source.options.max_characters)
        delimiter = _delimiter(lines.peek(), source, delimiters)
        records = csv.reader(lines, delimiter=delimiter, strict=True)
        columns: list[str] | None = None
        number = 0
        while True:
            line = lines.begin_record()
            try:
                cells = next(records)
            except StopIteration:
                return
            except _TooLongError as error:
                raise ReadError(
                    f"the row that begins here has more than {source.options.max_characters:,} characters; is a quote "
                    "not closed? What follows was not read.",
                    path=source.path,
                    line=line,
                ) from error
            except csv.Error as error:
                bad = ReadError(
                    f"is no CSV ({error}); quote the field, and double quotes in it.", path=source.path, line=line
                )
                if columns is None:
                    raise bad from error
                number += 1
                yield bad
                continue
            if not cells:
                continue
            if columns is None:
                if fault := utf8_fault(delimiter.join(cells)):
                    raise ReadError(fault, path=source.path, line=line)
                columns = canonical_columns(cells, source, line=line)
                continue
            number += 1
            try:
                yield rows.document(_row(columns, cells), number)
            except ReadError:
                raise
            except InputError as error:
                yield ReadError(str(error), path=source.path, line=line)


read_tsv = partial(read, delimiters="\t")


def _delimiter(header: str, source: Input, delimiters: str) -> str:
    """The first under which the header has a column of text; the first of all when there is none."""
    for delimiter in delimiters:
        with suppress(csv.Error):
            if has_text(next(csv.reader([header], delimiter=delimiter), []), source.options):
                return delimiter
    return delimiters[0]


def _row(columns: list[str], cells: list[str]) -> dict[str, object]:
    if len(cells) != len(columns):
        raise InputError(
            f"has {len(cells)} cells, but the header names {len(columns)} columns; quote fields that hold delimiters "
            "or line ends."
        )
    if utf8_fault("".join(cells)):
        column = next(name for name, cell in zip(columns, cells, strict=True) if utf8_fault(cell))
        raise InputError(
            f"is not UTF-8 in the column '{column}'; convert the file to UTF-8, or name its encoding with --encoding."
        )
    return parsed_metadata({name: cell for name, cell in zip(columns, cells, strict=True) if name.strip() and cell})
