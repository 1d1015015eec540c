"""Small BEIR folders, and a fake engine that ranks by shared words: the harness is tested without hippomem's core."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eval.systems import Engine
from hippomem.types import AddReport, Document, Hit, RetrieverName, SearchResult

WriteSet = Callable[..., Path]


@pytest.fixture
def write_set(tmp_path: Path) -> WriteSet:
    """Write a BEIR folder: ``write_set("toy", {"p1": "text"}, {"q1": "text"}, [("q1", "p1", 1)])``."""

    def write(
        name: str,
        passages: Mapping[str, str],
        queries: Mapping[str, str],
        qrels: Sequence[tuple[str, str, int]],
        *,
        openie: bool = False,
    ) -> Path:
        folder = tmp_path / name
        (folder / "qrels").mkdir(parents=True)
        corpus = [{"_id": passage_id, "title": "", "text": text} for passage_id, text in passages.items()]
        _write_lines(folder / "corpus.jsonl", corpus)
        _write_lines(folder / "queries.jsonl", [{"_id": query_id, "text": text} for query_id, text in queries.items()])
        judged = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, line)) for line in qrels)]
        (folder / "qrels" / "test.tsv").write_text("\n".join(judged) + "\n", encoding="utf-8")
        if openie:
            _write_lines(folder / "openie.jsonl", [{"_id": p, "entities": [], "triples": []} for p in passages])
        return folder

    return write


@pytest.fixture
def animals(write_set: WriteSet) -> Path:
    """Four passages, two questions: q1 finds its one gold first; q2 finds one of two golds first, the other last."""
    return write_set(
        "animals",
        {"cat": "cats purr softly", "dog": "dogs bark", "owl": "owls hoot softly at night", "bat": "wings"},
        {"q1": "dogs bark", "q2": "who hoot softly at night"},
        [("q1", "dog", 1), ("q2", "owl", 1), ("q2", "bat", 1), ("q2", "cat", 0)],
    )


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


@dataclass
class FakeStore:
    """Ranks all passages by the number of words shared with the query, then by id; chunks are split at ``|``."""

    chunk: bool
    log: list[tuple[str, str, int]]
    note: str = ""
    chunks: list[tuple[str, str, str]] = field(default_factory=list)

    def add_many(self, documents: Iterable[Document]) -> AddReport:
        for document in documents:
            parts = document.text.split("|") if self.chunk else [document.text]
            name = document.source_id or ""
            self.chunks += [(f"{name}#{number}", name, part) for number, part in enumerate(parts)]
        count = len(self.chunks)
        return AddReport(tuple(chunk[0] for chunk in self.chunks), count, 0, 0, seconds={"embed": 0.5, "extract": 0.25})

    def retriever(self, name: RetrieverName) -> FakeSearcher:
        return FakeSearcher(self, name)

    def search(
        self, query: str, k: int = 10, retriever: RetrieverName = "hippomem", explain: bool = False
    ) -> SearchResult:
        self.log.append((f"memory:{retriever}", query, k))
        return self.rank(query, k, retriever)

    def rank(self, query: str, k: int, retriever: RetrieverName) -> SearchResult:
        words = set(query.split())
        scored = sorted((-len(words & set(text.split())), passage, source) for passage, source, text in self.chunks)
        hits = tuple(
            Hit(passage, source, "", "", float(-score), rank, source_ids=(source,) if source else ())
            for rank, (score, passage, source) in enumerate(scored[:k], start=1)
        )
        return SearchResult(query, retriever, hits, note=self.note, seconds={"rank": 0.001})


@dataclass
class FakeSearcher:
    """The store's ranking under a retriever's name."""

    store: FakeStore
    name: RetrieverName

    def search(self, query: str, k: int = 10, explain: bool = False) -> SearchResult:
        self.store.log.append((self.name, query, k))
        return self.store.rank(query, k, self.name)


@dataclass
class FakeEngine:
    """An engine that remembers how it was used. opened: keywords of each store.    log: (retriever, query, k)."""

    note: str = ""
    opened: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)

    @contextmanager
    def open(self, path: Path, **keywords: Any) -> Iterator[FakeStore]:
        self.opened.append(keywords)
        path.write_bytes(b"0123456789")
        yield FakeStore(keywords["chunk"], self.log, self.note)

    def documents(self, folder: Path) -> Iterator[Document]:
        for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            yield Document(record["text"], source_id=record["_id"])

    def engine(self) -> Engine:
        return Engine(
            documents=self.documents,
            needs_chunking=lambda document: "|" in document.text,
            recorded=lambda path: f"recorded {path.name}",
            llm=lambda model, base_url: f"llm {model} at {base_url}",
            open=self.open,
        )


@pytest.fixture
def fake() -> FakeEngine:
    """A fresh fake engine."""
    return FakeEngine()
