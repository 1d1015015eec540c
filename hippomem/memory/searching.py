"""The retrievers of one namespace: made when asked for, narrowed to what a filter lets pass, thrown away when stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hippomem.errors import ConfigError
from hippomem.retrieve import DEFAULT_RETRIEVER, make_retriever
from hippomem.retrieve.freshness import Freshness
from hippomem.retrieve.hippomem import HippoMem
from hippomem.retrieve.opening import OpenNamespace
from hippomem.retrieve.options import RetrieverOptions
from hippomem.retrieve.rerank import Reranked
from hippomem.store.filters import Filter, anything_expired, passages

if TYPE_CHECKING:
    from hippomem.arrays.picture import Picture
    from hippomem.models.embedder import Embedder
    from hippomem.retrieve.base import Retriever
    from hippomem.store import Store

#: Filters whose pictures are kept: those of the callers of the moment.
_FILTERS_KEPT = 16


class Searching:
    """What searches of one namespace share. One thread at a time.

    embedder: of queries.    options: models that searches ask besides.    now: the clock, in seconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        namespace: str,
        embedder: Embedder,
        *,
        options: RetrieverOptions,
        now: Callable[[], float],
    ) -> None:
        self._store, self._namespace, self._embedder = store, namespace, embedder
        self._options, self._now = options, now
        self._open = OpenNamespace(store, namespace)
        #: By name, with what it reads: another object means that the retriever is over an older one.
        self._retrievers: dict[str, tuple[object, Retriever]] = {}
        #: Pictures of what passes a filter, the oldest first.
        self._narrow: dict[object, Picture] = {}

    @property
    def picture(self) -> Picture:
        """The namespace as arrays, as it is now: made, when it is asked for, if the next search would have to."""
        return self._open.picture

    def retriever(self, name: str) -> Retriever:
        """The retriever of that name over the namespace as it is now. Raises ConfigError, EmbedderMismatchError."""
        reads = self._open.picture if name == DEFAULT_RETRIEVER else self._open.index
        known = self._retrievers.get(name)
        if known is None or known[0] is not reads:
            # Another process may have moved the store to another model: then everything is read anew.
            self._store.check_embedder(self._embedder.identity)
            made = make_retriever(name, self._store, self._open, self._embedder, options=self._options)
            self._retrievers[name] = known = reads, made
        return known[1]

    def through(self, name: str, allowed: Filter, *, fresh: bool) -> Retriever:
        """The retriever of that name over what passes. fresh: whether what is no longer so goes behind what says so.

        Only the default retriever knows filters and freshness. Raises ConfigError for a filter with another.
        """
        if name == DEFAULT_RETRIEVER:
            narrow = self.within(allowed, fresh=fresh)
            return narrow if self._options.reranker is None else Reranked(narrow, self._options.reranker)
        if not allowed.is_open:
            raise ConfigError(f"the retriever '{name}' takes no filter; leave it out or use '{DEFAULT_RETRIEVER}'.")
        return self.retriever(name)

    def within(self, allowed: Filter, *, fresh: bool) -> HippoMem:
        """The default retriever, without a reranker, over what passes."""
        found = self.retriever(DEFAULT_RETRIEVER)
        whole = found.base if isinstance(found, Reranked) else found
        assert isinstance(whole, HippoMem)
        namespace_key, now = self._store.namespace_key(self._namespace), self._now()
        if namespace_key is None:
            return whole
        freshness = Freshness(self._store, namespace_key, allowed, now) if fresh else None
        expired = anything_expired(self._store.db, namespace_key, now)
        if allowed.is_open and not expired:
            return whole.within(None, allowed, freshness)
        picture = whole.picture
        # While something has expired and is not forgotten yet, each moment may have another set of passages.
        key = allowed, now if expired else None, picture.sequence, self._store.generation(namespace_key)
        if key not in self._narrow:
            rows = passages(self._store.db, namespace_key, allowed, now)
            while len(self._narrow) >= _FILTERS_KEPT:
                del self._narrow[next(iter(self._narrow))]
            self._narrow[key] = picture.within(picture.mask_of(rows))
        return whole.within(self._narrow[key], allowed, freshness)

    def close(self) -> None:
        """Let go of files and threads."""
        self._open.close()
