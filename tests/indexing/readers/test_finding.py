"""What a PATH means: folders, patterns, standard input, lists of all; and the ids that follow from it."""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from hippomem.errors import ConfigError, ReadError
from indexing.readers import ReadOptions, read_path, read_paths
from indexing.readers.walking import matches, walk


def plant(root: Path, *names: str) -> Path:
    """Files that say their name: a JSON line, a CSV, or text."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = {".jsonl": f'{{"text": "{name}"}}\n', ".csv": f"text\n{name}\n"}.get(path.suffix, name)
        path.write_text(text, encoding="utf-8")
    return root


def ids(*paths: str | Path, options: ReadOptions | None = None) -> list[str | None]:
    return [document.source_id for document in read_paths(paths, options)]


def test_a_folder_is_read_through_in_order(tmp_path: Path) -> None:
    """All known kinds at any depth, sorted by path; hidden files and folders and other kinds are passed over."""
    plant(
        tmp_path,
        "b.md",
        "B.txt",
        "a/z.csv",
        "a/y/x.jsonl",
        "a.html",
        ".hidden.md",
        ".git/c.md",
        "d.docx",
        "d.md~",
        "Makefile",
    )
    others: list[Path] = []
    documents = list(read_paths([tmp_path], on_other=others.append))
    assert [d.source_id for d in documents] == ["B.txt", "a/y/x.jsonl#1", "a/z.csv#1", "a.html", "b.md"]
    assert [path.name for path in others] == ["Makefile", "d.docx", "d.md~"]


def test_ids_are_the_same_in_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved, named with a slash, or from within: the same ids."""
    plant(tmp_path / "one", "b.md", "a/é.txt")
    shutil.copytree(tmp_path / "one", tmp_path / "two" / "deeper")
    expected = ["a/é.txt", "b.md"]
    monkeypatch.chdir(tmp_path / "one")
    for path in (tmp_path / "one", tmp_path / "two" / "deeper", f"{tmp_path}/two/deeper/", ".", "../one"):
        assert ids(path) == expected


def test_letters_of_a_name_are_composed_alike(tmp_path: Path) -> None:
    """Some systems store é as one character and some as two."""
    assert ids(plant(tmp_path, "e\u0301.txt")) == ["\u00e9.txt"]


def test_links(tmp_path: Path) -> None:
    """A link to a file is the file; one to a folder is followed, once, if it leads out; so there are no loops."""
    root, away = plant(tmp_path / "root", "a/b.txt"), plant(tmp_path / "away", "c.txt")
    (root / "a" / "loop").symlink_to(root)
    (root / "again").symlink_to(root / "a")
    (root / "above").symlink_to(tmp_path)
    (root / "out").symlink_to(away)
    (root / "out2").symlink_to(away)
    (away / "back").symlink_to(root)
    (away / "self").symlink_to(away)
    (root / "file.txt").symlink_to(away / "c.txt")
    assert ids(root) == ["a/b.txt", "file.txt", "out/c.txt"]
    assert ids(root / "again") == ["b.txt"]


