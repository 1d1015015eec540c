"""JSON Lines: one object a line, as BEIR writes them (``_id``, ``title``, ``text``, ``metadata``) or any with a ``text``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hippomem.errors import InputError, ReadError
from indexing.readers.inputs import Entries, Input, read_lines, utf8_fault
from indexing.readers.rows import Rows


def read(source: Input) -> Entries:
    """A document a line; blank lines are passed over. A line without an id has file and line number as its id."""
    rows = Rows(source)
    with source.text(newline="\n") as stream:
        for number, line in read_lines(stream, source.options.max_characters):
            if line is None:
                yield source.too_long("the line", line=number)
            elif line.strip():
                try:
                    yield rows.document(_decode(line), number)
                except ReadError:
                    raise
                except InputError as error:
                    yield ReadError(str(error), path=source.path, line=number)


def _decode(line: str) -> Mapping[str, Any]:
    if fault := utf8_fault(line):
        raise InputError(fault)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # a line of a hundred thousand brackets is the latter
        raise InputError(f"is no JSON ({error}).") from error
    if not isinstance(row, dict):
        raise InputError("is no JSON object; each line must be an object with a 'text'.")
    return row
