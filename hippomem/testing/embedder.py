"""A small deterministic embedder: texts that share words are near, and nothing is learned."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hippomem.models.embedder import EmbedderIdentity, QueryVectors, Role, sign_bits

_WORD = re.compile(r"\w+")
#: A word's trigrams weigh this much beside the word itself, so that "filmed" is a little like "film".
TRIGRAM_WEIGHT = 0.25


class HashEmbedder:
    """Feature hashing of words and their letter trigrams; a ``TokenEmbedder`` without a model, whose tokens are the words.

    Each feature has one signed place (CRC-32 of its text), so equal input gives equal bytes in every process, alone and
    in every batch. Unrelated texts are orthogonal on average; the larger the dimension, the fewer collisions.
    ``calls`` holds the texts of every ``embed`` so far, for tests that count work.
    """

    def __init__(self, dimension: int = 64, *, name: str = "hash") -> None:
        """dimension: of the vectors, at least 1.    name: part of the identity, so that a test can have two models."""
        if dimension < 1:
            raise ValueError(f"dimension={dimension}; a vector needs at least one")
        self.calls: list[tuple[str, ...]] = []
        self._identity = EmbedderIdentity(name, dimension, fingerprint=f"hash-1-{name}-{dimension}")

    @property
    def identity(self) -> EmbedderIdentity:
        """Name, dimension and a fingerprint made of the two."""
        return self._identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """(len(texts), dimension) float32, unit rows. role makes no difference."""
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts, not one text; pass [text]")
        self.calls.append(tuple(texts))
        vectors = np.empty((len(texts), self._identity.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(text)
            if progress is not None:
                progress(1)
        return vectors

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """The vectors of the texts, and the signs of the vectors of their words."""
        return self.embed(texts, progress=progress), [sign_bits(self._tokens(text)[1]) for text in texts]

    def embed_query(self, text: str) -> QueryVectors:
        """The vector of the text and those of its words."""
        return QueryVectors(self.embed([text], role="query")[0], *self._tokens(text))

    def _tokens(self, text: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        words = tuple(_WORD.findall(text))
        vectors = np.array([self._vector(word) for word in words], dtype=np.float32)
        return words, vectors.reshape(len(words), self._identity.dimension)

    def _vector(self, text: str) -> NDArray[np.float64]:
        vector = np.zeros(self._identity.dimension)
        for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
            self._add(vector, word, 1.0)
            padded = f"<{word}>"
            for at in range(len(padded) - 2):
                self._add(vector, f"#{padded[at : at + 3]}", TRIGRAM_WEIGHT)
        norm = float(np.sqrt((vector * vector).sum()))
        if norm == 0.0:  # no word at all, or features that cancel out
            vector[0] = norm = 1.0
        return vector / norm

    def _add(self, vector: NDArray[np.float64], feature: str, weight: float) -> None:
        code = zlib.crc32(feature.encode("utf-8", "replace"))
        vector[(code >> 1) % len(vector)] += weight if code & 1 else -weight
