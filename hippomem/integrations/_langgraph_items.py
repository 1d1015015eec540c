"""All items of a memory: found, listed, ranked and written. Nothing here imports LangGraph."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hippomem.errors import InputError, NotFoundError
from hippomem.integrations._langgraph_filter import passes, under
from hippomem.integrations._langgraph_item import (
    ROOT,
    StoredItem,
    from_record,
    from_source,
    item_id,
    memory_text,
    to_metadata,
)
from hippomem.memory import Memory
from hippomem.types import Document


class Write(NamedTuple):
    """What is to become of a key. value: JSON, None to delete.    texts: what it is found by.    ttl: minutes."""

    namespace: tuple[str, ...]
    key: str
    value: str | None
    texts: Sequence[str] = ()
    ttl: float | None = None


class Items:
    """The items of a memory, in its one namespace. Thread-safe.    now: the clock, seconds since 1970."""

    def __init__(self, memory: Memory, now: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = now
        self._last = datetime.min.replace(tzinfo=UTC)
        self._writing = threading.Lock()

    def find(self, namespace: Sequence[str], key: str) -> StoredItem | None:
        """The item of that key."""
        return next(iter(self._with_id(item_id(namespace, key))), None)

    def listed(self, prefix: Sequence[str], filter: Mapping[str, Any] | None) -> list[StoredItem]:
        """All items under the prefix that pass the filter: namespaces by their oldest item, items oldest first."""
        items = sorted(self._under(prefix), key=lambda item: (item.created_at, item.item_id))
        places: dict[tuple[str, ...], int] = {}
        for item in items:
            places.setdefault(item.namespace, len(places))
        items.sort(key=lambda item: places[item.namespace])
        return [item for item in items if passes(json.loads(item.value), filter)]

    def ranked(
        self, query: str, prefix: Sequence[str], filter: Mapping[str, Any] | None, count: int
    ) -> list[tuple[StoredItem, float]]:
        """The best *count* items or more that pass, with their scores, each once however many of its passages are found."""
        metadata = {**under(prefix, filter), f"{ROOT}.indexed": True}
        k = count
        while k > 0:
            result = self._memory.search(query, k=k, explain=False, metadata=metadata)
            found: dict[str, tuple[StoredItem, float]] = {}
            for hit in result:
                item = from_source(hit.memory_id, hit.sources[0])
                if passes(json.loads(item.value), filter):
                    found.setdefault(item.item_id, (item, hit.score))
            if len(found) >= count or len(result) < k:
                return list(found.values())
            k *= 2
        return []

    def namespaces(self) -> set[tuple[str, ...]]:
        """The namespaces that hold an item."""
        return {item.namespace for item in self._under(())}

    def write(self, writes: Iterable[Write]) -> None:
        """Add together all that is new or changed, then forget together what it replaces and what is deleted.

        A process that is killed in between leaves both values: the later one is the item's, and the other goes with the next
        write to the key.
        """
        new: list[Document] = []
        gone: list[str] = []
        with self._writing:
            for write in writes:
                there = self._with_id(item_id(write.namespace, write.key))
                gone += [item.memory_id for item in there]
                if write.value is not None:
                    new.append(self._document(write, write.value, there))
            if new:
                self._memory.add_many(new)
            self._forget(gone)

    def _document(self, write: Write, value: str, there: Sequence[StoredItem]) -> Document:
        # Later than any time before: items keep the order in which they were put.
        self._last = max(datetime.fromtimestamp(self._clock(), UTC), self._last + timedelta(microseconds=1))
        item = StoredItem(
            memory_id="",
            item_id=item_id(write.namespace, write.key),
            namespace=write.namespace,
            key=write.key,
            value=value,
            created_at=there[0].created_at if there else self._last,
            updated_at=self._last,
            ttl=write.ttl,
            indexed=bool(write.texts),
        )
        return Document(
            text=memory_text(write.texts, item),
            source_id=item.item_id,
            metadata=to_metadata(item),
            expires_at=None if write.ttl is None else expiry(write.ttl, self._last),
        )

    def _forget(self, memory_ids: Sequence[str]) -> None:
        try:
            if memory_ids:
                self._memory.forget(*memory_ids)
        except NotFoundError:  # another process was faster with some of them
            for memory_id in memory_ids:
                with suppress(NotFoundError):
                    self._memory.forget(memory_id)

    def refresh(self, items: Iterable[StoredItem]) -> None:
        """Let items that expire live for their whole time again."""
        for item in items:
            if item.ttl is not None:
                with suppress(NotFoundError):  # deleted meanwhile
                    self._memory.update(item.memory_id, ttl=item.ttl * 60)

    def _under(self, prefix: Sequence[str]) -> Iterator[StoredItem]:
        for record in self._memory.list(metadata=under(prefix)):
            item = from_record(record)
            if item is not None:
                yield item

    def _with_id(self, identity: str) -> list[StoredItem]:
        """The item of that id; where two processes put the same new key at once several, of which the first counts."""
        try:
            records = [self._memory.get(identity)]
        except NotFoundError:
            return []
        except InputError:
            records = [*self._memory.list(metadata={f"{ROOT}.id": identity})]
        items = [item for item in map(from_record, records) if item is not None]
        return sorted(items, key=lambda item: item.updated_at, reverse=True)


def expiry(minutes: float, now: datetime) -> str:
    """From when on an item is forgotten, ISO 8601. Raises InputError for a time to live that is none."""
    try:
        if minutes > 0:
            return (now + timedelta(minutes=minutes)).isoformat()
    except OverflowError:
        pass
    raise InputError(f"ttl={minutes} is no time to live; give minutes above 0 that end before the year 9999, or None.")
