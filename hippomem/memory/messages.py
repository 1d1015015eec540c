"""Messages of a chat as documents: who said what, when, in which turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hippomem.errors import InputError
from hippomem.memory.telling import dated, iso
from hippomem.text.dates import require_date
from hippomem.types import Document, Message

#: Roles whose messages are remembered. Instructions to a model and outputs of tools are nobody's memories.
REMEMBERED = ("user", "assistant")
_ROLES = (*REMEMBERED, "system", "developer", "tool", "function")
_TIMES = ("occurred_at", "timestamp", "created_at", "date")


def turns(messages: Sequence[Message], common: Document, position: int | None) -> list[Document]:
    """Documents of the messages that are kept, checked: all or none. position: of the first, in its session.

    Raises EmptyTextError, InputError.
    """
    if not isinstance(messages, Sequence):
        raise InputError(f"the content is a {type(messages).__name__}; give a text or a list of messages.")
    made: list[Document] = []
    for message in messages:
        turn = _document_of(message, common, None if position is None else position + len(made))
        if turn is not None:
            made.append(dated(turn))
    return made


def _document_of(message: Message, common: Document, position: int | None) -> Document | None:
    """One turn as a document; None for a role that is not remembered and for a message without text.

    common: what all messages share; its ``text`` is not looked at.    Raises InputError.
    """
    if not isinstance(message, Mapping):
        raise InputError(f"a message is a {type(message).__name__}; give objects with 'role' and 'content'.")
    role = message.get("role", "user")
    if role not in _ROLES:
        raise InputError(f"a message has the role {role!r}; choose one of {', '.join(_ROLES)}.")
    text = _text(message.get("content"))
    if role not in REMEMBERED or not text.strip():
        return None
    by_role = common.agent or "assistant" if role == "assistant" else common.speaker or common.user or "user"
    speaker = _string(message, "name") or by_role
    return replace(
        common,
        text=text,
        title=common.title or speaker,
        source_id=_string(message, "id") or common.source_id,
        occurred_at=_time(message) or common.occurred_at,
        speaker=speaker,
        position=position,
        metadata={**common.metadata, **_metadata(message)},
    )


def _text(content: object) -> str:
    """The text of a message's content: text, or the text parts of a list, as the OpenAI client has it."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise InputError(f"a message has a content that is a {type(content).__name__}; give a text or a list of parts.")
    parts = []
    for part in content:
        if not isinstance(part, Mapping):
            raise InputError(f"a part of a message is a {type(part).__name__}; give objects with 'type' and 'text'.")
        text = part.get("text")
        if part.get("type", "text") in ("text", "input_text", "output_text") and isinstance(text, str):
            parts.append(text)
    return "\n".join(parts)


def _string(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"a message has a '{name}' that is a {type(value).__name__}; give a text.")
    return value or None


def _metadata(message: Mapping[str, Any]) -> Mapping[str, Any]:
    value = message.get("metadata")
    if value is not None and not isinstance(value, Mapping):
        raise InputError(f"a message has 'metadata' that is a {type(value).__name__}; give an object.")
    return value or {}


def _time(message: Mapping[str, Any]) -> str | None:
    for name in _TIMES:
        value = message.get(name)
        if value is None:
            continue
        if isinstance(value, datetime):
            return iso(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
            except (OverflowError, ValueError, OSError) as error:
                raise InputError(
                    f"a message has the {name} {value}, which is no time in seconds since 1970."
                ) from error
        if not isinstance(value, str):
            raise InputError(f"a message has a '{name}' that is a {type(value).__name__}; give a text or seconds.")
        return require_date(value)
    return None
