"""One namespace of an open store, as searches see it: up to date whenever they ask."""

from __future__ import annotations

from hippomem.arrays.keeping import PictureKeeper
from hippomem.arrays.picture import Picture
from hippomem.retrieve.index import NamespaceIndex, load_index
from hippomem.store import Store


class OpenNamespace:
    """Gives the picture that the default retriever reads, and the whole index that all others do."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store, self._namespace = store, namespace
        self._keeper = PictureKeeper(store, namespace)
        self._index: NamespaceIndex | None = None

    @property
    def picture(self) -> Picture:
        """The namespace as arrays that follow each change by what changed."""
        return self._keeper.current()

    @property
    def index(self) -> NamespaceIndex:
        """The namespace read whole; read again after each change."""
        key = self._store.namespace_key(self._namespace)
        generation = -1 if key is None else self._store.generation(key)
        if self._index is None or self._index.generation != generation:
            self._index = load_index(self._store, self._namespace)
        return self._index

    def close(self) -> None:
        """Let go of files and threads."""
        self._keeper.close()
