"""Index a generated corpus as `hippomem index` does, and say what it took; in a process of its own.

``python -m eval.bench.memory.process`` reads its `Order` as JSON from standard input and writes its figures as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.bench.measure import peak_bytes
from eval.bench.memory.sampling import Sampling
from eval.bench.scale.corpus import Corpus
from eval.bench.scale.encoder import DIMENSION, ClusteredEmbedder
from hippomem.types import Document

START, END = "start", "closing"


@dataclass(frozen=True)
class Order:
    """store: an absolute path where nothing is.    passages, seed: of the corpus."""

    store: str
    passages: int
    seed: int = 0


def index(order: Order) -> dict[str, Any]:
    """Bytes: the peak of the process, of its stages, of the files, and of the vectors and signs among all these."""
    from hippomem.memory import Memory

    encoder = ClusteredEmbedder()
    encoder.embed_query("makes its tables")
    with Sampling(START) as sampling:
        memory = Memory(order.store, embedder=encoder)
        report = memory.add_many(_streamed(order), progress=lambda what, done, total: sampling.stage(what))
        sampling.stage(END)
        stats = memory.stats()
        signs = memory.store.db.execute("SELECT sum(length(token_signs)) FROM passages").fetchone()[0]
        memory.close()
    vectors = stats.passages + stats.facts + stats.entities
    file, arrays = Path(order.store), Path(f"{order.store}-arrays")
    return {
        "passages": stats.passages,
        "facts": stats.facts,
        "entities": stats.entities,
        "added": report.added,
        "peak_bytes": peak_bytes(),
        "stages": {
            stage: {"seconds": seconds, **sampling.peaks.get(stage, {})} for stage, seconds in sampling.seconds.items()
        },
        "file_bytes": {
            "store": file.stat().st_size,
            "arrays": sum(path.stat().st_size for path in arrays.rglob("*") if path.is_file()),
        },
        # In the store a vector has two bytes a dimension, in the arrays one; names have none there.
        "vector_bytes": {
            "store": 2 * DIMENSION * vectors + signs,
            "arrays": DIMENSION * (stats.passages + stats.facts),
        },
        "encoder_seconds": encoder.seconds,
    }


def _streamed(order: Order) -> Iterator[Document]:
    """One at a time, so that no list of documents is part of what is measured."""
    yield from Corpus(order.passages, order.seed).documents()


def main() -> None:
    """Do what is ordered."""
    json.dump(index(Order(**json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
