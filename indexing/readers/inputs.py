"""One file to read: its bytes, its text, its lines, and the ids of what is in it."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import unicodedata
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from hippomem.errors import ConfigError, ReadError
from hippomem.types import Document
from indexing.readers.options import ReadOptions

#: What is read of a file: a ReadError stands for a row or page that is passed over.
Entries = Generator[Document | ReadError, None, None]

_PIECE = 64 * 1024
STDIN = Path("-")
#: UTF-32 first: its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Input:
    """A file as an argument named it.

    path: as shown in errors; ``-`` is standard input.    name: its path below the folder that was given, with ``/``.
    clash: another file of the same name, below another argument.
    """

    path: Path
    name: str
    options: ReadOptions
    clash: Path | None = None

    def source_id(self, part: str = "") -> str | None:
        """The id of the file, or of a part of it (``#7``, ``#page=2``): the same wherever the folder lies.

        None for standard input, which has no place. Raises ReadError when two files would share it.
        """
        if self.path == STDIN:
            return None
        if self.clash is not None:
            raise ReadError(
                f"would have the id '{self.name}', which '{self.clash}' has too; give the folder above both, "
                "or index them into two namespaces.",
                path=self.path,
            )
        # File systems differ in how they compose letters.
        return unicodedata.normalize("NFC", self.name) + part

    @contextmanager
    def binary(self) -> Iterator[BinaryIO]:
        """The bytes, unpacked if the name ends in ``.gz``."""
        if self.path == STDIN:
            # A buffer of our own is taken off again, so that standard input stays open.
            stream = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
            try:
                yield cast(BinaryIO, stream)
            finally:
                stream.detach()
        elif self.path.suffix.lower() == ".gz":
            with gzip.open(self.path) as packed, io.BufferedReader(cast(io.RawIOBase, packed)) as stream:
                yield cast(BinaryIO, stream)
        else:
            with self.path.open("rb") as plain:
                yield plain

    @contextmanager
    def text(self, *, newline: str | None) -> Iterator[TextIO]:
        """The text without byte order mark. newline: as of ``open``.

        Bytes that are no UTF-8 come as lone surrogates, so that the lines around them can be read (`utf8_fault`);
        in other encodings they raise UnicodeDecodeError.
        """
        with self.binary() as stream:
            encoding = self.options.encoding or _marked(stream)
            wrapper = open_text(stream, encoding, newline)
            try:
                yield wrapper
            finally:
                wrapper.detach()

    def too_long(self, what: str, **place: int) -> ReadError:
        """The error for a line, row or text beyond the limit."""
        return ReadError(f"{what} has more than {self.options.max_characters:,} characters.", path=self.path, **place)


def open_text(stream: BinaryIO, encoding: str, newline: str | None) -> io.TextIOWrapper:
    """*stream* decoded. Raises ConfigError for an encoding that Python does not know."""
    try:
        codec = codecs.lookup(encoding).name
    except LookupError as error:
        raise ConfigError(f"the encoding '{encoding}' is not known; name one as utf-8, utf-16, cp1252.") from error
    is_utf8 = codec in ("utf-8", "utf-8-sig")
    return io.TextIOWrapper(
        stream,
        encoding="utf-8-sig" if is_utf8 else codec,
        errors="surrogateescape" if is_utf8 else "strict",
        newline=newline,
    )


def _marked(stream: BinaryIO) -> str:
    head = cast(io.BufferedReader, stream).peek(4)[:4]
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8")


def read_lines(stream: TextIO, limit: int) -> Iterator[tuple[int, str | None]]:
    """(1-based number, line with its end); None in place of a line of more than *limit* characters."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit or line.endswith("\n"):
            yield number, line
            continue
        while line and not line.endswith("\n"):
            line = stream.readline(limit)
        yield number, None


def read_whole(source: Input, *, newline: str | None = None) -> str:
    """The whole text. Raises ReadError when it is too long or no UTF-8."""
    limit = source.options.max_characters
    pieces, size = [], 0
    with source.text(newline=newline) as stream:
        while piece := stream.read(_PIECE):  # asked for more at once, Python sets it all aside beforehand
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise source.too_long("the file")
    text = "".join(pieces)
    if fault := utf8_fault(text):
        raise ReadError(fault, path=source.path)
    return text


def utf8_fault(text: str) -> str | None:
    """What is wrong with text from `Input.text` that holds bytes which are no UTF-8; None when there are none."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        before = len(text[: error.start].encode("utf-8"))
        return f"is not UTF-8 at byte {before}; convert the file to UTF-8, or name its encoding with --encoding."
    return None


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """What opening, unpacking and decoding raise becomes a ReadError with the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise ReadError("no such file.", path=path) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReadError(
            f"is cut off or damaged ({error}); what comes before could be read. Get the file anew.", path=path
        ) from error
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", path=path) from error
    except UnicodeError as error:
        encoding = error.encoding if isinstance(error, UnicodeDecodeError) else "text"
        raise ReadError(
            f"is not {encoding} ({getattr(error, 'reason', error)}); name another encoding with --encoding.", path=path
        ) from error
