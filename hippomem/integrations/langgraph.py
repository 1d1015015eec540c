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
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from hippomem.errors import InputError
from hippomem.integrations._common import missing
from hippomem.integrations._langgraph_filter import fits
from hippomem.integrations._langgraph_item import StoredItem, readable, told, write_value
from hippomem.integrations._langgraph_items import Items, Write, expiry
from hippomem.integrations._sweeper import Sweeper
from hippomem.memory import Memory

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

    Each item is one memory; what else is in the memory is neither seen nor changed. Putting a key again replaces its value
    and keeps ``created_at``; values come back exactly as JSON has them. A batch reads first and writes then, as in
    ``InMemoryStore``, one key after the other.

    memory: where items are kept; it stays the caller's, to be closed after the store.
    fields: paths of the parts of a value by which queries find an item: "text", "a.b", "messages[*].content", or "$" for all
    that can be read. ``put(…, index=[…])`` overrides them, ``index=False`` keeps an item from all queries.
    ttl: LangGraph's ``TTLConfig``, in minutes. An expired item is never returned, whatever ``omit_expired`` says; its text
    is erased by the next `sweep_ttl` or put of a new key.    now: the clock, in seconds since 1970, of the memory too.

    A search with a query ranks through the graph and within the prefix; scores compare within one result. Of a filter,
    equality of texts is applied before anything is ranked, the rest to what was ranked, until enough pass. Without a query
    items come as in ``InMemoryStore``, namespace by namespace, oldest first; this reads every item under the prefix, and
    `list_namespaces` every item. Filters compare numbers, or texts where the operand is no number.
    Raises InputError, ModelError, RetrievalError, StoreError, and LangGraph's own InvalidNamespaceError.
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
        self.ttl_config = ttl
        self._items = Items(memory, now)
        self._fields = tuple(fields)
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
        self._items.write([self._write(op) for op in puts.values()])
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """`batch`, in a thread: neither the encoder nor the disk holds up the loop."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _get(self, op: GetOp) -> Item | None:
        item = self._items.find(op.namespace, op.key)
        if item is None:
            return None
        self._items.refresh([item] if op.refresh_ttl else [])
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
            found = [*self._items.ranked(op.query, op.namespace_prefix, op.filter, op.offset + op.limit)]
        else:
            found = [(item, None) for item in self._items.listed(op.namespace_prefix, op.filter)]
        found = found[op.offset : op.offset + op.limit]
        self._items.refresh([item for item, _ in found] if op.refresh_ttl else [])
        return [
            SearchItem(
                value=json.loads(item.value),
                key=item.key,
                namespace=item.namespace,
                created_at=item.created_at,
                updated_at=item.updated_at,
                score=score,
            )
            for item, score in found
        ]

    def _list_namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        conditions = op.match_conditions or ()
        there = self._items.namespaces()
        fitting = {name for name in there if all(fits(name, each.match_type, each.path) for each in conditions)}
        return sorted({name[: op.max_depth] for name in fitting})[op.offset : op.offset + op.limit]

    def _write(self, op: PutOp) -> Write:
        """What an operation asks for, checked."""
        namespace = tuple(op.namespace)
        if op.value is None:
            return Write(namespace, op.key, None)
        if op.ttl is not None:
            expiry(op.ttl, datetime.now(UTC))
        return Write(namespace, op.key, write_value(op.value, f"{namespace} {op.key!r}"), self._texts(op), op.ttl)

    def _texts(self, op: PutOp) -> list[str]:
        """The parts of a value that it is found by; none if no query may find it."""
        if op.value is None or op.index is False:
            return []
        paths = self._fields if op.index is None else op.index
        found = (told(op.value) if path == "$" else get_text_at_path(op.value, path) for path in paths)
        return [text for texts in found for text in map(readable, texts) if text]

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
