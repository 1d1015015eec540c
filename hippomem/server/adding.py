"""From the body of an add to documents in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hippomem.errors import InputError
from hippomem.memory.messages import document_of
from hippomem.server import requests
from hippomem.server.running import Running
from hippomem.store import memories
from hippomem.text.dates import moment, require_date, stamped
from hippomem.types import AddReport, Document
from indexing.pipeline import Progress
from indexing.validation import check_document

#: Fields of a request that a document has under the same name.
_SAME = ("title", "source_id", "user", "agent", "session", "speaker", "position")
_NOTHING = AddReport((), 0, 0, 0)


def adding(running: Running, body: requests.Add) -> Callable[[Progress | None], dict[str, Any]]:
    """What stores a request's texts when it is called, and says what became of them.

    All of them are checked here, before any is stored. Raises EmptyTextError, InputError.
    """
    is_chat = isinstance(body, requests.AddMessages)
    behind = isinstance(body, requests.AddMessages) and body.position is None and body.session is not None
    documents = turns(body) if isinstance(body, requests.AddMessages) else texts(body)
    for document in documents:
        check_document(document)

    def add(progress: Progress | None) -> dict[str, Any]:
        if not documents:
            report = _NOTHING
        elif is_chat:
            report = _add_turns(running, body.namespace, documents, progress, behind=behind)
        else:
            report = running.tenants.add(body.namespace, documents, progress=progress)
        running.metrics.added.inc(report.added)
        running.metrics.duplicates.inc(report.duplicates)
        return asdict(report)

    return add


def texts(body: requests.AddText | requests.AddMany) -> Sequence[Document]:
    """One document for each text, in order."""
    now = datetime.now(UTC)
    return [_text(each, now) for each in (body.memories if isinstance(body, requests.AddMany) else [body])]


def _text(new: requests.NewMemory, now: datetime) -> Document:
    return Document(
        text=new.text,
        kind=new.kind or "semantic",
        occurred_at=stamped(new.text) if new.occurred_at is None else require_date(new.occurred_at),
        metadata=new.metadata or {},
        expires_at=_expiry(new, now),
        supersedes=tuple(new.supersedes),
        **{name: getattr(new, name) for name in _SAME},
    )


def turns(body: requests.AddMessages) -> Sequence[Document]:
    """One document for each message that is kept, in order; their positions count from the body's, or from 0."""
    common = Document(
        text="",
        kind=body.kind or "episodic",
        occurred_at=None if body.occurred_at is None else require_date(body.occurred_at),
        user=body.user,
        agent=body.agent,
        session=body.session,
        metadata=body.metadata or {},
        expires_at=_expiry(body, datetime.now(UTC)),
    )
    kept: list[Document] = []
    has_places = body.session is not None or body.position is not None
    for message in body.messages:
        at = (body.position or 0) + len(kept) if has_places else None
        turn = document_of(message.model_dump(exclude_none=True), common, at)
        if turn is not None:
            kept.append(turn)
    return kept


def _add_turns(
    running: Running, namespace: str, turns: Sequence[Document], progress: Progress | None, *, behind: bool
) -> AddReport:
    """Store turns as one run. behind: behind those that their session has, which only a writer knows."""
    with running.tenants.writing(namespace) as memory:
        if behind:
            key = memory.store.namespace_key(namespace)
            first = memories.next_position(memory.store.db, key, turns[0].session or "")
            turns = [replace(turn, position=first + place) for place, turn in enumerate(turns)]
        return memory.add_many(turns, progress=progress)


def _expiry(body: requests.Remembered | requests.AddMessages, now: datetime) -> str | None:
    """From when on it is forgotten, ISO 8601. Raises InputError for a time that is over."""
    if body.ttl is not None:
        return (now + timedelta(seconds=body.ttl)).isoformat(timespec="microseconds")
    if body.expires_at is None:
        return None
    iso = require_date(body.expires_at)
    if moment(iso) <= now.timestamp():
        raise InputError(f"the memory would expire at {iso}, which is over; give a later time.")
    return iso
