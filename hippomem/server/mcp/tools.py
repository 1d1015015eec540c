"""What the tools do. Each is a plain function that blocks; the server runs it in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from hippomem.errors import NotFoundError
from hippomem.memory.recall import CHANGED, count_tokens
from hippomem.memory.telling import document_like
from hippomem.server.mcp import arguments as takes
from hippomem.server.mcp import telling
from hippomem.server.mcp.outputs import Forgotten, Page, Recalled, Remembered
from hippomem.types import MemoryRecord, Recall, SearchResult, Where

if TYPE_CHECKING:
    from hippomem.memory import Memory
    from hippomem.server.mcp.reach import Reach, Right
    from hippomem.service.tenants import Tenants

#: Tokens of an id and of the words around it, and of the other words below a block.
_ID, _BELOW = 26, 20
#: Called with (what, done, total); total 0 means not known yet.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool works on beside its arguments."""

    tenants: Tenants
    reach: Reach
    progress: Progress

    def namespace(self, given: str | None, right: Right) -> str:
        """The namespace meant. Raises ForbiddenError, InputError."""
        return self.reach.namespace(given, right)

    @contextmanager
    def reading(self, given: str | None) -> Iterator[Memory | None]:
        """The memory meant; None for a namespace that nobody named and that holds nothing yet: that is no mistake."""
        name = self.namespace(given, "read")
        if given is None and not self.tenants.exists(name):
            yield None
            return
        with self.tenants.reading(name) as memory:
            yield memory

    def where(self, given: takes.Chosen) -> dict[str, Any]:
        """The filters, the settled user among them."""
        return given.where() | ({} if self.reach.user is None else {"user": self.reach.user})

    def own(self, memory: Memory, memory_id: str) -> MemoryRecord:
        """A memory by id, if it is of the settled user. Raises NotFoundError, in the same words for another's."""
        try:
            record = self.seen(memory.get(memory_id))
        except NotFoundError as error:
            raise no_memory(memory_id) from error
        if not record.sources:
            raise no_memory(memory_id)
        return record

    def seen(self, record: MemoryRecord) -> MemoryRecord:
        """A memory without the sources of other users, where one is settled."""
        if self.reach.user is None:
            return record
        return replace(record, sources=tuple(s for s in record.sources if s.user == self.reach.user))


@dataclass(frozen=True, slots=True)
class Told:
    """A result: as data, and in words."""

    data: dict[str, Any]
    text: str


def no_memory(memory_id: str) -> NotFoundError:
    """There is none of that id."""
    return NotFoundError(f"no memory has the id '{memory_id}'; recall or browse show the ids there are.")


def recall(call: Call, given: takes.Recall) -> Told:
    """A block of passages that answer."""
    with call.reading(given.namespace) as memory:
        found = (
            Recall(given.query, "", 0)
            if memory is None
            else memory.recall(
                given.query,
                max_tokens=given.max_tokens - _BELOW,
                k=given.k,
                count_tokens=_with_id,
                **call.where(given),
            )
        )
    return Told(asdict(Recalled.of(found)), telling.recalled(found))


def _with_id(piece: str) -> int:
    """Tokens of a piece of a block; of the line of a passage, with those of its id, which stands below the block."""
    is_line = piece.startswith("[") and piece.endswith("\n")
    ids = 0 if not is_line else 2 if CHANGED in piece[:40] else 1
    return count_tokens(piece) + ids * _ID


def explain(call: Call, given: takes.Explain) -> Told:
    """Passages that answer, with their reasons."""
    with call.reading(given.namespace) as memory:
        if memory is None:
            found = SearchResult(given.query, "hippomem")
        else:
            found = memory.search(given.query, k=given.k, **call.where(given))
    return Told(found.to_dict(), telling.explained(found))


def browse(call: Call, given: takes.Browse) -> Told:
    """Memories that pass the filters, without a question."""
    where = call.where(given)
    with call.reading(given.namespace) as memory:
        if memory is None:
            records, total = [], 0
        else:
            total = memory.count(**where)
            records = list(
                memory.list(limit=given.limit + 1, after=given.after, newest_first=given.newest_first, **where)
            )
    shown = tuple(records[: given.limit])
    next_id = shown[-1].memory_id if len(records) > given.limit else None
    return Told(asdict(Page(shown, next_id, total)), telling.listed(shown, total, next_id))


def correct(call: Call, given: takes.Correct) -> Told:
    """A memory with something changed."""
    with call.tenants.writing(call.namespace(given.namespace, "write")) as memory:
        record = memory.update(
            call.own(memory, given.memory_id).memory_id,
            given.text,
            title=given.title,
            occurred_at=given.occurred_at,
            kind=given.kind,
            metadata=given.metadata,
        )
        record = call.seen(record)
    return Told(record.to_dict(), telling.corrected(record))


def forget(call: Call, given: takes.Forget) -> Told:
    """Memories by id, or those that pass the filters, gone for good."""
    with call.tenants.writing(call.namespace(given.namespace, "write")) as memory:
        if given.ids is None:
            count = memory.forget(**call.where(given))
        else:
            # Of a memory that others told too, a settled user forgets his own part.
            mine: Where = {} if call.reach.user is None else {"user": call.reach.user}
            count = memory.forget(*dict.fromkeys(call.own(memory, some_id).memory_id for some_id in given.ids), **mine)
    return Told(asdict(Forgotten(count)), telling.forgotten(count))


def remember(call: Call, given: takes.Remember) -> Told:
    """A text or the messages of a conversation, stored."""
    content = given.text if given.messages is None else [m.model_dump(exclude_none=True) for m in given.messages]
    assert content is not None, "the arguments are checked: there is one of both"
    with call.tenants.writing(call.namespace(given.namespace, "write")) as memory:
        like = document_like(
            time.time(),
            kind_of="semantic" if given.messages is None else "episodic",
            title=given.title,
            kind=given.kind,
            occurred_at=given.occurred_at,
            user=given.user if call.reach.user is None else call.reach.user,
            agent=given.agent,
            session=given.session,
            speaker=given.speaker,
            metadata=given.metadata,
            supersedes=[call.own(memory, some_id).memory_id for some_id in given.supersedes],
            ttl=given.ttl,
        )
        report = memory.add_many(memory.documents(content, like), progress=call.progress)
    return Told(asdict(Remembered.of(report)), telling.remembered(report))
