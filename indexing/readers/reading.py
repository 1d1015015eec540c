"""Documents of files, folders, patterns and standard input: one after another, none held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hippomem.errors import ReadError
from hippomem.types import CorpusFormat, Document
from indexing.readers.finding import Found, find
from indexing.readers.formats import FORMATS, format_of, require
from indexing.readers.inputs import STDIN, Input, named_errors
from indexing.readers.options import ReadOptions

OnBad = Callable[[ReadError], None]
OnOther = Callable[[Path], None]

#: For callers who want of a file just what it says itself.
_AS_WRITTEN = ReadOptions(row_ids=False)


def read_paths(
    paths: Sequence[str | Path],
    options: ReadOptions | None = None,
    *,
    on_bad: OnBad | None = None,
    on_other: OnOther | None = None,
) -> Iterator[Document]:
    """Documents of all *paths* in their order: files, folders, patterns (``docs/**/*.md``), ``-`` for standard input.

    A folder with a ``corpus.jsonl``, or of such folders, is that corpus (BEIR); of any other all files of a known kind
    are read, recursively and sorted. Ids are the corpus's own, or the path below the folder given: ``a/b.md``,
    ``c.csv#7`` (row), ``d.pdf#page=2``; rows of standard input have only their own.

    on_bad: called with each line, row, page or file that cannot be used, which is then passed over; without it the first
    one is raised.    on_other: called with each file of another kind in a folder.
    Before the first document: raises ReadError for a missing path, ConfigError for an unknown kind or a missing extra.
    Raises ReadError for a path without a document; if *on_bad* is given, only when there is none in all of them.
    """
    options = options or ReadOptions()
    return _read_all(find(paths, options), options, on_bad, on_other)


def read_path(
    path: str | Path, options: ReadOptions | None = None, *, on_bad: OnBad | None = None
) -> Iterator[Document]:
    """As `read_paths`, for one path."""
    return read_paths([path], options, on_bad=on_bad)


def read_beir(folder: str | Path) -> Iterator[Document]:
    """Documents of one BEIR folder's ``corpus.jsonl``."""
    return read_jsonl(Path(folder) / "corpus.jsonl")


def read_jsonl(path: str | Path, *, on_bad: OnBad | None = None) -> Iterator[Document]:
    """Documents of a JSON Lines file; one without an id has none."""
    path = Path(path)
    if not path.exists():
        raise ReadError("no such file.", path=path)
    return _read(Input(path, path.name, _AS_WRITTEN), "jsonl", on_bad)


def _read_all(
    founds: Sequence[Found], options: ReadOptions, on_bad: OnBad | None, on_other: OnOther | None
) -> Iterator[Document]:
    total = 0
    for i, found in enumerate(founds):
        count = 0
        for document in _read_found(found, founds[:i], options, on_bad, on_other):
            count += 1
            yield document
        total += count
        if count == 0:
            empty = ReadError(_holds_nothing(found), path=found.path)
            if on_bad is None or (total == 0 and i == len(founds) - 1):
                raise empty
            on_bad(empty)


def _read_found(
    found: Found, earlier: Sequence[Found], options: ReadOptions, on_bad: OnBad | None, on_other: OnOther | None
) -> Iterator[Document]:
    for file in found.files():
        if isinstance(file, ReadError):
            _report(file, on_bad)
            continue
        name, path = file
        format_name = found.format or format_of(name)
        if format_name is None:
            if on_other is not None:
                on_other(path)
            continue
        require(format_name)
        try:
            with named_errors(path):
                clash = next((other for before in earlier if (other := before.other(name, path))), None)
        except ReadError as error:  # it is gone by now
            _report(error, on_bad)
            continue
        yield from _read(Input(path, name, options, clash), format_name, on_bad)


def _read(source: Input, format_name: CorpusFormat, on_bad: OnBad | None) -> Iterator[Document]:
    # Within the file an id is one document's: what it says later takes the place of what it said before.
    origin = None if source.path == STDIN or not source.options.row_ids else str(source.path.absolute())
    # Closed at once when left in the middle: an error on its way would keep the file open by its frames.
    with closing(FORMATS[format_name].read(source)) as documents:
        while True:
            try:
                with named_errors(source.path):
                    document = next(documents, None)
            except ReadError as error:
                _report(error, on_bad)
                return
            if document is None:
                return
            if isinstance(document, ReadError):
                _report(document, on_bad)
            else:
                yield document if origin is None else replace(document, origin=origin)


def _report(error: ReadError, on_bad: OnBad | None) -> None:
    if on_bad is None:
        raise error
    # Whoever collects errors would keep, by their frames, the texts of the files.
    error.__cause__ = error.__context__ = None
    on_bad(error.with_traceback(None))


def _holds_nothing(found: Found) -> str:
    if not found.path.is_dir():
        return "holds no document: no text that could be read."
    return "holds no corpus.jsonl, and no document in a file of a known kind; give a folder with texts, or name files."
