"""Parquet, by pyarrow (extra ``parquet``): a row group at a time, only the columns that can be kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hippomem.errors import InputError, ReadError
from indexing.readers.inputs import Entries, Input
from indexing.readers.rows import Rows, canonical_columns, parsed_metadata

#: Rows decoded at once: few, since a row may be a book.
_BATCH = 256
#: Bytes of a column read at once; without it Arrow reads a column of a row group whole.
_BUFFER = 1 << 20


def read(source: Input) -> Entries:
    """A document a row. A row without an id has file and row number (from 1) as its id.

    Values keep their types in the metadata; times become ISO 8601, decimals text. Bytes and lists of floating numbers
    (images, vectors) are left out: metadata is JSON, and these are no description.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = Rows(source)
    number = 0
    try:
        with source.path.open("rb") as stream, pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER) as file:
            kept = [field.name for field in file.schema_arrow if not _is_left_out(field.type)]
            names = canonical_columns(kept, source)
            for batch in file.iter_batches(batch_size=_BATCH, columns=kept, use_threads=False):
                for row in _plain_rows(batch, kept, names):
                    number += 1
                    try:
                        yield rows.document(row, number)
                    except ReadError:
                        raise
                    except InputError as error:
                        yield ReadError(str(error), path=source.path, row=number)
    except (pa.ArrowException, ValueError, LookupError, OverflowError) as error:  # also of values that Python has not
        raise ReadError(
            f"cannot be read as Parquet after row {number:,} ({str(error).strip()[:200]}); write the file anew.",
            path=source.path,
        ) from error


def _plain_rows(batch: Any, kept: list[str], names: list[str]) -> Iterator[dict[str, Any]]:
    order = dict(zip(kept, names, strict=True))
    for row in _to_microseconds(batch).to_pylist():
        plain = {order[column]: _plain(value) for column, value in row.items()}
        yield parsed_metadata({name: value for name, value in plain.items() if value is not None})


def _to_microseconds(batch: Any) -> Any:
    """Times as pandas writes them are finer than those of Python, which refuses them."""
    import pyarrow as pa

    for at, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            coarse = batch.column(at).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(at, field.name, coarse)
    return batch


def _is_left_out(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return types.is_floating(kind.value_type) or _is_left_out(kind.value_type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _plain(value: Any) -> Any:
    """JSON types. A number that is none (NaN, as pandas writes what is missing) is None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        # A map comes as a list of pairs.
        if value and all(isinstance(item, tuple) for item in value):
            return {str(key): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
