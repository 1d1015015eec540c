"""What is told of a content when it is added, as a document; see `hippomem.types.Telling`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hippomem.errors import InputError
from hippomem.text.dates import iso_of, moment, require_date, stamped
from hippomem.types import Document, Kind
from indexing.validation import check_document


def document_like(
    now: float,
    *,
    kind_of: Kind,
    title: str = "",
    source_id: str | None = None,
    kind: Kind | None = None,
    occurred_at: str | datetime | None = None,
    user: str | None = None,
    agent: str | None = None,
    session: str | None = None,
    speaker: str | None = None,
    position: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    supersedes: str | Sequence[str] = (),
    ttl: float | timedelta | None = None,
    expires_at: str | datetime | None = None,
) -> Document:
    """A document without its text. now: seconds since 1970.    kind_of: the kind where none is told. Raises InputError."""
    return Document(
        text="",
        title=title,
        source_id=source_id,
        kind=kind or kind_of,
        occurred_at=None if occurred_at is None else require_date(iso(occurred_at)),
        user=user,
        agent=agent,
        session=session,
        speaker=speaker,
        position=position,
        metadata=metadata or {},
        expires_at=expiry(now, ttl, expires_at),
        supersedes=(supersedes,) if isinstance(supersedes, str) else tuple(supersedes),
    )


def dated(document: Document) -> Document:
    """The document with the time that its text opens with, where it has none; checked. Raises EmptyTextError, InputError."""
    document = replace(document, occurred_at=document.occurred_at or stamped(document.text))
    check_document(document)
    return document


def expiry(now: float, ttl: float | timedelta | None, expires_at: str | datetime | None) -> str | None:
    """From when on something is forgotten, ISO 8601; None for never. Raises InputError for a time that is over."""
    if ttl is not None and expires_at is not None:
        raise InputError("both ttl and expires_at were given; give one of them.")
    if expires_at is not None:
        until = require_date(iso(expires_at))
    elif ttl is not None:
        seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else float(ttl)
        if seconds == math.inf:
            return None
        try:
            until = iso_of(now + seconds)
        except (OverflowError, ValueError) as error:
            raise InputError(f"ttl={ttl} reaches beyond the year 9999; leave it out for never.") from error
    else:
        return None
    if moment(until) <= now:
        raise InputError(f"the memory would expire at {until}, which is over; give a later time.")
    return until


def iso(time: str | datetime) -> str:
    """A time as text."""
    return time.isoformat(timespec="seconds") if isinstance(time, datetime) else time
