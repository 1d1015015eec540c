"""Questions asked again cost no run of the encoder."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ConfigError
from hippomem.models.embedder import Embedder, EmbedderIdentity, QueryVectors, Role, TokenEmbedder, token_embedder

#: Queries with more tokens are not kept: 256 queries at this length take 25 MB.
LONGEST = 64


class QueryCache:
    """An `Embedder` that keeps the vectors of the last *size* different queries; everything else goes through.

    Kept are the text and the vectors of queries alone, never of passages, facts or names, in this object's memory alone,
    never in a file: until *size* others were asked more recently, or the object goes. Safe to share by threads; two that
    ask the same new query at once may both run the encoder. Vectors of queries are read-only arrays.
    """

    def __init__(self, embedder: Embedder, size: int) -> None:
        self._embedder, self._size = embedder, size
        self._kept: OrderedDict[str, QueryVectors] = OrderedDict()
        #: Asked for in advance, with how many wait to use them.
        self._ahead: dict[str, tuple[QueryVectors, int]] = {}
        self._lock = threading.Lock()

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the embedder behind it."""
        return self._embedder.identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """As the embedder behind it; one text in the role "query" is kept."""
        if role != "query" or isinstance(texts, str) or len(texts) != 1:
            return self._embedder.embed(texts, role=role, progress=progress)
        kept = self._get(texts[0], self._vector)
        if progress is not None:
            progress(1)
        return kept.vector[None]

    def clear(self) -> None:
        """Forget all queries now."""
        with self._lock:
            self._kept.clear()

    @contextmanager
    def ahead(self, *texts: str) -> Iterator[None]:
        """Ask for queries now: inside, they are at hand, long ones too. Raises as the embedder."""
        held: list[str] = []
        try:
            for text in texts:
                vectors = self._get(text, self._vector)
                with self._lock:
                    self._ahead[text] = vectors, self._ahead.get(text, (vectors, 0))[1] + 1
                held.append(text)
            yield
        finally:
            with self._lock:
                for text in held:
                    vectors, users = self._ahead.pop(text)
                    if users > 1:
                        self._ahead[text] = vectors, users - 1

    def _vector(self, text: str) -> QueryVectors:
        vector = self._embedder.embed([text], role="query")[0]
        return QueryVectors(vector, (), np.zeros((0, len(vector)), dtype=np.float32))

    def _get(self, text: str, ask: Callable[[str], QueryVectors]) -> QueryVectors:
        """The query's vectors, kept or asked for: without the lock, so that others are not held up."""
        with self._lock:
            kept = self._kept.get(text)
            if kept is not None:
                self._kept.move_to_end(text)
                return kept
            if text in self._ahead:
                return self._ahead[text][0]
        asked = ask(text)
        for array in (asked.vector, asked.tokens):
            array.setflags(write=False)
        if len(asked.words) <= LONGEST:
            with self._lock:
                self._kept[text] = asked
                self._kept.move_to_end(text)
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
        return asked


class TokenQueryCache(QueryCache):
    """The same for a `TokenEmbedder`: a query's token vectors are kept too."""

    def __init__(self, embedder: TokenEmbedder, size: int) -> None:
        super().__init__(embedder, size)
        self._tokens = embedder

    def embed_with_signs(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
        """As the embedder behind it."""
        return self._tokens.embed_with_signs(texts, progress=progress)

    def embed_query(self, text: str) -> QueryVectors:
        """As the embedder behind it, or as it was."""
        return self._get(text, self._tokens.embed_query)

    def _vector(self, text: str) -> QueryVectors:
        # With its tokens, for whoever asks for them later: their vector is the same.
        return self._tokens.embed_query(text)


def with_query_cache(embedder: Embedder, size: int) -> Embedder:
    """*embedder*, with the vectors of its last *size* queries kept; itself for 0. Raises ConfigError below that."""
    if size < 0:
        raise ConfigError(f"query_cache={size} was asked for; it is a number of queries, 0 to keep none.")
    if size == 0:
        return embedder
    with_tokens = token_embedder(embedder)
    return QueryCache(embedder, size) if with_tokens is None else TokenQueryCache(with_tokens, size)
