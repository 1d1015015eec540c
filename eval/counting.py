"""Counting what a retriever asks of the encoder and of an LLM, from outside, whatever the retriever is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.models.embedder import Embedder, EmbedderIdentity, QueryVectors, Role, TokenEmbedder, token_embedder
from hippomem.models.llm import LLM, Usage


@dataclass(frozen=True, slots=True)
class Work:
    """What models were asked to do. calls: of the encoder.    texts: that it encoded, over all calls.

    llm: what a language model was asked beside it, where a retriever asks one.
    """

    calls: int = 0
    texts: int = 0
    llm: Usage = Usage()

    def __sub__(self, earlier: Work) -> Work:
        """What was done since *earlier*."""
        return Work(self.calls - earlier.calls, self.texts - earlier.texts, self.llm - earlier.llm)


class CountingEmbedder:
    """An `Embedder` that hands everything on to another and counts it in ``done``.

    llm: a language model whose own running total is shown there too.
    """

    def __init__(self, embedder: Embedder, llm: LLM | None = None) -> None:
        self._embedder, self._llm = embedder, llm
        self._calls = self._texts = 0

    @property
    def done(self) -> Work:
        """All work so far."""
        return Work(self._calls, self._texts, Usage() if self._llm is None else self._llm.usage)

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the embedder behind it: a store does not see the difference."""
        return self._embedder.identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """As the embedder behind it. A call without texts costs nothing and is not counted."""
        vectors = self._embedder.embed(texts, role=role, progress=progress)
        self._count(len(texts))
        return vectors

    def _count(self, texts: int) -> None:
        if texts:
            self._calls, self._texts = self._calls + 1, self._texts + texts


class CountingTokenEmbedder(CountingEmbedder):
    """The same for a `TokenEmbedder`."""

    def __init__(self, embedder: TokenEmbedder, llm: LLM | None = None) -> None:
        super().__init__(embedder, llm)
        self._tokens = embedder

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """As the embedder behind it: one pass, however much it shows."""
        shown = self._tokens.embed_with_signs(texts, progress=progress)
        self._count(len(texts))
        return shown

    def embed_query(self, text: str) -> QueryVectors:
        """As the embedder behind it."""
        shown = self._tokens.embed_query(text)
        self._count(1)
        return shown


def counting(embedder: Embedder, llm: LLM | None = None) -> CountingEmbedder:
    """*embedder*, counted, and showing its tokens if it does; with the use of *llm* beside it."""
    with_tokens = token_embedder(embedder)
    return CountingEmbedder(embedder, llm) if with_tokens is None else CountingTokenEmbedder(with_tokens, llm)
