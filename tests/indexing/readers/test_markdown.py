"""Plain text and Markdown: titles, front matter, encodings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hippomem.errors import ReadError
from hippomem.types import Document
from indexing.readers import ReadOptions, read_path


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_text_file_is_a_document(tmp_path: Path) -> None:
    """Its name is its id; line ends of all systems are one."""
    path = write(tmp_path / "a.txt", "\ufeffOne.\r\n\r\nTwo.\rThree.\n")
    assert list(read_path(path)) == [Document("One.\n\nTwo.\nThree.\n", source_id="a.txt")]


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"", "empty 'text'"), (b" \n", "empty"), (b"ab\ncaf\xe9", "not UTF-8 at byte 6"), (b"a\x00", "NUL")],
)
@pytest.mark.parametrize("ending", ["txt", "md"])
def test_a_bad_text_file_is_one_bad_file(tmp_path: Path, raw: bytes, said: str, ending: str) -> None:
    """It is named with what is wrong, and others are read."""
    path = write(tmp_path / f"a.{ending}", raw)
    write(tmp_path / "b.txt", "good")
    with pytest.raises(ReadError, match=said):
        list(read_path(tmp_path))
    found: list[ReadError] = []
    assert [d.text for d in read_path(tmp_path, on_bad=found.append)] == ["good"]
    assert [error.path for error in found] == [path]


def test_a_huge_text_is_refused(tmp_path: Path) -> None:
    """A text at the limit is read, one beyond is not."""
    write(tmp_path / "a.txt", "é" * 1000)
    options = ReadOptions(max_characters=1000)
    assert len(next(read_path(tmp_path / "a.txt", options)).text) == 1000
    write(tmp_path / "a.txt", "é" * 1001)
    with pytest.raises(ReadError, match="more than 1,000 characters"):
        list(read_path(tmp_path / "a.txt", options))


@pytest.mark.parametrize(
    ("text", "title", "rest"),
    [
        ("# The mill\n\nIt grinds.", "The mill", "\nIt grinds."),
        ("\n\n### The mill ###\nIt grinds.", "The mill", "It grinds."),
        ("The mill\n========\nIt grinds.", "The mill", "It grinds."),
        ("It grinds.\n\n## Later\nMore.", "Later", "It grinds.\n\n## Later\nMore."),
        ("It grinds.\nSo it does.\n---\nMore.", "", "It grinds.\nSo it does.\n---\nMore."),
        ("```\n# comment\n```\n# After\n", "After", "```\n# comment\n```\n# After\n"),
        ("~~~\n```\n# comment\n~~~\nText", "", "~~~\n```\n# comment\n~~~\nText"),
        ("# The **old** `mill` [here](u) {#mill}\nIt grinds.", "The old mill here", "It grinds."),
        ("# Only a title", "Only a title", "# Only a title"),
        ("#hashtag\nText", "", "#hashtag\nText"),
        ("# \nText", "", "# \nText"),
        ("---\nA rule above: and text.\n---\nMore", "", "---\nA rule above: and text.\n---\nMore"),
        ("---\ntitle: not closed\nText", "", "---\ntitle: not closed\nText"),
    ],
)
def test_the_first_heading_is_the_title(tmp_path: Path, text: str, title: str, rest: str) -> None:
    """It leaves the text when it opens it; headings in code are none; nothing else is changed."""
    assert list(read_path(write(tmp_path / "a.md", text))) == [Document(rest, title=title, source_id="a.md")]


def test_front_matter(tmp_path: Path) -> None:
    """Title, id and date are the document's, the rest is metadata; a heading that says the same leaves the text."""
    front = "---\ntitle: Mill\n_id: m1\ndate: 2024-05-08\ntags: [a, b]\nweight: 3\nnone:\n1: x\n---\n"
    path = write(tmp_path / "a.md", f"{front}# Mill\nIt grinds.")
    expected = Document(
        "It grinds.",
        title="Mill",
        source_id="m1",
        occurred_at="2024-05-08",
        metadata={"date": "2024-05-08", "tags": ["a", "b"], "weight": 3, "1": "x"},
    )
    assert list(read_path(path)) == [expected]
    (other,) = read_path(write(tmp_path / "b.md", f"{front}# The old one\nIt grinds."))
    assert (other.title, other.text) == ("Mill", "# The old one\nIt grinds.")


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("title: a: b", "no YAML"),
        ("a: [", "no YAML"),
        ("a: &x [1]\nb: [*x, *x]", "references"),
        ("a: !!python/object/apply:os.system [true]", "no YAML"),
        ("a: " + "[" * 5000, "nested more than 20 deep"),
        ("a: .nan", "metadata"),
    ],
)
def test_broken_front_matter_is_one_bad_file(tmp_path: Path, front: str, said: str) -> None:
    """Nothing is guessed, nothing unfolds, nothing runs."""
    with pytest.raises(ReadError, match=said):
        list(read_path(write(tmp_path / "a.md", f"---\n{front}\n---\nText")))
