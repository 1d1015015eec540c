"""PDF: pages, titles, and files that are broken, locked or scanned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hippomem.errors import ReadError
from hippomem.types import Document
from indexing.readers import ReadOptions, read_path

pypdf = pytest.importorskip("pypdf")

WritePdf = Callable[..., Path]


def test_pages_are_documents(tmp_path: Path, write_pdf: WritePdf) -> None:
    """Each page has its number in its id and metadata; pages without text are passed over and counted."""
    path = write_pdf(tmp_path / "a.pdf", ["The mill grinds.\nCafé.", None, "It stands still."], title="Mills")
    assert list(read_path(path)) == [
        Document("The mill grinds.\nCafé.", title="Mills", source_id="a.pdf#page=1", metadata={"page": 1}),
        Document("It stands still.", title="Mills", source_id="a.pdf#page=3", metadata={"page": 3}),
    ]


@pytest.mark.parametrize("title", ["untitled", "Microsoft Word - draft7", "thesis_final.docx", "", " "])
def test_titles_of_programs_are_none(tmp_path: Path, write_pdf: WritePdf, title: str) -> None:
    """What a program writes by itself is not what the text is about."""
    assert next(read_path(write_pdf(tmp_path / "a.pdf", ["Text"], title=title))).title == ""


def test_a_broken_title_does_not_cost_the_pages(tmp_path: Path, write_pdf: WritePdf) -> None:
    """The file's description is no part of its text."""
    path = write_pdf(tmp_path / "a.pdf", ["Text"], title="Mills")
    assert b"/Info 5 0 R" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"/Info 5 0 R", b"/Info (none)"))
    assert [d.text for d in read_path(path)] == ["Text"]


def locked(path: Path, password: str, algorithm: str = "RC4-128") -> None:
    writer = pypdf.PdfWriter(clone_from=path)
    writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
    writer.write(path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b""), "cannot be read as PDF"),
        (lambda path: path.write_bytes(b"%PDF-1.4 and no more"), "cannot be read as PDF"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "cannot be read as PDF"),
        (lambda path: path.write_bytes(b"<html>not found</html>"), "cannot be read as PDF"),
        (lambda path: locked(path, "secret"), "encrypted with a password.*qpdf --decrypt"),
    ],
    ids=["empty", "header", "cut", "html", "encrypted"],
)
def test_an_unusable_file_is_one_bad_file(
    tmp_path: Path, write_pdf: WritePdf, damage: Callable[[Path], object], said: str
) -> None:
    """It is an error with the file and the remedy, or is passed over with the others read."""
    path = write_pdf(tmp_path / "a.pdf", ["Text"] * 3)
    write_pdf(tmp_path / "b.pdf", ["Good"])
    damage(path)
    with pytest.raises(ReadError, match=said):
        list(read_path(tmp_path))
    found: list[ReadError] = []
    assert [d.source_id for d in read_path(tmp_path, on_bad=found.append)] == ["b.pdf#page=1"]
    assert [(error.path, error.unit) for error in found] == [(path, "file")]


def test_a_lock_without_a_password_is_none(tmp_path: Path, write_pdf: WritePdf) -> None:
    """Many files are encrypted so that anybody can read and nobody can change them."""
    path = write_pdf(tmp_path / "a.pdf", ["Text"])
    locked(path, "")
    assert [d.text for d in read_path(path)] == ["Text"]


def test_a_lock_that_needs_another_package(
    tmp_path: Path, write_pdf: WritePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AES is read where a package for it is installed; else the error says how to get it."""
    pytest.importorskip("cryptography")
    path = write_pdf(tmp_path / "a.pdf", ["Text"])
    locked(path, "", "AES-256")
    assert [d.text for d in read_path(path)] == ["Text"]

    def absent(*_: object) -> bytes:
        raise pypdf.errors.DependencyError("cryptography>=3.1 is required for AES algorithm")

    monkeypatch.setattr("pypdf._encryption.aes_cbc_decrypt", absent)
    with pytest.raises(ReadError, match=r"cryptography.*pip install 'pypdf\[crypto\]'"):
        list(read_path(path))


def test_a_scan_says_what_to_do(tmp_path: Path, write_pdf: WritePdf) -> None:
    """Pages of pictures hold no text, which is an error of the file and not an empty result."""
    with pytest.raises(ReadError, match=r"no text on its 2 pages.*ocrmypdf"):
        list(read_path(write_pdf(tmp_path / "a.pdf", [None, None])))


def test_a_broken_page_is_one_bad_page(tmp_path: Path, write_pdf: WritePdf) -> None:
    """The pages around it are read."""
    path = write_pdf(tmp_path / "a.pdf", ["one", b"two", "three"])
    found: list[ReadError] = []
    assert [d.metadata["page"] for d in read_path(path, on_bad=found.append)] == [1, 3]
    assert [(error.page, error.unit) for error in found] == [(2, "page")]
    assert str(found[0]).startswith(f"{path}, page 2: cannot be read as PDF")


def test_a_huge_page_is_one_bad_page(tmp_path: Path, write_pdf: WritePdf) -> None:
    """The limit holds for each page."""
    path = write_pdf(tmp_path / "a.pdf", ["short", "long " * 100])
    found: list[ReadError] = []
    options = ReadOptions(max_characters=100)
    assert [d.text for d in read_path(path, options, on_bad=found.append)] == ["short"]
    assert [error.page for error in found] == [2]
