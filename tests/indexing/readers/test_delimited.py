"""CSV and TSV: columns, quoting, delimiters, and rows that are broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hippomem.errors import ReadError
from hippomem.types import Document
from indexing.readers import ReadOptions, read_path


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_become_a_document(tmp_path: Path) -> None:
    """Text, title and id have their places, session, speaker and date are understood, the rest is metadata as text."""
    path = write(
        tmp_path / "a.csv",
        "id,title,text,session,speaker,date,year\n7,Mill,It grinds.,s1,Ada,8 May 2023,1850\n8,,So it does.,s1,,,\n",
    )
    first, second = read_path(path)
    assert first == Document(
        "It grinds.",
        title="Mill",
        source_id="7",
        kind="episodic",
        occurred_at="2023-05-08",
        session="s1",
        speaker="Ada",
        position=0,
        metadata={"session": "s1", "speaker": "Ada", "date": "8 May 2023", "year": "1850"},
    )
    assert (second.position, second.speaker, second.title, second.metadata) == (1, None, "", {"session": "s1"})


def test_a_row_without_an_id_has_its_number(tmp_path: Path) -> None:
    """Rows are counted below the header, blank lines are none, and an empty id is none."""
    path = write(tmp_path / "a.csv", "_id,text\n,one\n\nx,two\n,three\n")
    assert [d.source_id for d in read_path(path)] == ["a.csv#1", "x", "a.csv#3"]


def test_quoted_fields_hold_anything(tmp_path: Path) -> None:
    """Delimiters, doubled quotes, line ends of all systems; lines in errors are those of the file."""
    path = write(tmp_path / "a.csv", 'text,b\r\n"a, ""b""\nc\r\nd",x\r\n"",y\r\n')
    found: list[ReadError] = []
    (document,) = read_path(path, on_bad=found.append)
    assert (document.text, document.metadata) == ('a, "b"\nc\r\nd', {"b": "x"})
    assert [(error.line, "text" in str(error)) for error in found] == [(5, True)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    """Spreadsheets write .csv with other delimiters too; the one that makes a text column is meant."""
    path = write(tmp_path / "a.csv", f"Title{delimiter}Text\nb{delimiter}a\n".encode("utf-8-sig"))
    assert [(d.title, d.text) for d in read_path(path)] == [("b", "a")]


def test_tsv_and_packed(tmp_path: Path) -> None:
    """A .tsv has tabs, commas are text; both kinds may be packed."""
    path = write(tmp_path / "a.tsv.gz", gzip.compress(b"text\ttitle\na, b; c\td\n"))
    assert [(d.text, d.title, d.source_id) for d in read_path(path)] == [("a, b; c", "d", "a.tsv.gz#1")]


def test_what_a_spreadsheet_calls_unicode_text(tmp_path: Path) -> None:
    """UTF-16 with a mark."""
    path = write(tmp_path / "a.tsv", "text\ttitle\r\n北京\té\r\n".encode("utf-16"))
    assert [(d.text, d.title) for d in read_path(path)] == [("北京", "é")]


def test_metadata_may_be_an_object(tmp_path: Path) -> None:
    """A cell of JSON under ``metadata`` is the metadata; other text stays a text."""
    path = write(tmp_path / "a.csv", 'text,metadata\na,"{""n"": [1]}"\nb,plain\n')
    assert [d.metadata for d in read_path(path)] == [{"n": [1]}, {"metadata": "plain"}]


def test_columns_without_a_name_are_passed_over(tmp_path: Path) -> None:
    """Pandas writes its row numbers under an empty name."""
    path = write(tmp_path / "a.csv", ",text,\n0,a,1\n")
    assert [(d.text, d.metadata) for d in read_path(path)] == [("a", {})]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"a,b,c", "has 3 cells, but the header names 2"),
        (b"a", "has 1 cells, but the header names 2"),
        (b'"a"b,c', "is no CSV"),
        (b'" ",b', "empty 'text'"),
        (b",b", "needs a 'text'"),
        (b"a,caf\xe9", "not UTF-8 in the column 'title'"),
        (b"a\x00,b", "NUL"),
    ],
)
def test_a_bad_row_is_one_row(tmp_path: Path, row: bytes, said: str) -> None:
    """It is an error with file and line, or is passed over with the rows around it read and numbered as they are."""
    path = write(tmp_path / "a.csv", b"text,title\none,1\n" + row + b"\ntwo,2\n")
    with pytest.raises(ReadError, match=said) as caught:
        list(read_path(path))
    assert (caught.value.path, caught.value.line) == (path, 3)
    found: list[ReadError] = []
    documents = list(read_path(path, on_bad=found.append))
    assert [(d.text, d.source_id) for d in documents] == [("one", "a.csv#1"), ("two", "a.csv#3")]
    assert [error.line for error in found] == [3]


@pytest.mark.parametrize("limit", [1000, 100_000_000])
def test_a_quote_that_is_not_closed(tmp_path: Path, limit: int) -> None:
    """It swallows the rest of the file, which is said with the line where it opened; a large file is not held for it."""
    path = write(tmp_path / "a.csv", 'text\none\n"two\n' + "three\n" * 1000)
    found: list[ReadError] = []
    options = ReadOptions(max_characters=limit)
    assert [d.text for d in read_path(path, options, on_bad=found.append)] == ["one"]
    assert [error.line for error in found] == [3]
    assert ("not closed" if limit == 1000 else "unexpected end of data") in str(found[0])


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n", ReadOptions(), r"no column 'text', only 'a', 'b'; name one with --text-column"),
        ("a,b\n1,2\n", ReadOptions(text_column="c"), "no column 'c'"),
        ("text;b\n1;2\n", ReadOptions(title_column="c"), "no column 'c', only 'text', 'b'.*--title-column"),
        ("text,b\n1,2\n", ReadOptions(id_column="c"), "no column 'c'.*--id-column"),
        ("text,b,b\n1,2,3\n", ReadOptions(), "the column 'b' twice"),
        ("text,b,Text\n1,2,3\n", ReadOptions(text_column="Text", title_column="Title"), "no column 'Title'"),
        ("", ReadOptions(), "holds no document"),
        ("text\n", ReadOptions(), "holds no document"),
    ],
)
def test_a_header_that_does_not_fit_is_one_bad_file(tmp_path: Path, text: str, options: ReadOptions, said: str) -> None:
    """No row of such a file is guessed at."""
    with pytest.raises(ReadError, match=said):
        list(read_path(write(tmp_path / "a.csv", text), options))


def test_columns_can_be_named(tmp_path: Path) -> None:
    """The column that is called text is metadata when another one is asked for."""
    path = write(tmp_path / "a.csv", "text,body,head,key\na,b,c,d\n")
    options = ReadOptions(text_column="body", title_column="head", id_column="key")
    assert list(read_path(path, options)) == [Document("b", title="c", source_id="d", metadata={"text": "a"})]
    dated = write(tmp_path / "b.csv", "Date,Session,n\na,b,c\n")
    options = ReadOptions(text_column="Date", title_column="Session")
    assert list(read_path(dated, options)) == [Document("a", title="b", source_id="b.csv#1", metadata={"n": "c"})]
