"""Embeddings from any OpenAI-compatible endpoint."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.errors import ModelOutputError
from hippomem.models.embedder import EmbedderIdentity, Role
from hippomem.models.openai_client import OpenAIConnection, plain

#: An endpoint's weights cannot be seen; the vector of this text stands for them. Changing it breaks existing stores.
PROBE_TEXT = "The hippocampus keeps an index of what the neocortex stores."


class EndpointEmbedder:
    """A model behind ``POST /embeddings``; an ``Embedder``. Safe to share by threads; close it when done.

    A server's vectors may differ in their last bits from batch to batch: no promise of equal bytes here.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        dimensions: int | None = None,
        query_prompt: str = "",
        passage_prompt: str = "",
        batch_texts: int = 128,
        batch_chars: int = 200_000,
        **connection: Any,
    ) -> None:
        """dimensions: asked of models that can shorten their vectors.

        query_prompt, passage_prompt: put before queries, and before everything else, for models that want instructions.
        batch_texts, batch_chars: the most one request carries; a longer text goes alone.
        connection: timeout, max_retries, sleep, jitter of ``OpenAIConnection``. Raises ConfigError.
        """
        self.connection = OpenAIConnection(model, base_url=base_url, api_key=api_key, **connection)
        self.model = model
        self.query_prompt = query_prompt
        self.passage_prompt = passage_prompt
        self.batch_texts = batch_texts
        self.batch_chars = batch_chars
        self._options: dict[str, Any] = {} if dimensions is None else {"dimensions": dimensions}
        self._dimension = dimensions
        self._identity: EmbedderIdentity | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> EmbedderIdentity:
        """Name, dimension and the probe vector; the first time it costs one request. Raises ModelError."""
        with self._lock:
            if self._identity is None:
                probe = self.embed([PROBE_TEXT])[0]
                self._identity = EmbedderIdentity(self.model, len(probe), probe=tuple(map(float, probe)))
            return self._identity

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed *texts*: (len(texts), dimension) float32, unit rows. Equal texts are sent once.

        progress: called after each request with its number of texts. Raises ModelError.
        """
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts, not one text; pass [text]")
        if not texts:
            return np.empty((0, self._dimension or self.identity.dimension), dtype=np.float32)
        prompt = self.query_prompt if role == "query" else self.passage_prompt
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            # Endpoints refuse an empty input, and half a surrogate pair cannot be sent.
            rows.setdefault((prompt + text).encode("utf-8", "replace").decode() or " ", []).append(row)
        vectors: NDArray[np.float32] | None = None
        for batch in self._batches(rows):
            answer = self._request(batch)
            if vectors is None:
                vectors = np.empty((len(texts), answer.shape[1]), dtype=np.float32)
            for text, vector in zip(batch, answer, strict=True):
                vectors[rows[text]] = vector
            if progress is not None:
                progress(sum(len(rows[text]) for text in batch))
        assert vectors is not None  # there is a text, so there was a batch
        return vectors

    def _batches(self, texts: Iterable[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        chars = 0
        for text in texts:
            if batch and (len(batch) == self.batch_texts or chars + len(text) > self.batch_chars):
                yield batch
                batch, chars = [], 0
            batch.append(text)
            chars += len(text)
        yield batch

    def _request(self, batch: list[str]) -> NDArray[np.float32]:
        """One request, checked: (len(batch), dimension) float32, unit rows, in the batch's order."""
        # Naming the format keeps the client from decoding: it does not survive answers of the wrong shape.
        answer = self.connection.call(
            lambda client: client.embeddings.create(
                model=self.model, input=batch, encoding_format="base64", **self._options
            )
        )
        data = plain(answer, "data")
        if not isinstance(data, list) or len(data) != len(batch):
            count = len(data) if isinstance(data, list) else "no"
            raise self._bad(f"{count} vectors for {len(batch)} texts")
        # As text, since a server may send anything.
        by_index = {str(plain(item, "index")): plain(item, "embedding") for item in data}
        expected = [str(index) for index in range(len(batch))]
        if set(by_index) != set(expected):
            raise self._bad(f"vectors numbered {sorted(by_index)[:5]}, not 0 to {len(batch) - 1}")
        try:
            vectors = np.array([_decode(by_index[index]) for index in expected], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self._bad("vectors of unequal length, or not of numbers") from error
        if vectors.ndim != 2 or vectors.shape[1] == 0:
            raise self._bad("vectors that are not lists of numbers")
        if self._dimension not in (None, vectors.shape[1]):
            raise self._bad(f"{vectors.shape[1]} dimensions where {self._dimension} were expected")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self._bad("a vector that is zero or not finite")
        self._dimension = vectors.shape[1]
        unit: NDArray[np.float32] = (vectors / norms).astype(np.float32)
        return unit

    def _bad(self, what: str) -> ModelOutputError:
        return ModelOutputError(
            f"embedding model {self.model!r} at {self.connection.endpoint} answered {what}; is it an embedding model?"
        )

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def __enter__(self) -> EndpointEmbedder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _decode(embedding: object) -> Any:
    """A vector as it was sent: base64 of little-endian float32, or, from servers that know no base64, a list."""
    return np.frombuffer(base64.b64decode(embedding), dtype="<f4") if isinstance(embedding, str) else embedding
