"""Searches by public libraries over the same passages, to hold ours against."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from hippomem.store.vectors import passage_text
from hippomem.types import Document

#: From a question to the seconds of encoding it, and the positions of the ten best documents.
Search = Callable[[str], tuple[float, list[int]]]
K = 10


def public_searches(documents: Sequence[Document]) -> dict[str, Search]:
    """A search by each library that is installed: bm25s, and sentence-transformers with the weights of our encoder."""
    texts = [passage_text(document.title, document.text) for document in documents]
    found: dict[str, Search] = {}
    if find_spec("bm25s") is not None:
        found["bm25s"] = _bm25s(texts)
    if find_spec("sentence_transformers") is not None:
        found["sentence-transformers"] = _sentence_transformers(texts)
    return found


def _bm25s(texts: Sequence[str]) -> Search:
    import bm25s

    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    k = min(K, len(texts))

    def search(question: str) -> tuple[float, list[int]]:
        tokens = bm25s.tokenize([question], show_progress=False)
        positions, _ = retriever.retrieve(tokens, k=k, show_progress=False)
        return 0.0, [int(position) for position in positions[0]]

    return search


def _sentence_transformers(texts: Sequence[str]) -> Search:
    """Dense search as the library's own documentation shows it: encode, then `util.semantic_search`."""
    from sentence_transformers import SentenceTransformer, util

    from hippomem.models.minilm import MiniLM

    model: Any = SentenceTransformer(str(MiniLM().folder), device="cpu")
    corpus = model.encode(list(texts), convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False)

    def search(question: str) -> tuple[float, list[int]]:
        start = time.perf_counter()
        vector = model.encode(question, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False)
        encoding = time.perf_counter() - start
        (hits,) = util.semantic_search(vector, corpus, top_k=K)
        return encoding, [int(hit["corpus_id"]) for hit in hits]

    return search


def recall(found: Sequence[str], relevant: Sequence[str], k: int = 5) -> float:
    """Share of the relevant among the first *k*.

    >>> recall(["a", "b"], ["b", "c"])
    0.5
    """
    return float(np.mean([one in found[:k] for one in relevant]))
