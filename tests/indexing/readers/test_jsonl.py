"""BEIR folders, JSON Lines, and everything that can be wrong with them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hippomem.errors import ConfigError, ReadError
from hippomem.types import Document
from indexing.readers import ReadOptions, read_beir, read_jsonl, read_path


def write(path: Path, *rows: Any) -> Path:
    """A JSON Lines file: bytes and strings as they are, everything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [r if isinstance(r, bytes) else r.encode() if isinstance(r, str) else json.dumps(r).encode() for r in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_beir_folder(tmp_path: Path) -> None:
    """Id, title, text and metadata become a document; the folder and its corpus file read alike."""
    row = {"_id": 7, "title": "北京", "text": "It is a city.", "metadata": {"url": "u"}}
    write(tmp_path / "set" / "corpus.jsonl", row)
    expected = Document("It is a city.", title="北京", source_id="7", metadata={"url": "u"})
    assert list(read_path(tmp_path / "set")) == [expected]
    assert list(read_path(tmp_path / "set" / "corpus.jsonl")) == [expected]
    assert list(read_beir(tmp_path / "set")) == [expected]


def test_a_folder_of_folders(tmp_path: Path) -> None:
    """Each folder's corpus is read, in the order of their names."""
    for name in ("b", "a"):
        write(tmp_path / name / "corpus.jsonl", {"_id": name, "text": f"Text {name}"})
    (tmp_path / "notes").mkdir()
    assert [d.source_id for d in read_path(tmp_path)] == ["a", "b"]


def test_turns_of_a_session_are_numbered_in_file_order(tmp_path: Path) -> None:
    """Session, speaker and date are understood; lines of one session are consecutive turns, sessions may interleave."""
    rows = [
        {"_id": i, "text": f"turn {i}", "metadata": {"session": session, "speaker": "Ada", "date": "8 May 2023"}}
        for i, session in enumerate(["s1", "s2", "s1", 3, "s1"])
    ]
    documents = list(
        read_jsonl(write(tmp_path / "a.jsonl", *rows, {"text": "no session", "metadata": {"date": "May"}}))
    )
    assert [(d.session, d.position) for d in documents] == [
        ("s1", 0),
        ("s2", 0),
        ("s1", 1),
        ("3", 0),
        ("s1", 2),
        (None, None),
    ]
    assert {(d.kind, d.speaker, d.occurred_at) for d in documents[:5]} == {("episodic", "Ada", "2023-05-08")}
    assert (documents[5].kind, documents[5].occurred_at) == ("semantic", None)


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    """Files as Windows programs write them read alike: BOM, CRLF, blank lines, no line end at the end."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n\r\n  \n{"text": "two", "id": "x", "title": null}')
    assert [(d.text, d.source_id) for d in read_jsonl(path)] == [("one", None), ("two", "x")]


BAD: list[tuple[bytes, str]] = [
    (b'{"text": "caf\xe9"}', "not UTF-8 at byte 13"),
    (b'{"text": "cut', "no JSON"),
    (b"just words", "no JSON"),
    (b'["text"]', "no JSON object"),
    (b"42", "no JSON object"),
    (b"null", "no JSON object"),
    (b"{}", "needs a 'text'"),
    (b'{"text": 5}', "needs a 'text'"),
    (b'{"text": "a", "title": ["b"]}', "'title'"),
    (b'{"text": ""}', "empty 'text'"),
    (b'{"text": " \\n\\u00a0"}', "empty 'text'"),
    (b'{"text": "a\\u0000b"}', "NUL character in its text, at 1"),
    (b'{"text": "a\\ud800b"}', "lone surrogate"),
    (b'{"text": "a", "_id": "\\udfff"}', "lone surrogate"),
    (b'{"text": "a", "metadata": {"note": "\\ud800"}}', "lone surrogate"),
    (b'{"text": "a", "metadata": "b"}', "'metadata'"),
    (b"[" * 100_000, "no JSON|nested|recursion"),
]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=[reason[:20] + str(i) for i, (_, reason) in enumerate(BAD)])
def test_a_bad_line_is_named_by_file_and_line(tmp_path: Path, line: bytes, reason: str) -> None:
    """Without leave to go on the first bad line is an error with file, line number and reason; what came before was read."""
    path = write(tmp_path / "bad.jsonl", {"text": "first"}, b"", line, {"text": "last"})
    reading = read_path(path)
    assert next(reading).text == "first"
    with pytest.raises(ReadError, match=reason) as caught:
        list(reading)
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert str(caught.value).startswith(f"{path}, line 3: ")


def test_bad_lines_can_be_passed_over(tmp_path: Path) -> None:
    """With ``on_bad`` every bad line is reported with its number, and all good ones are read."""
    rows = [row for line, _ in BAD for row in (line, {"text": "good"})]
    found: list[ReadError] = []
    documents = list(read_path(write(tmp_path / "a.jsonl", *rows), on_bad=found.append))
    assert [d.text for d in documents] == ["good"] * len(BAD)
    assert [error.line for error in found] == list(range(1, 2 * len(BAD), 2))


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    """A missing path, a folder without a corpus, an empty corpus and one without a good line are errors, not silence."""
    with pytest.raises(ReadError, match="no such file or folder"):
        list(read_path(tmp_path / "none.jsonl"))
    with pytest.raises(ReadError, match="no such file"):
        list(read_jsonl(tmp_path / "none.jsonl"))
    with pytest.raises(ReadError, match=r"no corpus\.jsonl"):
        list(read_path(tmp_path))
    empty = write(tmp_path / "set" / "corpus.jsonl", b"")
    with pytest.raises(ReadError, match="holds no document"):
        list(read_path(empty))
    with pytest.raises(ReadError, match="holds no document"):
        list(read_path(write(tmp_path / "bad.jsonl", b"x"), on_bad=lambda error: None))


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    """A word processor's file is not read as JSON Lines."""
    path = tmp_path / "a.docx"
    path.write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"\.docx"):
        list(read_path(path))


