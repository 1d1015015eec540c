"""Reading streams: what is held does not grow with the corpus."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from hippomem.errors import ReadError
from indexing.readers import read_path

ROW = "The mill by the river grinds. " * 30


def rows_of(name: str, path: Path, megabytes: int) -> None:
    """A file of rows of about a kilobyte, of that size when unpacked."""
    line = {"csv": f'"{ROW}",x\n', "tsv": f"{ROW}\tx\n"}.get(name, json.dumps({"text": ROW, "k": "x"}) + "\n").encode()
    head = {"csv": b"text,k\n", "tsv": b"text\tk\n"}.get(name, b"")
    block = line * (1_000_000 // len(line) + 1)
    with path.open("wb") as file:
        file.write(head)
        for _ in range(megabytes):  # packed members follow each other
            file.write(gzip.compress(block, 1) if name == "gz" else block)


def folder_of_texts(path: Path, megabytes: int) -> None:
    """A folder of texts of 100 KB."""
    path.mkdir()
    for i in range(megabytes * 10):
        (path / f"{i:06d}.txt").write_text(ROW * 111, encoding="utf-8")


def peak_bytes(path: Path) -> tuple[int, int]:
    """(peak of Python's memory while reading, characters read)."""
    next(read_path(path))  # imports
    tracemalloc.start()
    try:
        characters = sum(len(document.text) for document in read_path(path))
        return tracemalloc.get_traced_memory()[1], characters
    finally:
        tracemalloc.stop()


FORMATS = ["jsonl", "gz", "csv", "tsv", "folder"]


def measured(tmp_path: Path, name: str, megabytes: int) -> int:
    path = tmp_path / {"gz": "a.jsonl.gz", "folder": "texts"}.get(name, f"a.{name}")
    if name == "folder":
        folder_of_texts(path, megabytes)
    else:
        rows_of(name, path, megabytes)
    peak, characters = peak_bytes(path)
    assert characters > 0.95 * megabytes * 1_000_000
    return peak


@pytest.mark.parametrize("name", FORMATS)
def test_five_megabytes_are_never_held(tmp_path: Path, name: str) -> None:
    """Less than a megabyte is in use at any time (of texts, ten at a time)."""
    assert measured(tmp_path, name, 5) < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_hundred_megabytes_take_no_more(tmp_path: Path, name: str) -> None:
    """The same bound holds for twenty times the size."""
    assert measured(tmp_path, name, 100) < 1_000_000


def test_collected_errors_do_not_hold_their_files(tmp_path: Path) -> None:
    """A caller who keeps ten thousand errors keeps their words, not the texts that were bad."""
    for i in range(25):
        (tmp_path / f"{i}.txt").write_bytes(b"a" * 100_000 + b"\xff")
        (tmp_path / f"{i}.html").write_bytes(b"a" * 100_000 + b"\xff")
    (tmp_path / "z.txt").write_text("good", encoding="utf-8")
    found: list[ReadError] = []
    tracemalloc.start()
    try:
        assert [d.text for d in read_path(tmp_path, on_bad=found.append)] == ["good"]
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(found) == 50
    assert kept < 500_000


@pytest.mark.parametrize("write", [lambda path: rows_of("jsonl", path, 1)])
def test_reading_can_be_left(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Who stops in the middle leaves no open file behind (a warning is an error in these tests)."""
    path = tmp_path / "a.jsonl"
    write(path)
    reading = read_path(path)
    assert len(list(islice(reading, 3))) == 3
    del reading
