"""Writing a conversion as a BEIR folder, whole or not at all, with the same bytes each time."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eval.dataset import OPENIE, PARTS
from eval.loaders.model import Conversion, Folder
from hippomem.errors import ConfigError

_CORPUS, _QUERIES, _QRELS = PARTS


def check_out(out: Path) -> None:
    """Raise ConfigError now if *out* could not be written later: reading a benchmark may take minutes."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out '{out}' is a file; name a folder that does not exist yet")
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"--out '{out}' is not empty; name a new folder, or empty it first")
    parent = out.resolve().parent
    if not parent.is_dir():
        raise ConfigError(f"--out '{out}': no folder '{out.parent}'; make it first")
    if not os.access(parent, os.W_OK):
        raise ConfigError(f"--out '{out}': folder '{out.parent}' cannot be written to")


def write(conversion: Conversion, out: Path) -> None:
    """Write *conversion* as folder *out*. Raises ConfigError, and then there is no more of it than before."""
    check_out(out)
    target = out.resolve()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as staging:
            # One folder below the temporary one, which is for the owner only: what is renamed has usual permissions.
            whole = Path(staging) / target.name
            whole.mkdir()
            for folder in conversion.folders:
                place = whole / folder_name(folder.name) if conversion.nested else whole
                _write_folder(folder, place)
            if target.is_dir():
                target.rmdir()  # it is empty
            whole.rename(target)
    except OSError as error:
        raise ConfigError(f"--out '{out}' cannot be written: {error.strerror or error}") from error


def folder_name(name: str) -> str:
    """*name* as a folder name on any system; different names stay different.

    >>> folder_name("conv-26"), folder_name("a/b"), folder_name("..")
    ('conv-26', 'a%2Fb', '%2E.')
    """
    escaped = quote(name, safe=" ")
    return "%2E" + escaped[1:] if escaped.startswith(".") else escaped


def _write_folder(folder: Folder, place: Path) -> None:
    (place / _QRELS).parent.mkdir(parents=True)
    _write_lines(place / _CORPUS, map(json_line, _corpus(folder)))
    _write_lines(place / _QUERIES, map(json_line, _queries(folder)))
    _write_lines(place / _QRELS, _qrels(folder))
    if folder.recordings:
        _write_lines(place / OPENIE, map(json_line, _openie(folder)))


def _corpus(folder: Folder) -> Iterable[Mapping[str, Any]]:
    for passage in folder.passages:
        row: dict[str, Any] = {"_id": passage.passage_id, "title": passage.title, "text": passage.text}
        yield row | ({"metadata": dict(passage.metadata)} if passage.metadata else {})


def _queries(folder: Folder) -> Iterable[Mapping[str, Any]]:
    for query in folder.queries:
        yield {"_id": query.query_id, "text": query.text, "metadata": dict(query.metadata)}


def _qrels(folder: Folder) -> Iterable[str]:
    yield "query-id\tcorpus-id\tscore"
    for query in folder.queries:
        for passage_id, score in query.relevance.items():
            yield f"{query.query_id}\t{passage_id}\t{score:g}"


def _openie(folder: Folder) -> Iterable[Mapping[str, Any]]:
    for passage in folder.passages:
        if recording := folder.recordings.get(passage.passage_id):
            triples = [[triple.subject, triple.predicate, triple.object] for triple in recording.triples]
            yield {"_id": passage.passage_id, "entities": list(recording.entities), "triples": triples}


def json_line(row: Mapping[str, Any]) -> str:
    """One line of JSON, letters of every script as they are."""
    return json.dumps(row, ensure_ascii=False)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
