"""Any list of documents, written in each format, reads back the same."""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.types import Document
from indexing.readers import ReadOptions, read_path

#: Any text that a document may have.
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1).filter(str.strip)
#: Without returns, which text files do not tell from line ends, and without what ends a line for Python only.
WRITTEN = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), min_size=1).filter(str.strip)
WORDS = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1).map(" ".join)
LATIN = st.lists(st.text("abcXYZ012(éö)\\", min_size=1), min_size=1).map(" ".join)
TITLES = st.one_of(st.just(""), TEXTS)
VALUES = st.one_of(st.integers(-(2**53), 2**53), st.booleans(), TEXTS)

ROWS = st.lists(
    st.tuples(TEXTS, TITLES, st.dictionaries(st.sampled_from(["k1", "k2"]), VALUES)), min_size=1, max_size=5
)

Rows = Sequence[tuple[str, str, dict[str, Any]]]


def as_jsonl(path: Path, rows: Rows, documents: Sequence[Document]) -> None:
    lines = [json.dumps({"_id": d.source_id, "text": d.text, "title": d.title, **d.metadata}) for d in documents]
    path.write_text("\n".join(lines), encoding="utf-8")


def as_beir(path: Path, rows: Rows, documents: Sequence[Document]) -> None:
    lines = [
        json.dumps({"_id": d.source_id, "text": d.text, "title": d.title, "metadata": d.metadata}, ensure_ascii=False)
        for d in documents
    ]
    path.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))


def as_csv(path: Path, rows: Rows, documents: Sequence[Document], delimiter: str = ",") -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["_id", "title", "text", "metadata"])
    writer.writerows([d.source_id, d.title, d.text, json.dumps(d.metadata)] for d in documents)
    path.write_bytes(out.getvalue().encode())


def as_tsv(path: Path, rows: Rows, documents: Sequence[Document]) -> None:
    as_csv(path, rows, documents, "\t")


def as_parquet(path: Path, rows: Rows, documents: Sequence[Document]) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": [d.source_id for d in documents],
        "title": [d.title for d in documents],
        "text": [d.text for d in documents],
        "metadata": [json.dumps(d.metadata) for d in documents],
    }
    pq.write_table(pa.table(columns), path, row_group_size=2)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.jsonl", as_jsonl),
        ("corpus.jsonl.gz", as_beir),
        ("a.csv", as_csv),
        ("a.tsv", as_tsv),
        ("a.parquet", as_parquet),
    ],
)
@given(rows=ROWS)
@settings(max_examples=60, deadline=None)
def test_rows(name: str, write: Callable[..., None], rows: Rows) -> None:
    """Id, title, text and metadata of each row, in order."""
    documents = [
        Document(text, title=title, source_id=f"d{i}", metadata=metadata)
        for i, (text, title, metadata) in enumerate(rows)
    ]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name, rows, documents)
        assert list(read_path(Path(folder) / name)) == documents


@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_csv_with_a_single_column(texts: list[str]) -> None:
    """No delimiter is in the file, or the text has all of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["text"], *([text] for text in texts)])
        path.write_bytes(out.getvalue().encode())
        assert [d.text for d in read_path(path)] == texts


@given(texts=st.lists(WRITTEN, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_text_files(texts: list[str]) -> None:
    """A folder of files, each a document with all its characters."""
    with tempfile.TemporaryDirectory() as folder:
        for i, text in enumerate(texts):
            (Path(folder) / f"{i}.txt").write_bytes(text.encode("utf-8-sig"))
        assert [(d.source_id, d.text) for d in read_path(folder)] == [(f"{i}.txt", t) for i, t in enumerate(texts)]


@given(texts=st.lists(WRITTEN.map(lambda text: text.replace("\n", " ")).filter(str.strip), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_lines(texts: list[str]) -> None:
    """Only a line feed ends a line, whatever else Unicode calls a line end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        path.write_bytes("\n".join(texts).encode("utf-8-sig"))
        assert [d.text for d in read_path(path, ReadOptions(format="lines"))] == texts


@given(documents=st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("ending", ["md", "html"])
def test_pages_of_paragraphs(ending: str, documents: list[tuple[str, list[str]]]) -> None:
    """A title and paragraphs, of letters and digits of any script."""
    with tempfile.TemporaryDirectory() as folder:
        for i, (title, paragraphs) in enumerate(documents):
            if ending == "md":
                page = f"# {title}\n" + "\n\n".join(paragraphs)
            else:
                body = "".join(f"<p>{html.escape(p)}</p>\n" for p in paragraphs)
                page = f"<title>{html.escape(title)}</title>\n{body}"
            (Path(folder) / f"{i}.{ending}").write_text(page, encoding="utf-8")
        found = [(d.title, d.text) for d in read_path(folder)]
    assert found == [(title, "\n\n".join(paragraphs)) for title, paragraphs in documents]


@given(pages=st.lists(st.lists(LATIN, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_pdf(write_pdf: Callable[..., Path], pages: list[str]) -> None:
    """Lines of pages."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_pdf(Path(folder) / "a.pdf", pages)
        assert [(d.metadata["page"], d.text) for d in read_path(path)] == list(enumerate(pages, start=1))
