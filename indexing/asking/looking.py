"""What a store has of a corpus that is not indexed yet; there may be no store, or no such namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hippomem.store import Store, readings
from hippomem.store.coming import Coming, Known, known
from hippomem.store.readings import Asked
from indexing.asking.ledger import text_of
from indexing.chunking import CHUNK_CHARACTERS
from indexing.extract import PassageText

_NOTHING = Known(is_stored=False, reading="", is_paid=False)


class Looking:
    """Looks into one namespace and changes nothing.

    store: None where there is none.    asked: whose answers count.    retry_failed: readings that failed are wanted again.
    """

    def __init__(self, store: Store | None, namespace: str, asked: Asked, *, retry_failed: bool) -> None:
        self._store, self._asked, self._retry_failed = store, asked, retry_failed
        self._key = None if store is None else store.namespace_key(namespace)

    def chunk_characters(self, chunk: bool | None) -> int | None:
        """The longest passage, as the store was made; in a new one as asked for (`Memory`)."""
        default = 0 if chunk is False else CHUNK_CHARACTERS
        size = default if self._store is None else self._store.setting("chunk_characters", default)
        return int(size) or None

    def known(self, coming: Sequence[Coming]) -> Sequence[Known]:
        """See `hippomem.store.coming.known`."""
        if self._store is None:
            return [_NOTHING] * len(coming)
        return known(self._store.db, self._key, coming, self._asked)

    def waiting(self) -> int:
        """Passages that any run with an LLM would ask about, whatever corpus it is given."""
        if self._store is None or self._key is None:
            return 0
        counts = readings.count(self._store.db, self._key)
        return counts.wanted + (counts.failed if self._retry_failed else 0)

    def texts(self, limit: int) -> list[PassageText]:
        """The first of the wanted ones."""
        if self._store is None or self._key is None:
            return []
        found = readings.next_wanted(self._store.db, self._key, limit=limit)
        return [text_of(each) for each in found]


@contextmanager
def looking_into(path: Path, namespace: str, asked: Asked, *, retry_failed: bool = False) -> Iterator[Looking]:
    """Look into the store at *path*, which need not be there. Raises StoreError."""
    if not path.exists():
        yield Looking(None, namespace, asked, retry_failed=retry_failed)
        return
    with Store.open(path, create=False) as store:
        yield Looking(store, namespace, asked, retry_failed=retry_failed)
