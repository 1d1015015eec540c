"""Small BEIR folders, and a fake engine that ranks by shared words: the harness is tested without hippomem's core."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from eval.systems import Engine, hippomem_engine
from hippomem.models.embedder import Embedder
from hippomem.testing.embedder import HashEmbedder
from hippomem.types import AddReport, Document, Hit, PathStep, RetrieverName, SearchResult, Why

WriteSet = Callable[..., Path]


@pytest.fixture
def write_set(tmp_path: Path) -> WriteSet:
    """Write a BEIR folder: ``write_set("toy", {"p1": "text"}, {"q1": "text"}, [("q1", "p1", 1)])``.

    titles: of passages, by id.    labels: ``metadata`` of questions, by id.
    """

    def write(
        name: str,
        passages: Mapping[str, str],
        queries: Mapping[str, str],
        qrels: Sequence[tuple[str, str, int]],
        *,
        openie: bool = False,
        titles: Mapping[str, str] | None = None,
        labels: Mapping[str, Any] | None = None,
    ) -> Path:
        folder = tmp_path / name
        (folder / "qrels").mkdir(parents=True)
        named, known = titles or {}, labels or {}
        corpus = [{"_id": p, "title": named.get(p, ""), "text": text} for p, text in passages.items()]
        _write_lines(folder / "corpus.jsonl", corpus)
        asked = [{"_id": q, "text": text, "metadata": known.get(q)} for q, text in queries.items()]
        _write_lines(folder / "queries.jsonl", asked)
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


@pytest.fixture
def bridge(write_set: WriteSet) -> Path:
    """One question whose second gold, ``rock``, shares no word with it and is reached by a name alone, from ``comet``.

    The thirty others look like the question: without a walk they all come before ``rock``, more than are put in a new order.
    """
    titles = {"comet": "Comet Sorrel", "rock": "Gull Rock Observatory"}
    passages = {
        "comet": "It was discovered at Gull Rock Observatory by Jonah Sorrel.",
        "rock": "Perihelion sleeps on the dome motor.",
    }
    for animal in ("bird", "fish", "moth", "goat", "duck", "bear"):
        for thing in ("berry", "reef", "light", "moss", "snow"):
            passages[f"{animal}-{thing}"] = f"A {animal} lives where the {thing} was discovered."
    queries = {"q": "Which pet lives where Comet Sorrel was discovered?"}
    return write_set("bridge", passages, queries, [("q", "comet", 1), ("q", "rock", 1)], titles=titles)


@pytest.fixture
def small() -> Engine:
    """The real package, with a small encoder."""
    return replace(hippomem_engine(), embedder=lambda name: HashEmbedder(name=name or "hash"))


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


@dataclass
class FakeStore:
    """Ranks all passages by the number of words shared with the query, then by id; chunks are split at ``|``.

    Every retriever but ``bm25`` asks the embedder once a search. explained: queries asked with ``explain``.
    """

    chunk: bool
    log: list[tuple[str, str, int]]
    embedder: Embedder
    note: str = ""
    explained: list[str] = field(default_factory=list)
    indexed: list[Document] = field(default_factory=list)
    chunks: list[tuple[str, str, str]] = field(default_factory=list)

    def add_many(self, documents: Iterable[Document]) -> AddReport:
        for document in documents:
            self.indexed.append(document)
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
        return self.rank(query, k, retriever, explain)

    def rank(self, query: str, k: int, retriever: RetrieverName, explain: bool) -> SearchResult:
        if retriever != "bm25":
            self.embedder.embed([query], role="query")
        if explain:
            self.explained.append(query)
        words = set(query.split())
        scored = sorted((-len(words & set(text.split())), passage, source) for passage, source, text in self.chunks)
        hits = tuple(
            Hit(
                passage,
                source,
                "",
                "",
                float(-score),
                rank,
                source_ids=(source,) if source else (),
                why=self.why(source, retriever, -score) if explain else None,
            )
            for rank, (score, passage, source) in enumerate(scored[:k], start=1)
        )
        return SearchResult(query, retriever, hits, note=self.note, seconds={"rank": 0.001})

    def why(self, source: str, retriever: RetrieverName, score: int) -> Why:
        path = (PathStep("entity", "softly"), PathStep("passage", source))
        return Why(retriever, path=path, scores={"words": float(score)})


@dataclass
class FakeSearcher:
    """The store's ranking under a retriever's name."""

    store: FakeStore
    name: RetrieverName

    def search(self, query: str, k: int = 10, explain: bool = False) -> SearchResult:
        self.store.log.append((self.name, query, k))
        return self.store.rank(query, k, self.name, explain)


@dataclass
class FakeEngine:
    """An engine that remembers how it was used.

    opened: keywords of each store but its embedder.    embedders: the names asked for.    log: (retriever, query, k).
    stores: in the order opened.
    """

    note: str = ""
    embedders: list[str | None] = field(default_factory=list)
    stores: list[FakeStore] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)

    @contextmanager
    def open(self, path: Path, *, embedder: Embedder, **keywords: Any) -> Iterator[FakeStore]:
        self.opened.append(keywords)
        path.write_bytes(b"0123456789")
        self.stores.append(FakeStore(keywords["chunk"], self.log, embedder, self.note))
        yield self.stores[-1]

    def embedder(self, name: str | None) -> HashEmbedder:
        self.embedders.append(name)
        return HashEmbedder()

    def documents(self, folder: Path) -> Iterator[Document]:
        for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            yield Document(record["text"], title=record["title"], source_id=record["_id"])

    def engine(self) -> Engine:
        return Engine(
            documents=self.documents,
            needs_chunking=lambda document: "|" in document.text,
            recorded=lambda path: f"recorded {path.name}",
            llm=lambda model, base_url: f"llm {model} at {base_url}",
            embedder=self.embedder,
            open=self.open,
        )


@pytest.fixture
def fake() -> FakeEngine:
    """A fresh fake engine."""
    return FakeEngine()
