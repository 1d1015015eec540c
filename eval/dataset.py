"""Reading an evaluation set in BEIR layout, with errors that name the file and the line.

A set is a folder with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv``, or a folder of several such folders
(one store each, questions pooled). The passages' texts are read by ``indexing.readers``; here only their ids are, so
that the relevance judgements can be checked against them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.question import Labels, Question, read_labels
from hippomem.errors import ConfigError, InputError, ReadError

PARTS = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
OPENIE = "openie.jsonl"
SHOWN = 10  # how many offending ids an error lists


@dataclass(frozen=True, slots=True)
class Corpus:
    """One BEIR folder: what becomes one store, and the questions asked of it.

    passages: lines of the corpus.    questions: in file order, only those with gold.    skipped: how many have none.
    """

    name: str
    folder: Path
    passages: int
    questions: tuple[Question, ...]
    skipped: int

    @property
    def openie(self) -> Path:
        """The recorded extraction of this corpus. Raises ReadError when there is none."""
        path = self.folder / OPENIE
        if not path.is_file():
            raise ReadError("no such file; `--extractor recorded` replays it; use `--extractor builtin`", path=path)
        return path


@dataclass(frozen=True, slots=True)
class Dataset:
    """One evaluation set. name: the folder's name.    sha256: over names and bytes of all its files that are read."""

    name: str
    corpora: tuple[Corpus, ...]
    sha256: str

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, corpora in name order, each in file order."""
        return tuple(question for corpus in self.corpora for question in corpus.questions)

    @property
    def skipped(self) -> int:
        """How many questions have no gold passage and are not asked."""
        return sum(corpus.skipped for corpus in self.corpora)

    def limited(self, limit: int | None) -> Dataset:
        """The set with its first *limit* questions that have gold; a corpus left without questions is not indexed."""
        if limit is None:
            return self
        if limit < 1:
            raise ConfigError(f"--limit is {limit}; give at least 1 question")
        kept, left = [], limit
        for corpus in self.corpora:
            if questions := corpus.questions[:left]:
                kept.append(replace(corpus, questions=questions))
                left -= len(questions)
        return replace(self, corpora=tuple(kept))


def load_datasets(folders: Sequence[str | Path]) -> tuple[Dataset, ...]:
    """Load every set, so that a mistake in the last is seen before the first is indexed.

    Raises ConfigError when two have the same name, and as `load_dataset` does.
    """
    check_names(folders)
    return tuple(load_dataset(folder) for folder in folders)


def check_names(folders: Sequence[str | Path]) -> None:
    """Raise ConfigError when two sets have the same name."""
    names: dict[str, str | Path] = {}
    for folder in folders:
        name = set_name(folder)
        if name in names:
            raise ConfigError(
                f"'{names[name]}' and '{folder}' are both called '{name}'; results go by the folder's name"
            )
        names[name] = folder


def set_name(folder: str | Path) -> str:
    """The name a set goes by in results: its folder's own name, also for ``.`` and for a link."""
    return Path(os.path.abspath(folder)).name


def load_dataset(folder: str | Path) -> Dataset:
    """Load and check one set. Raises ReadError (file and line), or InputError when no question has gold."""
    root = Path(os.path.abspath(folder))
    corpora = tuple(load_corpus(path) for path in _beir_folders(root, shown=folder))
    dataset = Dataset(root.name, corpora, sha256_of(root, [corpus.folder for corpus in corpora]))
    if not dataset.questions:
        raise InputError(f"set '{dataset.name}' has no question with a relevant passage; look at its qrels/test.tsv")
    return dataset


def load_corpus(folder: Path) -> Corpus:
    """Load one BEIR folder's questions and check that all ids agree. Raises ReadError."""
    passage_ids = _first_lines(folder / "corpus.jsonl")
    queries = {query_id: (text, labels) for query_id, text, labels in _queries(folder / "queries.jsonl")}
    relevance = _qrels(folder / "qrels" / "test.tsv", queries, passage_ids)
    questions = tuple(
        Question(query_id, text, relevance[query_id], folder.name, *labels)
        for query_id, (text, labels) in queries.items()
        if relevance.get(query_id)
    )
    return Corpus(folder.name, folder, len(passage_ids), questions, len(queries) - len(questions))


