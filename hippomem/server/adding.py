"""From the body of an add to documents in the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from hippomem.memory.messages import turns
from hippomem.memory.telling import dated, document_like
from hippomem.server import requests
from hippomem.server.running import Running
from hippomem.store import sources
from hippomem.types import AddReport, Document, Kind, Telling
from indexing.pipeline import Progress

#: Fields of a request that say of a content what the library's `add` may be told of it.
_TOLD = set(Telling.__annotations__)
_NOTHING = AddReport((), 0, 0, 0)


def adding(running: Running, body: requests.Add) -> Callable[[Progress | None], dict[str, Any]]:
    """What stores a request's texts when it is called, and says what became of them.

    All of them are checked here, before any is stored. Raises EmptyTextError, InputError.
    """
    is_chat = isinstance(body, requests.AddMessages)
    behind = isinstance(body, requests.AddMessages) and body.position is None and body.session is not None
    documents = chat(body) if isinstance(body, requests.AddMessages) else texts(body)

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
    """One document for each text, in order; checked."""
    each = body.memories if isinstance(body, requests.AddMany) else [body]
    return [dated(replace(_like(new, "semantic"), text=new.text)) for new in each]


def chat(body: requests.AddMessages) -> Sequence[Document]:
    """One document for each message that is kept, in order; checked. Positions count from the body's, or from 0."""
    has_places = body.session is not None or body.position is not None
    messages = [message.model_dump(exclude_none=True) for message in body.messages]
    return turns(messages, _like(body, "episodic"), (body.position or 0) if has_places else None)


def _like(body: requests.Remembered | requests.AddMessages, kind_of: Kind) -> Document:
    """What is told of all that a body holds. Raises InputError."""
    told = body.model_dump(include=_TOLD, exclude_none=True)
    return document_like(time.time(), kind_of=kind_of, **told)


def _add_turns(
    running: Running, namespace: str, said: Sequence[Document], progress: Progress | None, *, behind: bool
) -> AddReport:
    """Store turns as one run. behind: behind those that their session has, which only a writer knows."""
    with running.tenants.writing(namespace) as memory:
        if behind:
            key = memory.store.namespace_key(namespace)
            first = sources.next_position(memory.store.db, key, said[0].session or "")
            said = [replace(turn, position=first + place) for place, turn in enumerate(said)]
        return memory.add_many(said, progress=progress)
