"""Read documents from files: BEIR folders and JSON Lines. Streaming: memory does not depend on the size of the file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hippomem.errors import ConfigError, InputError, ReadError
from hippomem.text.dates import parse_date
from hippomem.types import Document
from indexing.validation import check_document

OnBad = Callable[[ReadError], None]


def read_path(path: str | Path, *, on_bad: OnBad | None = None) -> Iterator[Document]:
    """Documents of a BEIR folder (or a folder of such folders), or of a ``.jsonl`` file.

    on_bad: called with each line that cannot be used, which is then passed over; without it the first one is raised.
    Raises ReadError for a missing file, a folder without a corpus and a file that holds no document.
    """
    path = Path(path)
    if path.is_dir():
        corpora = [path / "corpus.jsonl"] if (path / "corpus.jsonl").is_file() else sorted(path.glob("*/corpus.jsonl"))
        if not corpora:
            raise ReadError("holds no corpus.jsonl; give a BEIR folder or a .jsonl file.", path=path)
    elif path.exists():
        if path.suffix.lower() not in (".jsonl", ".ndjson"):
            raise ConfigError(
                f"'{path}': files ending in '{path.suffix}' cannot be read; give .jsonl or a BEIR folder."
            )
        corpora = [path]
    else:
        raise ReadError("no such file or folder.", path=path)
    count = 0
    for corpus in corpora:
        for document in read_jsonl(corpus, on_bad=on_bad):
            count += 1
            yield document
    if count == 0:
        raise ReadError("holds no document; each line must be a JSON object with a 'text'.", path=path)


def read_beir(folder: str | Path) -> Iterator[Document]:
    """Documents of one BEIR folder's ``corpus.jsonl``."""
    return read_jsonl(Path(folder) / "corpus.jsonl")


def read_jsonl(path: str | Path, *, on_bad: OnBad | None = None) -> Iterator[Document]:
    """Documents of a JSON Lines file, one object a line; blank lines are passed over."""
    turns: dict[str, int] = defaultdict(int)
    try:
        with Path(path).open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                if not raw.strip():
                    continue
                try:
                    document = _document(_decode(raw, number), turns)
                except InputError as error:
                    bad = ReadError(str(error), path=path, line=number)
                    if on_bad is None:
                        raise bad from error
                    on_bad(bad)
                else:
                    yield document
    except FileNotFoundError as error:
        raise ReadError("no such file.", path=path) from error
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror}", path=path) from error


def _decode(raw: bytes, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 at byte {error.start}; convert the file to UTF-8.") from error
    except (ValueError, RecursionError) as error:  # a line of a hundred thousand brackets is the latter
        raise InputError(f"is no JSON ({error}).") from error
    if not isinstance(row, dict):
        raise InputError("is no JSON object; each line must be an object with a 'text'.")
    return row


def _document(row: Mapping[str, Any], turns: dict[str, int]) -> Document:
    text, title, metadata = row.get("text"), row.get("title") or "", row.get("metadata") or {}
    if not isinstance(text, str) or not isinstance(title, str):
        raise InputError("needs a 'text' that is a string (and a 'title' that is one, if any).")
    if not isinstance(metadata, dict):
        raise InputError("has 'metadata' that is no JSON object.")
    source_id = row.get("_id", row.get("id"))
    session, speaker, date = (_string(metadata, name) for name in ("session", "speaker", "date"))
    position = None
    if session is not None:
        # Lines of one session in file order are consecutive turns (BEIR folder contract).
        position = turns[session]
        turns[session] += 1
    document = Document(
        text=text,
        title=title,
        source_id=None if source_id is None else str(source_id),
        kind="semantic" if session is None else "episodic",
        occurred_at=None if date is None else parse_date(date),
        session=session,
        speaker=speaker,
        position=position,
        metadata=metadata,
    )
    check_document(document)
    return document


def _string(metadata: Mapping[str, Any], name: str) -> str | None:
    value = metadata.get(name)
    return None if value is None else str(value)