def test_reading_streams(tmp_path: Path) -> None:
    """The first document comes before the rest of the file is looked at."""
    path = write(tmp_path / "a.jsonl", {"text": "first"}, *[b"broken"] * 1000)
    assert next(read_path(path)).text == "first"


def test_a_line_without_an_id_has_file_and_line_as_its_id(tmp_path: Path) -> None:
    """The corpus's own id comes first, blank lines count, and `read_jsonl` gives only what the file says."""
    path = write(
        tmp_path / "a.jsonl", {"text": "one"}, b"", {"_id": "x", "text": "two"}, {"_id": None, "text": "three"}
    )
    assert [d.source_id for d in read_path(path)] == ["a.jsonl#1", "x", "a.jsonl#4"]
    assert [d.source_id for d in read_jsonl(path)] == [None, "x", None]


def test_other_fields_are_metadata(tmp_path: Path) -> None:
    """A plain line may hold session, date and anything else beside its text; what ``metadata`` says counts more."""
    row = {"text": "a", "url": "u", "n": [1], "none": None, "date": "2024-05-08", "metadata": {"url": "v"}}
    (document,) = read_path(write(tmp_path / "a.jsonl", row))
    assert document.metadata == {"url": "v", "n": [1], "date": "2024-05-08"}
    assert document.occurred_at == "2024-05-08"


def test_fields_can_be_named(tmp_path: Path) -> None:
    """Text, title and id under other names; a line without the named id is bad."""
    rows = [{"doi": 7, "abstract": "a", "name": "b", "text": "full"}, {"abstract": "c"}]
    options = ReadOptions(text_column="abstract", title_column="name", id_column="doi")
    found: list[ReadError] = []
    (document,) = read_path(write(tmp_path / "a.jsonl", *rows), options, on_bad=found.append)
    assert document == Document("a", title="b", source_id="7", metadata={"text": "full"})
    assert ["no 'doi'" in str(error) for error in found] == [True]


def test_a_huge_line_is_passed_over(tmp_path: Path) -> None:
    """A line beyond the limit is one bad line; the lines after it keep their numbers."""
    path = write(tmp_path / "a.jsonl", {"text": "a" * 5000}, {"text": "b"}, b"broken", {"text": "c" * 100_000})
    found: list[ReadError] = []
    documents = list(read_path(path, ReadOptions(max_characters=1000), on_bad=found.append))
    assert [(d.text, d.source_id) for d in documents] == [("b", "a.jsonl#2")]
    assert [error.line for error in found] == [1, 3, 4]
    assert "more than 1,000 characters" in str(found[0])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    """Files in the encodings that begin with a mark are read without being told."""
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "北京 café 𝄞"}\n{"text": "b"}\n'.encode(encoding))
    assert [d.text for d in read_path(path)] == ["北京 café 𝄞", "b"]


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    """Windows' encodings have no mark; a wrong name is told."""
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "café"}\n'.encode("cp1252"))
    assert [d.text for d in read_path(path, ReadOptions(encoding="cp1252"))] == ["café"]
    with pytest.raises(ReadError, match="--encoding"):
        list(read_path(path))
    with pytest.raises(ReadError, match="is not ascii"):
        list(read_path(path, ReadOptions(encoding="ascii")))
    with pytest.raises(ConfigError, match="'klingon' is not known"):
        list(read_path(path, ReadOptions(encoding="klingon")))


def test_packed_lines(tmp_path: Path) -> None:
    """A .jsonl.gz, also as the corpus of a BEIR folder, reads as the file in it."""
    rows = b"".join(json.dumps({"_id": str(i), "text": f"text {i}"}).encode() + b"\n" for i in range(1000))
    path = tmp_path / "set" / "corpus.jsonl.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(rows))
    assert [d.source_id for d in read_path(path)] == [str(i) for i in range(1000)]
    assert list(read_path(path.parent)) == list(read_path(path)) == list(read_path(tmp_path))
    write(path.with_suffix(""), {"_id": "unpacked", "text": "a"})
    assert [d.source_id for d in read_path(path.parent)] == ["unpacked"], "one of the two is read"


@pytest.mark.parametrize("damage", ["cut", "flipped", "other"])
def test_a_damaged_gz_is_one_bad_file(tmp_path: Path, damage: str) -> None:
    """What comes before the damage is read, then the file is an error, or is reported and the next one read."""
    lines = [json.dumps({"text": f"{i} {i * 7919 % 1000003}"}) for i in range(20_000)]
    packed = gzip.compress("\n".join(lines).encode())
    half = len(packed) // 2
    bad = {"cut": packed[:half], "flipped": packed[:-8] + bytes(8), "other": b"no gzip"}[damage]
    (tmp_path / "a.jsonl.gz").write_bytes(bad)
    write(tmp_path / "b.jsonl", {"_id": "b", "text": "after"})
    with pytest.raises(ReadError, match=r"a\.jsonl\.gz: is cut off or damaged"):
        list(read_path(tmp_path))
    found: list[ReadError] = []
    documents = list(read_path(tmp_path, on_bad=found.append))
    assert documents[-1].source_id == "b"
    assert [error.unit for error in found] == ["file"]
    assert len(documents) > {"cut": 5000, "flipped": 19_000, "other": 0}[damage]
    assert [d.text for d in documents[:-1]] == [json.loads(line)["text"] for line in lines[: len(documents) - 1]]
