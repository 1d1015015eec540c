"""Parquet: types, row groups, memory, and files that are none."""

from __future__ import annotations

import datetime
import decimal
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from hippomem.errors import ReadError
from hippomem.types import Document
from indexing.readers import ReadOptions, read_path

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_rows_become_documents_over_row_groups(tmp_path: Path) -> None:
    """Own ids come first, then file and row number, counted through all row groups."""
    ids = [None if i % 2 else i for i in range(1000)]
    path = write(tmp_path / "a.parquet", {"id": ids, "text": [f"text {i}" for i in range(1000)]}, row_group_size=7)
    documents = list(read_path(path))
    assert [d.text for d in documents] == [f"text {i}" for i in range(1000)]
    assert [d.source_id for d in documents[:4]] == ["0", "a.parquet#2", "2", "a.parquet#4"]


def test_values_keep_their_types(tmp_path: Path) -> None:
    """Numbers, lists and objects stay; times are ISO 8601, decimals text; missing, NaN, bytes and vectors are left out."""
    path = write(
        tmp_path / "a.parquet",
        {
            "Text": pa.array(["a"], pa.large_string()),
            "title": pa.array(["b"]).dictionary_encode(),
            "date": [datetime.datetime(2024, 5, 8, 13, 56)],
            "day": [datetime.date(2024, 5, 8)],
            "n": [3],
            "share": [0.5],
            "none": pa.array([None], pa.string()),
            "nan": [float("nan")],
            "price": [decimal.Decimal("1.50")],
            "tags": [["x", "y"]],
            "place": [{"city": "Rome", "at": datetime.time(8)}],
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "image": [b"\xff"],
            "vector": [[0.1, 0.2]],
            "vectors": [[[0.1], [0.2]]],
        },
    )
    (document,) = read_path(path)
    assert document == Document(
        "a",
        title="b",
        source_id="a.parquet#1",
        occurred_at="2024-05-08T13:56:00",
        metadata={
            "date": "2024-05-08T13:56:00",
            "day": "2024-05-08",
            "n": 3,
            "share": 0.5,
            "price": "1.50",
            "tags": ["x", "y"],
            "place": {"city": "Rome", "at": "08:00:00"},
            "map": {"k": 1},
        },
    )


def test_times_as_pandas_writes_them(tmp_path: Path) -> None:
    """Nanoseconds, which Python does not have, are cut; a zone is kept."""
    nanoseconds = 1_715_176_560_123_456_789
    columns = {
        "text": ["a"],
        "date": pa.array([nanoseconds], pa.timestamp("ns")),
        "zoned": pa.array([nanoseconds], pa.timestamp("ns", "UTC")),
    }
    (document,) = read_path(write(tmp_path / "a.parquet", columns))
    assert document.occurred_at == "2024-05-08T13:56:00"
    assert document.metadata == {"date": "2024-05-08T13:56:00.123456", "zoned": "2024-05-08T13:56:00.123456+00:00"}


def test_a_time_that_python_does_not_have_is_one_bad_file(tmp_path: Path) -> None:
    """The year 300,000 is an error of ours, not of the interpreter."""
    columns = {"text": ["a"], "date": pa.array([9_400_000_000_000], pa.timestamp("s"))}
    with pytest.raises(ReadError, match=r"a\.parquet: cannot be read as Parquet after row 0"):
        list(read_path(write(tmp_path / "a.parquet", columns)))


def test_bad_rows_are_named_and_passed_over(tmp_path: Path) -> None:
    """A missing or empty text is one bad row."""
    path = write(tmp_path / "a.parquet", {"text": ["a", None, "", "b\x00", "c" * 50]})
    with pytest.raises(ReadError, match=r"a\.parquet, row 2: needs a 'text'"):
        list(read_path(path))
    found: list[ReadError] = []
    documents = read_path(path, ReadOptions(max_characters=20), on_bad=found.append)
    assert [d.text for d in documents] == ["a"]
    assert [(error.row, error.unit) for error in found] == [(2, "row"), (3, "row"), (4, "row"), (5, "row")]


def test_columns_are_named_in_the_error(tmp_path: Path) -> None:
    """Without a text column the file is bad, and the option that helps does."""
    path = write(tmp_path / "a.parquet", {"body": ["a"], "key": [1]})
    with pytest.raises(ReadError, match="no column 'text', only 'body', 'key'; name one with --text-column"):
        list(read_path(path))
    assert list(read_path(path, ReadOptions(text_column="body", id_column="key"))) == [Document("a", source_id="1")]


@pytest.mark.parametrize("damage", ["empty", "other", "cut", "middle"])
def test_a_broken_file_is_one_bad_file(tmp_path: Path, damage: str) -> None:
    """Whatever is wrong inside, the error is ours and names the file, and other files are read."""
    path = write(tmp_path / "a.parquet", {"text": [f"text {i * 7919}" for i in range(10_000)]}, use_dictionary=False)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "empty": b"",
            "other": b"PAR1 is what it says",
            "cut": whole[:middle],
            "middle": whole[:1000] + bytes(len(whole) - 2000) + whole[-1000:],
        }[damage]
    )
    (tmp_path / "b.txt").write_text("after", encoding="utf-8")
    found: list[ReadError] = []
    documents = list(read_path(tmp_path, on_bad=found.append))
    assert documents[-1].source_id == "b.txt"
    assert [(error.path, error.unit) for error in found] == [(path, "file")]


@pytest.mark.parametrize("groups", [20, 1])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, groups: int) -> None:
    """20 MB of text, in many row groups or in one, never take 8 MB."""
    path = tmp_path / "a.parquet"
    rows = [f"{i} {'x' * 1000}" for i in range(20_000)]
    write(path, {"text": rows}, row_group_size=len(rows) // groups, compression="NONE", use_dictionary=False)
    assert path.stat().st_size > 20_000_000
    del rows
    pa.default_memory_pool().release_unused()
    before, peak = pa.total_allocated_bytes(), 0
    tracemalloc.start()  # what Arrow reads of a file lies in Python's memory, what it makes of it in its own
    try:
        for _ in read_path(path):
            peak = max(peak, pa.total_allocated_bytes() - before)
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0 < peak < 8_000_000
    assert read < 8_000_000
