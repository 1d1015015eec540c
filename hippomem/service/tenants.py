"""One store, many namespaces, many threads.

Each namespace in use has two memories over connections of their own: one is searched, the other written to, so that a search
does not wait for the encoder of an addition. Searches of a namespace come one after the other, first come, first served, but
their queries are encoded before that: while one search ranks, others are encoded. Writers of one process stand in one queue;
those of several processes wait for SQLite's lock. What several threads add while another addition is written goes into the
store together.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hippomem.errors import InputError, NotFoundError
from hippomem.memory import Memory
from hippomem.models.load import load_embedder
from hippomem.models.query_cache import QueryCache, with_query_cache
from hippomem.service.line import Line
from hippomem.store import IN_MEMORY, Store
from hippomem.store.filters import anything_expired
from hippomem.store.leaving import remove_log
from hippomem.types import AddReport, Document

if TYPE_CHECKING:
    from hippomem.models.embedder import Embedder
    from indexing.extract import TripleExtractor
    from indexing.pipeline import Progress

#: Documents that are written together, at most: so long others wait for their acknowledgement. From about twenty on the
#: encoder would take them for a bulk, which takes all cores from searches; sixteen cost no more a text than 256 do.
_TOGETHER = 16
#: Longest name of a namespace, in characters.
NAMESPACE_CHARACTERS = 200
#: Queries of a namespace whose vectors are kept, as `Memory` keeps them. Each has its own: how long a query takes must not
#: tell one tenant what another asked.
_QUERIES_KEPT = 256


@dataclass(eq=False)
class _Addition:
    """Documents of one caller that wait to be written.

    leads: its thread writes what waits.    turn: set when it is to lead, or when ``report`` or ``error`` is there.
    """

    documents: Sequence[Document]
    leads: bool = False
    turn: threading.Event = field(default_factory=threading.Event)
    report: AddReport | None = None
    error: BaseException | None = None


@dataclass
class _Open:
    """The memories of one namespace.

    queries: the encoder of the reader.    line: of those that want to use it.    users: callers that hold a memory.
    waiting: additions, in the order that they came.    is_led: one of their threads writes, or stands in the queue for it.
    """

    reader: Memory
    queries: QueryCache
    line: Line = field(default_factory=Line)
    writer: Memory | None = None
    users: int = 0
    waiting: list[_Addition] = field(default_factory=list)
    is_led: bool = False


class Tenants:
    """One store, served to many callers: memories for each namespace in use, one embedder, writers in one queue.

    path: the store's file.    embedder, extractor, freshness: as for `Memory`.
    create: False raises StoreMissingError when there is no file.
    open_at_most: namespaces kept open; those that were not used for longest are closed.
    spread: let the encoder of a call that is alone use all cores; False where other processes serve the store as well.
    Thread-safe. Raises as `Memory` does.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        embedder: str | Embedder | None = None,
        create: bool = True,
        freshness: bool = True,
        extractor: str | TripleExtractor = "builtin",
        open_at_most: int = 64,
        spread: bool = True,
    ) -> None:
        if str(path) == IN_MEMORY:
            raise InputError("a store in memory cannot be served: each connection would have its own; give a file.")
        self._embedder = load_embedder(embedder)
        # A single call may spread over all cores; calls that come together are done sooner with one each.
        self._beside: Callable[[], AbstractContextManager[None]] = getattr(self._embedder, "beside", nullcontext)
        self._inside, self._spread = 0, spread
        self.store = Store.open(path, create=create)
        try:
            self.store.check_embedder(self._embedder.identity)
        except BaseException:
            self.store.close()
            raise
        self._memory = partial(Memory, path, freshness=freshness, extractor=extractor)
        self._open_at_most = open_at_most
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._lock = threading.Lock()
        self._writing = Line()

    def warm(self) -> None:
        """Have compiled what searches run, so that the first caller does not wait for it: seconds, once on a machine.

        A few memories apart from the store are searched: two passages that share a name, two turns of a session.
        """
        with Memory(embedder=self._embedder) as small:
            small.add_many(
                [
                    Document("Gull Rock was mapped by Ada Byron in 1840.", title="Gull Rock"),
                    Document("Ada Byron kept a grey cat. She fed it in Gull Rock.", title="Ada Byron"),
                    Document("Who mapped it?", session="s", position=0, speaker="Bob", occurred_at="2026-01-01"),
                    Document("Ada Byron did.", session="s", position=1, speaker="Ada", occurred_at="2026-01-01"),
                ]
            )
            small.search("Which cat was kept by who mapped Gull Rock?")

    def namespaces(self) -> list[str]:
        """Names of all namespaces, sorted."""
        with self.store.reading():
            return self.store.namespaces()

    def exists(self, namespace: str) -> bool:
        """Whether anything was ever stored in the namespace and not forgotten as a whole."""
        with self.store.reading():
            return self.store.namespace_key(_checked(namespace)) is not None

    @contextmanager
    def reading(self, namespace: str, *queries: str) -> Iterator[Memory]:
        """The memory of a namespace, for calls that change nothing; one thread at a time, first come, first served.

        queries: what will be searched for, encoded before it is this thread's turn.
        Raises NotFoundError when there is no such namespace, ModelError.
        """
        if not self.exists(namespace):
            raise NotFoundError(f"there is no namespace '{namespace}'; adding to it makes it.")
        asked = [query for query in queries if query.strip()]  # searching says what is wrong with the others
        with self._held(namespace) as opened, opened.queries.ahead(*asked), opened.line:
            yield opened.reader

    @contextmanager
    def writing(self, namespace: str) -> Iterator[Memory]:
        """The memory of a namespace, for calls that change it; other writers of this process wait. Adding makes it."""
        with self._held(_checked(namespace)) as opened, self._writing:
            yield self._writer(namespace, opened)

    def add(self, namespace: str, documents: Sequence[Document], *, progress: Progress | None = None) -> AddReport:
        """Remember documents; returns when they are safe. What other threads add meanwhile is written together with them.

        All or none of the documents of one call are stored, as long as there are no more than 2,000.
        Raises as `Memory.add_many`.
        """
        with self._held(_checked(namespace)) as opened:
            if progress is not None or len(documents) > _TOGETHER:
                with self._writing:
                    return self._writer(namespace, opened).add_many(documents, progress=progress)
            return self._add_with_others(namespace, opened, _Addition(documents))

    def _add_with_others(self, namespace: str, opened: _Open, mine: _Addition) -> AddReport:
        """One thread stands in the writers' queue for all that wait; who is written for has nothing more to wait for."""
        with self._lock:
            opened.waiting.append(mine)
            mine.leads, opened.is_led = not opened.is_led, True
        try:
            if not mine.leads:
                mine.turn.wait()
            if mine.leads:
                with self._writing:
                    self._write_waiting(self._writer(namespace, opened), opened)
        finally:
            with self._lock:
                if mine in opened.waiting:  # interrupted
                    opened.waiting.remove(mine)
                if mine.leads:
                    self._let_lead(opened)
        if mine.error is not None:
            raise mine.error
        assert mine.report is not None
        return mine.report

    @staticmethod
    def _let_lead(opened: _Open) -> None:
        """The first that waits, if there is one."""
        opened.is_led = bool(opened.waiting)
        for following in opened.waiting[:1]:
            following.leads = True
            following.turn.set()

    def _write_waiting(self, writer: Memory, opened: _Open) -> None:
        """Write the first that wait, together."""
        with self._lock:
            together: list[_Addition] = []
            size = 0
            while opened.waiting and (not together or size + len(opened.waiting[0].documents) <= _TOGETHER):
                together.append(opened.waiting.pop(0))
                size += len(together[-1].documents)
        try:
            _write(writer, together)
        except BaseException:  # interrupted: others do what is left
            with self._lock:
                opened.waiting[:0] = [each for each in together if not each.turn.is_set()]
            raise

    def expire(self) -> int:
        """Forget what has expired, in all namespaces; returns how many memories that were."""
        forgotten, now = 0, time.time()
        with self.store.reading() as db:
            # Only these are opened: servers ask every few seconds, and a store may have thousands of namespaces.
            keys = {name: self.store.namespace_key(name) for name in self.store.namespaces()}
            due = [name for name, key in keys.items() if key is not None and anything_expired(db, key, now)]
        for namespace in due:
            with self.writing(namespace) as memory:
                forgotten += memory.expire()
        return forgotten

    # -- opening and closing ------------------------------------------------------------------------------------------

    @contextmanager
    def _held(self, namespace: str) -> Iterator[_Open]:
        """The memories of a namespace, which stay open as long as somebody is inside."""
        with self._lock:
            opened = self._open.get(namespace)
            if opened is None:
                opened = self._open[namespace] = self._opened(namespace)
            opened.users += 1
            self._inside += 1
            alone = self._spread and self._inside == 1
            self._open.move_to_end(namespace)
            closing = self._unused()
        for each in closing:
            _close(each)
        try:
            with nullcontext() if alone else self._beside():
                yield opened
        finally:
            with self._lock:
                opened.users -= 1
                self._inside -= 1

    def _opened(self, namespace: str) -> _Open:
        queries = with_query_cache(self._embedder, _QUERIES_KEPT)
        assert isinstance(queries, QueryCache)
        return _Open(self._memory(namespace=namespace, embedder=queries, query_cache=0), queries)

    def _unused(self) -> list[_Open]:
        """Take those out that were not used for longest, as long as there are too many."""
        taken = []
        for name in [name for name, each in self._open.items() if each.users == 0]:
            if len(self._open) <= self._open_at_most:
                break
            taken.append(self._open.pop(name))
        return taken

    def _writer(self, namespace: str, opened: _Open) -> Memory:
        if opened.writer is None:
            opened.writer = self._memory(namespace=namespace, embedder=self._embedder)
        return opened.writer

    def close(self) -> None:
        """Close all memories and the store, when the writer at work is done; the last process leaves the one file alone."""
        with self._writing, self._lock:
            for each in self._open.values():
                _close(each)
            self._open.clear()
            self.store.close()
            remove_log(self.store.path)  # the workers of a server are told to stop at one moment

    def __enter__(self) -> Tenants:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _write(writer: Memory, together: Sequence[_Addition]) -> None:
    """Write additions together, or one by one when that fails, so that each caller gets his own error."""
    try:
        reports = _split(writer.add_many([d for each in together for d in each.documents]), together)
    except Exception as error:
        if len(together) > 1:
            for each in together:
                _write(writer, [each])
        else:
            together[0].error = error
            together[0].turn.set()
    else:
        for each, report in zip(together, reports, strict=True):
            each.report = report
            each.turn.set()


def _split(report: AddReport, together: Sequence[_Addition]) -> list[AddReport]:
    """One report for each of the additions that were written together; times are those of all."""
    if len(together) == 1:
        return [report]
    made, start = [], 0
    for each in together:
        stop = start + len(each.documents)
        states = report.new[start:stop]
        added = sum(states)
        made.append(
            AddReport(
                memory_ids=report.memory_ids[start:stop],
                added=added,
                duplicates=len(states) - added,
                failed=0,
                seconds=report.seconds,
                new=states,
            )
        )
        start = stop
    return made


def _close(opened: _Open) -> None:
    opened.reader.close()
    if opened.writer is not None:
        opened.writer.close()


def _checked(namespace: str) -> str:
    """Raises InputError for a name that no namespace can have."""
    if not isinstance(namespace, str) or not namespace.strip():
        raise InputError("the namespace is empty; give it a name or leave it out for 'default'.")
    if len(namespace) > NAMESPACE_CHARACTERS or not namespace.isprintable():
        raise InputError(f"a namespace is named by at most {NAMESPACE_CHARACTERS} printable characters.")
    return namespace
