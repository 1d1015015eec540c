"""The seam to embedding models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Role = Literal["query", "passage", "fact", "entity"]


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
