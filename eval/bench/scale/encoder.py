"""An encoder that costs next to nothing, so that the time of indexing is the product's own.

A text's vector is the sum of the vectors of its words, drawn once at random, in which a topic's words are one and the same:
texts of one topic lie together, names that share words too, and all texts share a little. Cosines look like those of a
sentence encoder: about 0.3 to 0.7 within a topic, 0 to 0.2 between topics.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from eval.bench.scale.language import FUNCTION_WORDS, TOPIC_ROOT, TOPIC_START
from hippomem.models.embedder import EmbedderIdentity, QueryVectors, Role, sign_bits

DIMENSION = 384
#: Vectors in the pool; two words that fall on one are the same word to this encoder.
POOL = 1 << 14
#: What a word counts, by what it is. A topic's words count by the square root of their number, as chance sums do, so that
#: a long text is as much about its topic as a short one.
TOPIC, NAME, FILLER = 3.5, 1.5, 1.0
#: What all texts share, against the rest of a text.
COMMON = 0.3
#: Words remembered: bounds the memory that a large corpus takes here.
_REMEMBERED = 1 << 16

_WORD = re.compile(r"\w+")
_EDGES = ".,:;?!()\"'"


class ClusteredEmbedder:
    """A `TokenEmbedder` without a model. Equal texts get equal bytes, alone, in every batch and in every process.

    seconds: time spent in it so far.    texts: embedded so far.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(384)
        pool = rng.standard_normal((POOL + 1, DIMENSION), dtype=np.float32)
        pool /= np.sqrt((pool * pool).sum(axis=1, keepdims=True))
        self._pool, self._common = pool[:POOL], COMMON * pool[POOL]
        self._signs = sign_bits(self._pool)
        self._features = _Features()
        self.seconds = 0.0
        self.texts = 0

    @property
    def identity(self) -> EmbedderIdentity:
        """Never that of a real encoder."""
        return EmbedderIdentity("clustered", DIMENSION, fingerprint="clustered-1")

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """(len(texts), 384) float32, unit rows; role makes no difference."""
        start = time.perf_counter()
        vectors = self._vectors(*self._ids(texts))
        return self._done(start, len(texts), vectors, progress)

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """The vectors of the texts, and the signs of the vectors of their words."""
        start = time.perf_counter()
        ids, sizes = self._ids(texts)
        all_signs, ends = self._signs[ids >> 2], np.cumsum(sizes).tolist()
        signs = [all_signs[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
        return self._done(start, len(texts), self._vectors(ids, sizes), progress), signs

    def embed_query(self, text: str) -> QueryVectors:
        """The vector of the text and those of its words."""
        start = time.perf_counter()
        words = tuple(_WORD.findall(text))
        tokens = self._pool[np.array([self._features[word] >> 2 for word in words], dtype=np.int64)]
        vector = self._vectors(*self._ids([text]))[0]
        return QueryVectors(self._done(start, 1, vector, None), words, tokens)

    def _done(
        self, start: float, count: int, vectors: NDArray[np.float32], progress: Callable[[int], None] | None
    ) -> NDArray[np.float32]:
        self.seconds += time.perf_counter() - start
        self.texts += count
        if progress is not None:
            progress(count)
        return vectors

    def _ids(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Features of all texts, one text after the other, and how many each has."""
        words = [text.split() for text in texts]
        features = self._features
        ids = np.array([features[word] for some in words for word in some], dtype=np.int64)
        return ids, np.array([len(some) for some in words], dtype=np.int64)

    def _vectors(self, ids: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float32]:
        row = np.repeat(np.arange(len(sizes)), sizes)
        kind = ids & 3
        topics = np.bincount(row[kind == 3], minlength=len(sizes))
        weight = np.array([0.0, FILLER, NAME, TOPIC], dtype=np.float32)[kind]
        of_topic = kind == 3
        weight[of_topic] /= np.sqrt(topics[row[of_topic]]).astype(np.float32)
        said = kind > 0
        starts = np.concatenate([[0], np.cumsum(np.bincount(row[said], minlength=len(sizes)))])
        # A sparse product adds row by row, in order: the sum does not depend on what else is in the batch.
        counts = csr_array((weight[said], ids[said] >> 2, starts), shape=(len(sizes), POOL))
        vectors = _unit(np.asarray(counts @ self._pool, dtype=np.float32)) + self._common
        return _unit(vectors)


class _Features(dict[str, int]):
    """Word, as it stands between spaces → its place in the pool times 4, plus its kind: 0 function, 1, 2 name, 3 topic."""

    def __missing__(self, raw: str) -> int:
        word = raw.strip(_EDGES)
        key = word.lower()
        if key in _SAYS_NOTHING:
            kind = 0
        elif key.startswith(TOPIC_START):
            key, kind = key[:TOPIC_ROOT], 3
        else:
            kind = 2 if word[:1].isupper() else 1
        feature = zlib.crc32(key.encode("utf-8", "replace")) % POOL * 4 + kind
        if len(self) < _REMEMBERED:
            self[raw] = feature
        return feature


_SAYS_NOTHING = frozenset([*FUNCTION_WORDS, "which", "known", ""])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; a row of zeros stays."""
    norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    unit: NDArray[np.float32] = rows / np.maximum(norms, np.float32(1e-12))
    return unit
