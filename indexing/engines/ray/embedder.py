"""An embedder whose texts are embedded by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hippomem.models.embedder import Embedder, EmbedderIdentity, QueryVectors, Role, TokenEmbedder, token_embedder
from indexing.engines.ray.crew import Crew
from indexing.engines.ray.workers import PackedSigns

#: The most texts, and characters (or one text), of a chunk: what a death costs, some 2 s of one core with the default
#: encoder. There sentences cost 2 % more than in one call, since fewer of the same length meet (`batches_of`).
CHUNK_TEXTS = 256
CHUNK_CHARACTERS = 30_000
#: Up to so many texts are embedded here: sending them takes as long.
FEW = 4


class RayEmbedder:
    """An ``Embedder`` over a `Crew` of readers; queries, and a handful of texts, are left to the driver's own *here*."""

    def __init__(self, here: Embedder, crew: Crew) -> None:
        self.here = here
        self.crew = crew

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the model, here and on each worker."""
        return self.here.identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """See ``Embedder.embed``. Equal texts are embedded once.    Raises also as `Crew.run`."""
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts, not one text; pass [text]")
        if role == "query" or len(texts) <= FEW:
            return self.here.embed(texts, role=role, progress=progress)
        rows = _rows(texts)
        chunks = list(_chunks(rows))
        vectors = np.empty((len(texts), self.identity.dimension), dtype=np.float32)
        for index, made in self.crew.run("embed", [(chunk, role) for chunk in chunks]):
            _place(vectors, made, chunks[index], rows, progress)
        return vectors


class RayTokenEmbedder(RayEmbedder):
    """The same for a ``TokenEmbedder``."""

    here: TokenEmbedder

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """See ``TokenEmbedder.embed_with_signs``.    Raises also as `Crew.run`."""
        if isinstance(texts, str):
            raise TypeError("embed_with_signs() takes a sequence of texts, not one text; pass [text]")
        if len(texts) <= FEW:
            return self.here.embed_with_signs(texts, progress=progress)
        rows = _rows(texts)
        chunks = list(_chunks(rows))
        vectors = np.empty((len(texts), self.identity.dimension), dtype=np.float32)
        signs: list[NDArray[np.uint8]] = [np.zeros((0, 0), dtype=np.uint8)] * len(texts)
        packed: PackedSigns
        for index, packed in self.crew.run("embed_with_signs", [(chunk,) for chunk in chunks]):
            ends = np.cumsum(packed.lengths)[:-1]
            for text, bits in zip(chunks[index], np.split(packed.signs, ends), strict=True):
                mine = bits.copy()  # what Ray shares between processes goes when nobody looks at it
                for row in rows[text]:
                    signs[row] = mine
            _place(vectors, packed.vectors, chunks[index], rows, progress)
        return vectors, signs

    def embed_query(self, text: str) -> QueryVectors:
        """See ``TokenEmbedder.embed_query``; here, not there."""
        return self.here.embed_query(text)


def spread(here: Embedder, crew: Crew) -> RayEmbedder:
    """*here* over a crew, with its tokens if it shows them."""
    with_tokens = token_embedder(here)
    return RayEmbedder(here, crew) if with_tokens is None else RayTokenEmbedder(with_tokens, crew)


def _rows(texts: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        rows.setdefault(text, []).append(row)
    return rows


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts of about the same length together, the longest first: so batches are full, and the last chunk is a short one."""
    chunk: list[str] = []
    characters = 0
    for text in sorted(texts, key=len, reverse=True):
        if chunk and (len(chunk) == CHUNK_TEXTS or characters + len(text) > CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(text)
        characters += len(text)
    if chunk:
        yield chunk


def _place(
    vectors: NDArray[np.float32],
    made: NDArray[np.float32],
    chunk: Sequence[str],
    rows: dict[str, list[int]],
    progress: Callable[[int], None] | None,
) -> None:
    """Put the vectors of a chunk into the rows of its texts."""
    for text, vector in zip(chunk, made, strict=True):
        vectors[rows[text]] = vector
    if progress is not None:
        progress(sum(len(rows[text]) for text in chunk))
