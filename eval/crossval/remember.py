"""An encoder that encodes each query once, for asking the same questions many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hippomem.models.embedder import Embedder, EmbedderIdentity, QueryVectors, Role, TokenEmbedder, token_embedder


class RememberingEmbedder:
    """An `Embedder` that keeps the vectors of single queries; all else goes to the one behind it.

    Not for timing: a query that was asked before costs it nothing. Nothing is ever dropped: a set's questions are few.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the embedder behind it: a store does not see the difference."""
        return self._embedder.identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """As the embedder behind it."""
        if role != "query" or len(texts) != 1:
            return self._embedder.embed(texts, role=role, progress=progress)
        if texts[0] not in self._vectors:
            self._vectors[texts[0]] = _shared(self._embedder.embed(texts, role=role))
        if progress is not None:
            progress(1)
        return self._vectors[texts[0]]


class RememberingTokenEmbedder(RememberingEmbedder):
    """The same for a `TokenEmbedder`."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        super().__init__(embedder)
        self._tokens = embedder
        self._queries: dict[str, QueryVectors] = {}

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """As the embedder behind it."""
        return self._tokens.embed_with_signs(texts, progress=progress)

    def embed_query(self, text: str) -> QueryVectors:
        """As the embedder behind it."""
        if text not in self._queries:
            shown = self._tokens.embed_query(text)
            self._queries[text] = QueryVectors(_shared(shown.vector), shown.words, _shared(shown.tokens))
        return self._queries[text]


def remembering(embedder: Embedder) -> RememberingEmbedder:
    """*embedder* with a memory for queries, and showing its tokens if it does."""
    with_tokens = token_embedder(embedder)
    return RememberingEmbedder(embedder) if with_tokens is None else RememberingTokenEmbedder(with_tokens)


def _shared(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy that cannot be changed: whoever asks again gets the same array."""
    kept = vectors.copy()
    kept.setflags(write=False)
    return kept