def _beir_folders(root: Path, *, shown: str | Path) -> list[Path]:
    """*root* itself, or its sub-folders in name order; a folder with only some of the three parts is an error."""
    if not root.is_dir():
        raise ReadError(f"no such folder; give one that holds {', '.join(PARTS)}", path=shown)
    candidates = [root]
    if not any((root / part).exists() for part in PARTS):
        candidates = [path for path in sorted(root.iterdir()) if any((path / part).exists() for part in PARTS)]
    if not candidates:
        raise ReadError(f"no data set here: neither it nor a sub-folder holds {', '.join(PARTS)}", path=shown)
    for path in candidates:
        if missing := [part for part in PARTS if not (path / part).is_file()]:
            there = [part for part in PARTS if part not in missing]
            raise ReadError(f"{' and '.join(missing)} missing beside {' and '.join(there) or 'its parts'}", path=path)
    return candidates


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their 1-based numbers; a leading byte order mark is dropped. Raises ReadError."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    reason = f"not UTF-8 at byte {error.start} of the line"
                    raise ReadError(reason, path=path, line=number) from error
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as error:
        raise ReadError(error.strerror or str(error), path=path) from error


def _records(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(line number, ``_id``, object) of a JSON Lines file whose ``_id``s are distinct. Raises ReadError."""
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ReadError(f"not JSON: {error}", path=path, line=number) from error
        if not isinstance(record, dict):
            raise ReadError(f"expected a JSON object, found {type(record).__name__}", path=path, line=number)
        record_id = record.get("_id")
        if isinstance(record_id, int) and not isinstance(record_id, bool):
            record_id = str(record_id)
        if not isinstance(record_id, str) or not record_id:
            raise ReadError("no `_id`: expected a text that is not empty", path=path, line=number)
        if record_id in seen:
            raise ReadError(f"`_id` '{record_id}' was already given in line {seen[record_id]}", path=path, line=number)
        seen[record_id] = number
        yield number, record_id, record


def _first_lines(corpus: Path) -> dict[str, int]:
    """Line number of every passage id."""
    return {passage_id: number for number, passage_id, _ in _records(corpus)}


def _queries(path: Path) -> Iterator[tuple[str, str, Labels]]:
    for number, query_id, record in _records(path):
        text = record.get("text")
        if not isinstance(text, str) or not text.strip():
            raise ReadError(f"query '{query_id}' has no `text`", path=path, line=number)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ReadError(f"query '{query_id}' holds half a surrogate pair, no Unicode text", path=path, line=number)
        yield query_id, text, read_labels(query_id, record.get("metadata"))


def _qrels(path: Path, queries: Collection[str], passages: Collection[str]) -> dict[str, dict[str, float]]:
    """Positive judgements by query. Raises ReadError; one lists all ids that the other files do not hold."""
    judged: dict[tuple[str, str], float] = {}
    for number, query_id, passage_id, score in _judgements(path):
        if judged.setdefault((query_id, passage_id), score) != score:
            raise ReadError(f"'{query_id}' and '{passage_id}' were judged before, differently", path=path, line=number)
    strangers = {
        "query": [name for name in dict.fromkeys(query_id for query_id, _ in judged) if name not in queries],
        "passage": [name for name in dict.fromkeys(passage_id for _, passage_id in judged) if name not in passages],
    }
    if problems := [_listed(ids, kind) for kind, ids in strangers.items() if ids]:
        raise ReadError("; ".join(problems), path=path)
    relevance: dict[str, dict[str, float]] = {}
    for (query_id, passage_id), score in judged.items():
        if score > 0:
            relevance.setdefault(query_id, {})[passage_id] = score
    return relevance


def _judgements(path: Path) -> Iterator[tuple[int, str, str, float]]:
    """(line number, query id, passage id, score) of tab-separated lines, with or without the header ``… score``."""
    for number, line in _lines(path):
        match [field.strip() for field in line.split("\t")]:
            case [query_id, passage_id, value]:
                score = _score(value)
                if score is not None:
                    yield number, query_id, passage_id, score
                elif number > 1 or value.casefold() != "score":
                    raise ReadError(f"score '{value}' is not a number", path=path, line=number)
            case fields:
                reason = f"expected query-id, corpus-id and score with tabs between, found {len(fields)} field(s)"
                raise ReadError(reason, path=path, line=number)


def _score(value: str) -> float | None:
    try:
        score = float(value)
    except ValueError:
        return None
    return score if math.isfinite(score) else None


def _listed(ids: Sequence[str], kind: str) -> str:
    file = {"query": "queries.jsonl", "passage": "corpus.jsonl"}[kind]
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{len(ids)} {kind} id(s) that {file} does not hold: {', '.join(ids[:SHOWN])}{more}"


def sha256_of(root: Path, folders: Sequence[Path], parts: Sequence[str] = (*PARTS, OPENIE)) -> str:
    """SHA-256 over (name within the set, size, bytes) of those of the parts that are there, folders in their order."""
    digest = hashlib.sha256()
    for folder in folders:
        for part in parts:
            path = folder / part
            if path.is_file():
                digest.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
    return digest.hexdigest()