def test_a_link_that_leads_nowhere_is_bad(tmp_path: Path) -> None:
    """It is an error, or is passed over and reported."""
    (plant(tmp_path, "b.txt") / "a.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(ReadError, match=r"a\.txt: is a link that leads nowhere"):
        ids(tmp_path)
    found: list[ReadError] = []
    assert [d.source_id for d in read_path(tmp_path, on_bad=found.append)] == ["b.txt"]
    assert len(found) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFO there")
def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """A FIFO in a folder would wait for ever."""
    os.mkfifo(plant(tmp_path, "b.txt") / "a.txt")
    assert ids(tmp_path) == ["b.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFO there")
def test_a_pipe_that_is_named_is_read(tmp_path: Path) -> None:
    """As a shell makes one for ``<(zcat …)``: opened once, read to its end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("one\ntwo\n",))
    writer.start()
    assert [d.text for d in read_path(path, ReadOptions(format="lines"))] == ["one", "two"]
    writer.join()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*.md", ["a/b/d.md", "a/c.md", "e.md"]),
        ("*.md", ["e.md"]),
        ("*/*.md", ["a/c.md"]),
        ("a/**/*.md", ["b/d.md", "c.md"]),
        ("a/**", ["b/d.md", "b/f.txt", "c.md"]),
        ("**/[d-f].*", ["a/b/d.md", "a/b/f.txt", "e.md"]),
        ("**/.h*", [".h.md"]),
        ("**/**/?.txt", ["a/b/f.txt"]),
    ],
)
def test_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: list[str]) -> None:
    """Ids are the path below the part of the pattern that is plain; hidden files must be named."""
    plant(tmp_path, "e.md", "a/c.md", "a/b/d.md", "a/b/f.txt", ".h.md", "a/.x/g.md", "a/b/other.bin")
    assert ids(tmp_path / pattern) == expected
    monkeypatch.chdir(tmp_path)
    assert ids(pattern) == expected


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    """Before anything is read; and a file that is called like a pattern is that file."""
    plant(tmp_path, "a[1].txt")
    with pytest.raises(ReadError, match="matches no file"):
        ids(tmp_path / "*.md")
    with pytest.raises(ReadError, match="no such folder"):
        ids(tmp_path / "none" / "*.md")
    assert ids(tmp_path / "a[1].txt") == ["a[1].txt"]


def test_walking_and_globbing_agree(tmp_path: Path) -> None:
    """Of what is neither hidden nor a link, `walk` finds what pathlib finds."""
    plant(tmp_path, "a.md", "b/a.md", "b/c/a.md", "b/c/d.txt", "ab/cd.md")
    for pattern in ("**/*", "*/*", "**/a.md", "b/**/*.md", "**/c/*", "a*/**/*.md", "*"):
        found = [item[0] for item in walk(tmp_path, tuple(pattern.split("/"))) if not isinstance(item, ReadError)]
        assert sorted(found) == sorted(
            p.relative_to(tmp_path).as_posix() for p in tmp_path.glob(pattern) if p.is_file()
        ), pattern


def test_many_stars_are_quick() -> None:
    """Matching does not go through all ways to share folders among stars."""
    assert not matches(("a",) * 20, (*["**", "a"] * 4, "b"))


def test_a_mixed_list_is_read_in_its_order(tmp_path: Path) -> None:
    """Files, folders and patterns together, each with its own ids."""
    plant(tmp_path, "x.csv", "docs/a.md", "more/n/b.txt", "more/n/c.txt")
    assert ids(tmp_path / "x.csv", tmp_path / "more" / "**" / "b.*", tmp_path / "docs") == [
        "x.csv#1",
        "n/b.txt",
        "a.md",
    ]


def test_two_files_never_share_an_id(tmp_path: Path) -> None:
    """The same name below two arguments is an error that says what to do; the same file twice is the same document."""
    plant(tmp_path, "a/x.txt", "a/rows.jsonl", "b/x.txt", "b/y.txt", "b/rows.jsonl")
    with pytest.raises(
        ReadError, match=r"would have the id 'x\.txt', which '.*a.x\.txt' has too; give the folder above"
    ):
        ids(tmp_path / "a" / "x.txt", tmp_path / "b")
    with pytest.raises(ReadError, match=r"would have the id 'rows\.jsonl'"):
        ids(tmp_path / "a" / "*.jsonl", tmp_path / "b" / "rows.jsonl")
    assert ids(tmp_path / "a" / "x.txt", tmp_path / "b" / "y.txt", tmp_path / "a" / "x.txt") == [
        "x.txt",
        "y.txt",
        "x.txt",
    ]
    found: list[ReadError] = []
    documents = read_paths([tmp_path / "a", tmp_path / "b"], on_bad=found.append)
    assert [d.source_id for d in documents] == ["rows.jsonl#1", "x.txt", "y.txt"]
    assert len(found) == 2


def test_own_ids_may_stand_in_files_of_one_name(tmp_path: Path) -> None:
    """Two BEIR corpora have the same file name, and documents with ids of their own."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "corpus.jsonl").write_text(f'{{"_id": "{name}", "text": "t"}}\n', encoding="utf-8")
    assert ids(tmp_path / "a", tmp_path / "b") == ["a", "b"]


@pytest.mark.parametrize("name", ["notes.docx", "README", "a.pdf.gz", "a.json"])
def test_an_unknown_kind_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    """With what is known, and the option that helps; a format that is named reads it."""
    plant(tmp_path, "a.txt", name)
    with pytest.raises(ConfigError, match="--format"):
        read_paths([tmp_path / "a.txt", tmp_path / name])
    if not name.endswith(".gz"):
        assert ids(tmp_path / name, options=ReadOptions(format="text")) == [name]


def test_a_format_chooses_among_the_files_of_a_folder(tmp_path: Path) -> None:
    """Of a folder only files of the format are read; with ``lines`` the lines of the .txt; of a pattern all that match."""
    plant(tmp_path, "a.md", "b.txt", "c.html", "d.log")
    (tmp_path / "b.txt").write_text("one\n\n two\n", encoding="utf-8")
    assert ids(tmp_path, options=ReadOptions(format="markdown")) == ["a.md"]
    documents = list(read_path(tmp_path, ReadOptions(format="lines")))
    assert [(d.source_id, d.text) for d in documents] == [("b.txt#1", "one"), ("b.txt#3", " two")]
    assert ids(tmp_path / "[a-d].*", options=ReadOptions(format="text")) == ["a.md", "b.txt", "c.html", "d.log"]


@pytest.mark.parametrize("module", ["pyarrow", "pypdf", "selectolax"])
def test_a_missing_extra_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """A file that was named is refused at once, one in a folder when it comes; ``on_bad`` does not hide it."""
    name, extra = {"pyarrow": ("a.parquet", "parquet"), "pypdf": ("a.pdf", "pdf"), "selectolax": ("a.html", "html")}[
        module
    ]
    monkeypatch.setitem(sys.modules, module, None)
    plant(tmp_path, name)
    with pytest.raises(ConfigError, match=rf"needs {module}.*pip install 'hippomem\[{extra}\]'"):
        read_paths([tmp_path / name])
    with pytest.raises(ConfigError, match="pip install"):
        list(read_path(tmp_path, on_bad=lambda error: None))


class TestStandardInput:
    """``-``, in a process that goes on using it."""

    @pytest.fixture(autouse=True)
    def stdin(self, monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
        """What is given to standard input."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="ascii"))
        return raw

    @pytest.mark.parametrize(
        ("format", "given", "texts"),
        [
            (None, '{"text": "é"}\n{"text": "b"}', ["é", "b"]),
            ("lines", "é\n\nb c\n", ["é", "b c"]),
            ("text", "é\n\nb c\n", ["é\n\nb c\n"]),
            ("csv", "text,x\né,1\n", ["é"]),
            ("markdown", "# T\né", ["é"]),
            ("html", "<p>é", ["é"]),
        ],
    )
    def test_is_read_as_the_format_says(self, stdin: io.BytesIO, format: str, given: str, texts: list[str]) -> None:
        """JSON Lines if none is said. Nothing has an id that it does not bring: the next input would have the same."""
        stdin.write(given.encode())
        stdin.seek(0)
        documents = list(read_path("-", ReadOptions(format=format)))  # type: ignore[arg-type]
        assert [(d.text, d.source_id) for d in documents] == [(text, None) for text in texts]
        assert not sys.stdin.closed

    def test_errors_name_it(self, stdin: io.BytesIO) -> None:
        """A bad line has its number, no line at all is an error."""
        with pytest.raises(ReadError, match=r"^-: holds no document"):
            list(read_path("-"))
        stdin.write(b'{"text": "a"}\nbroken\n')
        stdin.seek(0)
        with pytest.raises(ReadError, match=r"^-, line 2: "):
            list(read_path("-"))

    @pytest.mark.parametrize("format", ["parquet", "pdf"])
    def test_formats_that_need_a_file_are_refused(self, format: str) -> None:
        """Their readers jump to and fro."""
        with pytest.raises(ConfigError, match="give a file"):
            read_path("-", ReadOptions(format=format))  # type: ignore[arg-type]

    def test_twice_is_refused(self) -> None:
        """The second would be empty."""
        with pytest.raises(ConfigError, match="once"):
            read_paths(["-", "-"])
