"""The seam to embedding models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Role = Literal["query", "passage", "fact", "entity"]

#: Cosine of two probe vectors from which an endpoint counts as the same model.
SAME_MODEL_COSINE = 0.999


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What a store remembers of the model that made its vectors.

    fingerprint: SHA-256 over weights, tokenizer, pooling, token limit, normalisation and precision; "" for an endpoint,
    whose weights cannot be seen: then ``probe`` is the vector of a fixed text, compared at cosine >= 0.999.
    """

    name: str
    dimension: int
    fingerprint: str = ""
    probe: tuple[float, ...] = ()

    def is_model_of(self, other: EmbedderIdentity) -> bool:
        """Whether both make the same vectors, whatever they are called."""
        if (self.dimension, self.fingerprint) != (other.dimension, other.fingerprint):
            return False
        cosine = sum(a * b for a, b in zip(self.probe, other.probe, strict=True)) if self.probe else 1.0
        return cosine >= SAME_MODEL_COSINE

    @property
    def described(self) -> str:
        """Name, dimension and fingerprint, for messages."""
        return f"{self.name} ({self.dimension} dimensions, fingerprint {self.fingerprint[:12] or 'by probe'})"


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def identity(self) -> EmbedderIdentity:
        """The model's identity; may cost one request the first time."""
        ...

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed *texts*.

        role: what the text is; models that use instructions choose theirs by it.
        progress: called with the number of texts finished since the last call.
        Returns (len(texts), dimension) float32 with unit rows, (0, dimension) for no texts. A name (role "entity") that the
        model cannot read may be a row of zeros: it is near to nothing. Raises ModelError.
        """
        ...


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """A query, embedded as a whole and token by token, in one pass of the encoder.

    vector: (d,) float32, unit.    words: for each of its n tokens, the word that the token is a piece of.
    tokens: (n, d) float32, unit rows; n may be 0. Tokens that the model adds by itself ([CLS], [SEP]) are left out.
    """

    vector: NDArray[np.float32]
    words: tuple[str, ...]
    tokens: NDArray[np.float32]


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also shows its last layer, a vector a token, as late interaction needs (ColBERT, Khattab and
    Zaharia 2020). Of a passage's tokens only the signs are kept: one bit a dimension.
    """

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """Embed passages: what ``embed`` returns, and for each text the signs of its n token vectors.

        Signs: (n, ceil(dimension / 8)) uint8, a set bit for a value > 0, the first dimension in the highest bit
        (``numpy.packbits``). One pass of the encoder. Raises ModelError.
        """
        ...

    def embed_query(self, text: str) -> QueryVectors:
        """Embed one query. Its ``vector`` is what ``embed`` returns for it. Raises ModelError."""
        ...


def token_embedder(embedder: Embedder) -> TokenEmbedder | None:
    """*embedder* as one that shows its tokens, or None. (``isinstance`` would ask an endpoint for its identity.)"""
    return cast(TokenEmbedder, embedder) if hasattr(embedder, "embed_with_signs") else None


def embed_query(embedder: Embedder, query: str) -> QueryVectors:
    """A query's vectors, from one call of the encoder; without tokens where the model shows none. Raises ModelError."""
    with_tokens = token_embedder(embedder)
    if with_tokens is not None:
        return with_tokens.embed_query(query)
    vector = embedder.embed([query], role="query")[0]
    return QueryVectors(vector, (), np.zeros((0, len(vector)), dtype=np.float32))


def sign_bits(tokens: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(n, d) vectors as (n, ceil(d / 8)) packed signs: see `TokenEmbedder.embed_with_signs`."""
    return np.packbits(tokens > 0, axis=1)
