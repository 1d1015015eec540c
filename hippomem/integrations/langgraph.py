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
from collections.abc import Iterable, Iterator, Sequence
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
    to_metadata,
    told,
    under,
    write_value,
)
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
    erased by the next `sweep_ttl`.

    A search with a query ranks through the graph, within the prefix and filter alone; scores compare within one result. One
    without lists items as ``InMemoryStore`` does: namespace by namespace, oldest first. It, a filter, and `list_namespaces` read
    every item under the prefix. Filters compare numbers, or texts where the operand is no number.
    Raises InputError, ModelError, RetrievalError, StoreError; namespaces that LangGraph forbids raise its InvalidNamespaceError.
    """

    supports_ttl = True

    def __init__(self, memory: Memory, *, fields: Sequence[str] = ("$",), ttl: TTLConfig | None = None) -> None:
        self.memory = memory
        self.ttl_config = ttl
        self._fields = tuple(fields)
        self._writing = threading.RLock()
        self._last = datetime.min.replace(tzinfo=UTC)
        self._stop = threading.Event()
        self._sweeper: threading.Thread | None = None

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
        item = self._find(item_id(op.namespace, op.key))
        if item is None:
            return None
        self._refresh([item] if op.refresh_ttl else [])
        return Item(
            value=json.loads(item.value),
            key=item.key,
            namespace=item.namespace,
            created_at=item.created_at,
            updated_at=item.updated_at,
        )

    def _search(self, op: SearchOp) -> list[SearchItem]:
        scores: dict[str, float] = {}
        if op.query and op.query.strip():
            found = self._ranked(op, scores)
        else:
            found = self._listed(op)
        found = found[op.offset : op.offset + op.limit]
        self._refresh(found if op.refresh_ttl else [])
        return [
            SearchItem(
                namespace=item.namespace,
                key=item.key,
                value=json.loads(item.value),
                created_at=item.created_at,
                updated_at=item.updated_at,
                score=scores.get(item.item_id),
            )
            for item in found
        ]

    def _listed(self, op: SearchOp) -> list[StoredItem]:
        """All items under the prefix that pass the filter: namespaces by their oldest item, items oldest first."""
        items = sorted(self._items(op.namespace_prefix), key=lambda item: item.order)
        namespaces = {item.namespace: place for place, item in reversed([*enumerate(items)])}
        items.sort(key=lambda item: namespaces[item.namespace])
        return [item for item in items if passes(json.loads(item.value), op.filter)]

    def _ranked(self, op: SearchOp, scores: dict[str, float]) -> list[StoredItem]:
        """The first offset + limit items by score, each once, however many of its passages are found."""
        assert op.query is not None
        wanted = op.offset + op.limit
        metadata = {**under(op.namespace_prefix), f"{ROOT}.indexed": True}
        if op.filter:
            # Filtered by exactly LangGraph's rules, and before anything is ranked.
            metadata[f"{ROOT}.id"] = {"in": [item.item_id for item in self._listed(op)]}
            if not metadata[f"{ROOT}.id"]["in"]:
                return []
        k = wanted
        while k > 0:
            result = self.memory.search(op.query, k=k, explain=False, metadata=metadata)
            items: dict[str, StoredItem] = {}
            for hit in result:
                item = from_source(hit.memory_id, hit.sources[0])
                items.setdefault(item.item_id, item)
                scores.setdefault(item.item_id, hit.score)
            if len(items) >= wanted or len(result) < k:
                return list(items.values())
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

    def _find(self, identity: str) -> StoredItem | None:
        try:
            return from_record(self.memory.get(identity))
        except NotFoundError:
            return None

    def _put(self, puts: Iterable[PutOp]) -> None:
        """Delete, replace, and then add what is new, together."""
        new: list[Document] = []
        for op in puts:
            identity = item_id(op.namespace, op.key)
            old = self._find(identity)
            if op.value is None:
                self._forget(old)
                continue
            item = self._made(op, identity, old)
            text = memory_text(self._texts(op) if item.indexed else [], identity)
            if old is not None and (old.ttl is None or op.ttl is not None):
                self.memory.update(
                    old.memory_id, text, metadata=to_metadata(item), ttl=_seconds(op.ttl), keep_history=False
                )
                continue
            self._forget(old)  # a time to live cannot be taken off a memory
            expires = None if op.ttl is None else datetime.now(UTC) + timedelta(minutes=op.ttl)
            new.append(
                Document(
                    text=text,
                    source_id=identity,
                    metadata=to_metadata(item),
                    expires_at=None if expires is None else expires.isoformat(),
                )
            )
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
            indexed=op.index is not False and any(text.strip() for text in self._texts(op)),
        )

    def _texts(self, op: PutOp) -> list[str]:
        """The parts of a value that it is found by."""
        assert op.value is not None
        paths = self._fields if op.index is None or op.index is False else op.index
        return [text for path in paths for text in (told(op.value) if path == "$" else get_text_at_path(op.value, path))]

    def _now(self) -> datetime:
        """The time, later than any it gave before: items keep the order in which they were put."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last

    def _forget(self, item: StoredItem | None) -> None:
        if item is not None:
            self.memory.forget(item.memory_id)

    def _refresh(self, items: Iterable[StoredItem]) -> None:
        """Let items that expire live for their whole time again."""
        for item in items:
            if item.ttl is not None:
                with suppress(NotFoundError):  # deleted meanwhile
                    self.memory.update(item.memory_id, ttl=_seconds(item.ttl))

    def sweep_ttl(self) -> int:
        """Erase what has expired; returns how many items."""
        raise NotImplementedError

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> None:
        """Sweep in a thread until `stop_ttl_sweeper`: every so many minutes, by default as the ``ttl`` settings say, else 5."""
        if self._sweeper is not None:
            return
        minutes = sweep_interval_minutes or (self.ttl_config or {}).get("sweep_interval_minutes") or 5
        self._stop.clear()
        self._sweeper = threading.Thread(target=self._sweep_until_stopped, args=(minutes * 60,), daemon=True)
        self._sweeper.start()

    def stop_ttl_sweeper(self) -> None:
        """End the thread that `start_ttl_sweeper` began, once it has finished what it is at."""
        self._stop.set()
        if self._sweeper is not None:
            self._sweeper.join()
            self._sweeper = None

    def _sweep_until_stopped(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            try:
                self.sweep_ttl()
            except HippomemError:
                logger.exception("sweeping expired items failed; trying again in %s s", seconds)


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else minutes * 60
