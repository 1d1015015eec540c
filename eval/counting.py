"""Counting what a retriever asks of the encoder, from outside, whatever the retriever is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.models.embedder import Embedder, EmbedderIdentity, Role


@dataclass(frozen=True, slots=True)
class Work:
    """What models were asked to do. calls: of the encoder.    texts: that it encoded, over all calls.

    A retriever that asks an LLM for each query would have its tokens counted here as well.
    """

    calls: int = 0
    texts: int = 0

    def __sub__(self, earlier: Work) -> Work:
        """What was done since *earlier*."""
        return Work(self.calls - earlier.calls, self.texts - earlier.texts)


class CountingEmbedder:
    """An `Embedder` that hands everything on to another and counts it in ``done``."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.done = Work()

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the embedder behind it: a store does not see the difference."""
        return self._embedder.identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """As the embedder behind it. A call without texts costs nothing and is not counted."""
        vectors = self._embedder.embed(texts, role=role, progress=progress)
        if len(texts):
            self.done = Work(self.done.calls + 1, self.done.texts + len(texts))
        return vectors
