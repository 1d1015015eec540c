"""Synonym lists: those that comparing each name with each gives, whoever added which name when."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.graph.synonymy import THRESHOLD, TOP_K, exact_cosine
from hippomem.memory import Memory
from hippomem.models.embedder import EmbedderIdentity, Role
from hippomem.store.vectors import from_blobs
from hippomem.types import Document

WORDS = ["Ombra", "Tessaly", "Vorn", "Quill", "Zanzi", "Palace", "Hotel", "Clock", "Island", "Bay"]


class Crowds:
    """Names in crowds: those with the same first word are near to each other, more or less."""

    def __init__(self, dimension: int, noise: float) -> None:
        self.identity = EmbedderIdentity("crowds", dimension, fingerprint=f"crowds-{dimension}-{noise}")
        self._noise = noise

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """(n, dimension) unit rows: a direction of the first word, and one of the text."""
        if progress is not None:
            progress(len(texts))
        rows = [self._draw(text.split(" ")[0]) + self._noise * self._draw(text) for text in texts]
        matrix = np.array(rows).reshape(len(texts), self.identity.dimension)
        return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)

    def _draw(self, text: str) -> NDArray[np.float64]:
        return np.random.default_rng(zlib.crc32(text.encode())).normal(size=self.identity.dimension)


def documents(count: int, seed: int) -> list[Document]:
    """Sentences with two names each."""
    rng = random.Random(seed)

    def name() -> str:
        return " ".join(rng.sample(WORDS, rng.randint(1, 3)))

    return [Document(f"{name()} lies beyond {name()}, said number {i}.", title=name()) for i in range(count)]


def lists(memory: Memory) -> dict[str, list[tuple[str, float]]]:
    """Each name's list as the store has it, nearest first."""
    rows = memory.store.db.execute(
        "SELECT a.key, b.key, similarity FROM synonyms JOIN entities AS a ON a.entity_key = synonyms.entity_key"
        " JOIN entities AS b ON b.entity_key = other_key ORDER BY a.key, similarity DESC, b.key"
    )
    found: dict[str, list[tuple[str, float]]] = {}
    for key, other, similarity in rows:
        found.setdefault(key, []).append((other, similarity))
    return found


def compared_each_with_each(memory: Memory, top_k: int = TOP_K) -> dict[str, list[tuple[str, float]]]:
    """The lists that the stored vectors give without any shortcut."""
    rows = memory.store.db.execute("SELECT key, vector FROM entities ORDER BY key").fetchall()
    keys = [row[0] for row in rows]
    matrix = from_blobs([row[1] for row in rows], len(rows[0][1]) // 2)
    row, column = (part.ravel() for part in np.indices((len(keys), len(keys))))
    similarity = exact_cosine(matrix, row, matrix, column).reshape(len(keys), len(keys))
    found = {}
    for i, key in enumerate(keys):
        near = [
            (keys[j], float(similarity[i, j])) for j in range(len(keys)) if j != i and similarity[i, j] >= THRESHOLD
        ]
        if near:
            found[key] = sorted(near, key=lambda pair: (-pair[1], pair[0]))[:top_k]
    return found


@pytest.mark.parametrize(("dimension", "noise"), [(384, 0.5), (384, 0.1), (48, 0.45)])
def test_the_lists_are_those_of_comparing_each_with_each(
    dimension: int, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a batch, one by one, in full lists (noise 0.1: a crowd has more names than a list), and after forgetting."""
    top_k = 100 if noise > 0.1 else 12
    monkeypatch.setattr("indexing.synonyms.TOP_K", top_k)
    monkeypatch.setattr("indexing.pipeline.TOP_K", top_k)
    batch = documents(220, 1)
    with Memory(":memory:", embedder=Crowds(dimension, noise)) as memory:
        report = memory.add_many(batch[:200])
        expected = compared_each_with_each(memory, top_k)
        assert lists(memory) == expected
        assert sum(map(len, expected.values())) > 500
        assert (max(map(len, expected.values())) == top_k) == (noise == 0.1)
        for document in batch[200:]:
            memory.add_many([document])
        assert lists(memory) == compared_each_with_each(memory, top_k)
        for memory_id in report.memory_ids[:40]:
            memory.forget(memory_id)
        assert lists(memory) == compared_each_with_each(memory, top_k)


def test_two_writers_know_each_other_s_names(tmp_path: Path) -> None:
    """Each holds signs in memory; what the other adds, forgets and adds anew under the same row numbers is seen."""
    path, batch = tmp_path / "a.hippo", documents(60, 2)
    with Memory(path, embedder=Crowds(384, 0.4)) as one, Memory(path, embedder=Crowds(384, 0.4)) as two:
        for number, document in enumerate(batch):
            writer, other = (one, two) if number % 2 else (two, one)
            (memory_id,) = writer.add_many([document]).memory_ids
            if number % 3 == 0:  # the newest rows go, and their numbers are given out again
                other.forget(memory_id)
        assert lists(one) == compared_each_with_each(one)
        assert len(lists(one)) > 20


def test_a_transaction_that_is_undone_leaves_no_false_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure in the middle, the names of the failed addition are gone from memory too."""
    batch = documents(30, 3)
    with Memory(":memory:", embedder=Crowds(384, 0.4)) as memory:
        memory.add_many(batch[:10])

        def fail(*_: object) -> int:
            raise KeyError("mine")

        with monkeypatch.context() as broken:
            broken.setattr("indexing.pipeline.passages.set_ready", fail)
            with pytest.raises(KeyError, match="mine"):
                memory.add_many(batch[10:20])
        assert memory.stats().pending == 10
        memory.forget(memory.add_many(batch[10:11]).memory_ids[0])
        memory.resume()
        for document in batch[11:]:
            memory.add_many([document])
        assert lists(memory) == compared_each_with_each(memory)
        assert len(lists(memory)) > 10


def test_names_that_the_model_cannot_read_are_candidates_of_nobody(tmp_path: Path) -> None:
    """A vector of zeros has no signs: a thousand such names are not compared with each other."""

    class Blind(Crowds):
        def embed(self, texts: Sequence[str], **options: object) -> NDArray[np.float32]:
            matrix = super().embed(texts)
            matrix[[i for i, text in enumerate(texts) if text.startswith("zq")]] = 0.0
            return matrix

    with Memory(tmp_path / "a.hippo", embedder=Blind(384, 0.4)) as memory:
        memory.add_many([f"Zqa{n} met Ombra {n} Clock." for n in range(20)])
        rows = memory.store.db.execute("SELECT key LIKE 'zq%', signs IS NULL, signed IS NULL FROM entities").fetchall()
        assert {tuple(row) for row in rows} == {(1, 1, 1), (0, 0, 0)}
        assert lists(memory)
        assert lists(memory) == compared_each_with_each(memory)
