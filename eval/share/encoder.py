"""An encoder that encodes every text once: the stores of a curve differ in their triples only."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eval.crossval.remember import remembering
from hippomem.models.embedder import (
    Embedder,
    EmbedderIdentity,
    QueryVectors,
    Role,
    TokenEmbedder,
    embed_query,
    token_embedder,
)

Key = TypeVar("Key", bound=Hashable)


class OnceEmbedder:
    """An `Embedder` that keeps the vectors of all texts. Nothing is dropped: 1.5 KB a text with the default encoder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = remembering(embedder)
        self._vectors: dict[tuple[Role, str], NDArray[np.float32]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the embedder behind it: a store does not see the difference."""
        return self._embedder.identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """As the embedder behind it."""
        if role == "query" or not texts:
            return self._embedder.embed(texts, role=role, progress=progress)
        keys = [(role, text) for text in texts]
        new = _missing(keys, self._vectors)
        if new:
            vectors = self._embedder.embed([text for _, text in new], role=role)
            self._vectors.update(zip(new, vectors, strict=True))
        if progress is not None:
            progress(len(texts))
        return np.stack([self._vectors[key] for key in keys])


class OnceTokenEmbedder(OnceEmbedder):
    """The same for a `TokenEmbedder`."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        super().__init__(embedder)
        self._tokens = embedder
        self._signed: dict[str, tuple[NDArray[np.float32], NDArray[np.uint8]]] = {}

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """As the embedder behind it."""
        if not texts:
            return self._tokens.embed_with_signs(texts, progress=progress)
        new = _missing(texts, self._signed)
        if new:
            self._signed.update(zip(new, zip(*self._tokens.embed_with_signs(new), strict=True), strict=True))
        if progress is not None:
            progress(len(texts))
        kept = [self._signed[text] for text in texts]
        return np.stack([vector for vector, _ in kept]), [signs for _, signs in kept]

    def embed_query(self, text: str) -> QueryVectors:
        """As the embedder behind it."""
        return embed_query(self._embedder, text)


def once(embedder: Embedder) -> OnceEmbedder:
    """*embedder* with a memory for every text, and showing its tokens if it does."""
    with_tokens = token_embedder(embedder)
    return OnceEmbedder(embedder) if with_tokens is None else OnceTokenEmbedder(with_tokens)


def _missing(keys: Iterable[Key], kept: Mapping[Key, object]) -> list[Key]:
    return [key for key in dict.fromkeys(keys) if key not in kept]
