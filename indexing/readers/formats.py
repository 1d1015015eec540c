"""The table of formats: endings, reader, and the extra that brings what the reader needs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import get_args

from hippomem.errors import ConfigError
from hippomem.types import CorpusFormat
from indexing.readers import delimited, html_page, jsonl, markdown, parquet, pdf, plain, text_lines
from indexing.readers.inputs import Entries, Input

#: Raises ReadError when nothing more of the file can be read.
Reader = Callable[[Input], Entries]


@dataclass(frozen=True, slots=True)
class Format:
    """How one kind of file is read.

    endings: of files in folders, in lower case.    needs: (module, extra of this project).
    is_stream: can be read from beginning to end, so from standard input and from a ``.gz``.
    """

    read: Reader
    endings: tuple[str, ...]
    needs: tuple[str, str] | None = None
    is_stream: bool = True


FORMATS: dict[CorpusFormat, Format] = {
    "jsonl": Format(jsonl.read, (".jsonl", ".ndjson")),
    "csv": Format(delimited.read, (".csv",)),
    "tsv": Format(delimited.read_tsv, (".tsv", ".tab")),
    "parquet": Format(parquet.read, (".parquet",), needs=("pyarrow", "parquet"), is_stream=False),
    "text": Format(plain.read, (".txt",)),
    "lines": Format(text_lines.read, ()),
    "markdown": Format(markdown.read, (".md", ".markdown")),
    "html": Format(html_page.read, (".html", ".htm", ".xhtml"), needs=("selectolax", "html")),
    "pdf": Format(pdf.read, (".pdf",), needs=("pypdf", "pdf"), is_stream=False),
}
assert set(FORMATS) == set(get_args(CorpusFormat))

#: Ending → format. Whether the lines of a .txt are documents only the caller can tell.
_BY_ENDING: dict[str, CorpusFormat] = {ending: name for name, f in FORMATS.items() for ending in f.endings}


def format_of(name: str) -> CorpusFormat | None:
    """The format that a file's name tells, a ``.gz`` at its end not counted; None for any other kind.

    >>> format_of("a/Corpus.JSONL.gz"), format_of("a.pdf.gz"), format_of("notes")
    ('jsonl', None, None)
    """
    path = PurePath(name.lower())
    if path.suffix != ".gz":
        return _BY_ENDING.get(path.suffix)
    inner = _BY_ENDING.get(path.with_suffix("").suffix)
    return inner if inner is not None and FORMATS[inner].is_stream else None


def require(name: CorpusFormat) -> None:
    """Raise ConfigError when the package that reads this format is not installed."""
    needs = FORMATS[name].needs
    if needs is not None and importlib.util.find_spec(needs[0]) is None:
        raise ConfigError(
            f"reading {name} needs {needs[0]}, not installed here; run: pip install 'hippomem[{needs[1]}]'"
        )


def endings() -> str:
    """All endings, for messages."""
    return ", ".join(_BY_ENDING)
