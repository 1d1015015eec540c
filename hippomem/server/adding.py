"""From the body of an add to documents in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from hippomem.server import requests
from hippomem.server.running import Running
from hippomem.text.dates import require_date
from hippomem.types import Document
from indexing.pipeline import Progress
from indexing.validation import check_document

#: Fields of a request that a document has under the same name.
_SAME = ("title", "source_id", "user", "agent", "session", "speaker", "position")


def adding(running: Running, body: requests.Add) -> Callable[[Progress | None], dict[str, Any]]:
    """What stores a request's texts when it is called, and says what became of them.

    All of them are checked here, before any is stored. Raises EmptyTextError, InputError.
    """
    documents = documents_of(body)
    for document in documents:
        check_document(document)

    def add(progress: Progress | None) -> dict[str, Any]:
        report = running.tenants.add(body.namespace, documents, progress=progress)
        running.metrics.added.inc(report.added)
        running.metrics.duplicates.inc(report.duplicates)
        return asdict(report)

    return add


def documents_of(body: requests.Add) -> Sequence[Document]:
    """One document for each text, in order."""
    if isinstance(body, requests.AddMessages):
        raise NotImplementedError
    return [document_of(each) for each in (body.memories if isinstance(body, requests.AddMany) else [body])]


def document_of(new: requests.NewMemory) -> Document:
    """The document that a text and what is said about it make."""
    return Document(
        text=new.text,
        kind=new.kind or "semantic",
        occurred_at=None if new.occurred_at is None else require_date(new.occurred_at),
        metadata=new.metadata or {},
        expires_at=expiry(new.ttl, new.expires_at),
        supersedes=tuple(new.supersedes),
        **{name: getattr(new, name) for name in _SAME},
    )


def expiry(ttl: float | None, expires_at: str | None) -> str | None:
    """From when on something is forgotten, ISO 8601."""
    if ttl is not None:
        return (datetime.now(UTC) + timedelta(seconds=ttl)).isoformat(timespec="microseconds")
    return None if expires_at is None else require_date(expires_at)
