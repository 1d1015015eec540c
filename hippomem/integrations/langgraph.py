"""LangGraph: a store for agents' long-term memory, searched through the graph.

from hippomem import Memory
from hippomem.integrations.langgraph import HippoStore

store = HippoStore(Memory("agent.hippo"), fields=["text"])
graph = builder.compile(store=store)
store.put(("memories", "anna"), "m1", {"text": "Anna works at Gull Rock Observatory."})
store.search(("memories",), query="Where does Anna work?")[0].score
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hippomem.errors import InputError, NotFoundError
from hippomem.integrations._common import missing
from hippomem.integrations._langgraph_items import (
    ROOT,
    StoredItem,
    fits,
    from_record,
    from_source,
    item_id,
    memory_text,
    passes,
    readable,
    to_metadata,
    told,
    under,
    write_value,
)
from hippomem.integrations._sweeper import Sweeper
from hippomem.memory import Memory
from hippomem.types import Document

try:
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
        get_text_at_path,
    )
except ModuleNotFoundError as error:
    raise missing("LangGraph", "langgraph") from error


class HippoStore(BaseStore):
    """A LangGraph ``BaseStore`` in one namespace of a memory; LangGraph's own namespaces are tuples within it.

    Each item is one memory; what else is in the memory is neither seen nor changed. Putting a key again replaces its value and
    keeps ``created_at``; values come back exactly as JSON has them. Reads of a batch see what was before it, its writes follow.

    memory: where items are kept; it stays the caller's, to be closed after the store.
    fields: paths of the parts of a value by which queries find an item (``"text"``, ``"a.b"``, ``"messages[*].content"``, and
    "$" for everything that can be read); ``put(…, index=[…])`` overrides it, ``index=False`` keeps an item from all queries.
    ttl: LangGraph's ``TTLConfig``, in minutes. An expired item is never returned, whatever ``omit_expired`` says; its text is
    erased by the next `sweep_ttl`, or put of a new key.    now: the clock, seconds since 1970; the memory's should be the same.

    A search with a query ranks through the graph, within the prefix and filter alone; scores compare within one result. One
    without lists items as ``InMemoryStore`` does: namespace by namespace, oldest first. It, a filter, and `list_namespaces` read
    every item under the prefix. Filters compare numbers, or texts where the operand is no number.
    Raises InputError, ModelError, RetrievalError, StoreError; namespaces that LangGraph forbids raise its InvalidNamespaceError.
    """

    supports_ttl = True

    def __init__(
        self,
        memory: Memory,
        *,
        fields: Sequence[str] = ("$",),
        ttl: TTLConfig | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.memory = memory
        self._clock = now
        self.ttl_config = ttl
        self._fields = tuple(fields)
        self._writing = threading.RLock()
        self._last = datetime.min.replace(tzinfo=UTC)
        self._sweeper: Sweeper | None = None

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations; results in their order."""
        results: list[Result] = []
        puts: dict[tuple[tuple[str, ...], str], PutOp] = {}
        for op in ops:
            if isinstance(op, GetOp):
                results.append(self._get(op))
            elif isinstance(op, SearchOp):
                results.append(self._search(op))
            elif isinstance(op, ListNamespacesOp):
                results.append(self._list_namespaces(op))
            elif isinstance(op, PutOp):
                puts[op.namespace, op.key] = op
                results.append(None)
            else:
                raise InputError(f"there is no store operation {type(op).__name__}.")
        with self._writing:
            self._put(puts.values())
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """`batch`, in a thread: neither the encoder nor the disk holds up the loop."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _get(self, op: GetOp) -> Item | None:
        found = self._find(item_id(op.namespace, op.key))
        if not found:
            return None
        item = found[0]
        self._refresh([item] if op.refresh_ttl else [])
        return Item(
            value=json.loads(item.value),
            key=item.key,
            namespace=item.namespace,
            created_at=item.created_at,
            updated_at=item.updated_at,
        )

    def _search(self, op: SearchOp) -> list[SearchItem]:
        found: list[tuple[StoredItem, float | None]]
        if op.query and op.query.strip():
            found = [*self._ranked(op, op.query)]
        else:
            found = [(item, None) for item in self._listed(op)]
        found = found[op.offset : op.offset + op.limit]
        self._refresh([item for item, _ in found] if op.refresh_ttl else [])
        return [
            SearchItem(
                namespace=item.namespace,
                key=item.key,
                value=json.loads(item.value),
                created_at=item.created_at,
                updated_at=item.updated_at,
                score=score,
            )
            for item, score in found
        ]

    def _listed(self, op: SearchOp) -> list[StoredItem]:
        """All items under the prefix that pass the filter: namespaces by their oldest item, items oldest first."""
        items = sorted(self._items(op.namespace_prefix), key=lambda item: item.order)
        places: dict[tuple[str, ...], int] = {}
        for item in items:
            places.setdefault(item.namespace, len(places))
        items.sort(key=lambda item: places[item.namespace])
        return [item for item in items if passes(json.loads(item.value), op.filter)]

    def _ranked(self, op: SearchOp, query: str) -> list[tuple[StoredItem, float]]:
        """At least the first offset + limit items with their scores, each once, however many of its passages are found."""
        metadata = {**under(op.namespace_prefix, op.filter), f"{ROOT}.indexed": True}
        wanted = k = op.offset + op.limit
        while k > 0:
            result = self.memory.search(query, k=k, explain=False, metadata=metadata)
            found: dict[str, tuple[StoredItem, float]] = {}
            for hit in result:
                item = from_source(hit.memory_id, hit.sources[0])
                if passes(json.loads(item.value), op.filter):
                    found.setdefault(item.item_id, (item, hit.score))
            if len(found) >= wanted or len(result) < k:
                return list(found.values())
            k *= 2
        return []

    def _list_namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        conditions = op.match_conditions or ()
        there = {item.namespace for item in self._items(())}
        fitting = {name for name in there if all(fits(name, each.match_type, each.path) for each in conditions)}
        return sorted({name[: op.max_depth] for name in fitting})[op.offset : op.offset + op.limit]

    def _items(self, prefix: Sequence[str]) -> Iterator[StoredItem]:
        for record in self.memory.list(metadata=under(prefix)):
            item = from_record(record)
            if item is not None:
                yield item

    def _find(self, identity: str) -> list[StoredItem]:
        """The item of that id, newest first where two processes put the same new key at once: the later one counts."""
        try:
            records = [self.memory.get(identity)]
        except NotFoundError:
            return []
        except InputError:
            records = [*self.memory.list(metadata={f"{ROOT}.id": identity})]
        items = [item for item in map(from_record, records) if item is not None]
        return sorted(items, key=lambda item: item.updated_at, reverse=True)

    def _put(self, puts: Iterable[PutOp]) -> None:
        """Delete, replace, and then add what is new, together."""
        new: list[Document] = []
        for op in puts:
            identity = item_id(op.namespace, op.key)
            there = self._find(identity)
            # A time to live cannot be taken off a memory: then it is made anew.
            kept = there[0] if there and op.value is not None and (there[0].ttl is None or op.ttl is not None) else None
            made = None if op.value is None else self._made(op, identity, there[0] if there else None)
            gone = [item.memory_id for item in there if item is not kept]
            if gone:
                self.memory.forget(*gone)
            if made is None:
                continue
            text, metadata = memory_text(self._texts(op), identity), to_metadata(made)
            if kept is not None:
                self.memory.update(
                    kept.memory_id, text, metadata=metadata, ttl=_seconds(op.ttl), keep_history=False
                )
            else:
                expires_at = _expiry(op.ttl, made.updated_at)
                new.append(Document(text=text, source_id=identity, metadata=metadata, expires_at=expires_at))
        if new:
            self.memory.add_many(new)

    def _made(self, op: PutOp, identity: str, old: StoredItem | None) -> StoredItem:
        """What is to be kept; ``indexed`` says whether queries may find it."""
        assert op.value is not None
        now = self._now()
        return StoredItem(
            memory_id="" if old is None else old.memory_id,
            item_id=identity,
            namespace=tuple(op.namespace),
            key=op.key,
            value=write_value(op.value, identity),
            created_at=now if old is None else old.created_at,
            updated_at=now,
            ttl=op.ttl,
            indexed=bool(self._texts(op)),
        )

    def _texts(self, op: PutOp) -> list[str]:
        """The parts of a value that it is found by; none if no query may find it."""
        if op.value is None or op.index is False:
            return []
        paths = self._fields if op.index is None else op.index
        found = (told(op.value) if path == "$" else get_text_at_path(op.value, path) for path in paths)
        return [text for texts in found for text in map(readable, texts) if text]

    def _now(self) -> datetime:
        """The time, later than any it gave before: items keep the order in which they were put."""
        self._last = max(datetime.fromtimestamp(self._clock(), UTC), self._last + timedelta(microseconds=1))
        return self._last

    def _refresh(self, items: Iterable[StoredItem]) -> None:
        """Let items that expire live for their whole time again."""
        for item in items:
            if item.ttl is not None:
                with suppress(NotFoundError):  # deleted meanwhile
                    self.memory.update(item.memory_id, ttl=_seconds(item.ttl))

    def sweep_ttl(self) -> int:
        """Erase what has expired, in this namespace of the memory; returns how many."""
        return self.memory.expire()

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> None:
        """Call `sweep_ttl` in a thread, every so many minutes (by default as the ``ttl`` settings say, else 5)."""
        minutes = sweep_interval_minutes or (self.ttl_config or {}).get("sweep_interval_minutes") or 5
        if self._sweeper is None:
            self._sweeper = Sweeper(self.sweep_ttl, minutes * 60)

    def stop_ttl_sweeper(self) -> None:
        """End that thread, once it has finished what it is at."""
        if self._sweeper is not None:
            self._sweeper.stop()
            self._sweeper = None


def _expiry(minutes: float | None, now: datetime) -> str | None:
    """From when on an item is forgotten, ISO 8601. Raises InputError for a time to live that is none."""
    if minutes is None:
        return None
    try:
        if minutes > 0:
            return (now + timedelta(minutes=minutes)).isoformat()
    except OverflowError:
        pass
    raise InputError(f"ttl={minutes} is no time to live; give minutes above 0 that end before the year 9999, or None.")


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else minutes * 60
