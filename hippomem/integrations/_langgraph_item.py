"""One item of LangGraph's as a memory: how its namespace, key and value are written down, and told in words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from hippomem.errors import InputError
from hippomem.types import MemoryRecord, Source

#: The one key of a memory's metadata under which an item is kept.
ROOT = "langgraph_item"
#: Keys that only say "this is the text".
_CONTENT = {"text", "content", "data", "memory", "value", "page_content", "body"}
#: Texts up to this length are kept beside the value once more: a filter for one is applied before anything is ranked.
_SHORT = 200
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class StoredItem(NamedTuple):
    """An item as it is kept. ttl: minutes.    value: JSON, its keys in the order that they were given in."""

    memory_id: str
    item_id: str
    namespace: tuple[str, ...]
    key: str
    value: str
    created_at: datetime
    updated_at: datetime
    ttl: float | None
    indexed: bool


def item_id(namespace: Sequence[str], key: str) -> str:
    """The source_id of an item: no two items have the same."""
    return f"langgraph:{json.dumps([*namespace, key])}"


def to_metadata(item: StoredItem) -> dict[str, Any]:
    """What is kept of an item in the metadata of its memory."""
    return {
        ROOT: {
            "id": item.item_id,
            "namespace": json.dumps(item.namespace),
            "key": json.dumps(item.key),  # as JSON, which has an escape for every character
            "value": item.value,
            "created_at": item.created_at.isoformat(),
            "updated_at": item.updated_at.isoformat(),
            "ttl": item.ttl,
            "indexed": item.indexed,
            "texts": {name: text for name, text in json.loads(item.value).items() if is_short(name, text)},
        }
    }


def is_short(name: str, text: Any) -> bool:
    """Whether a field is a text that `Where` can ask for as it is."""
    return (
        isinstance(text, str)
        and len(text) <= _SHORT
        and not _UNSTORABLE.search(name + text)
        and not set(name) & set('."\\')
    )


def from_source(memory_id: str, source: Source) -> StoredItem:
    """The item that was written into a source by `to_metadata`."""
    kept = source.metadata[ROOT]
    return StoredItem(
        memory_id=memory_id,
        item_id=kept["id"],
        namespace=tuple(json.loads(kept["namespace"])),
        key=json.loads(kept["key"]),
        value=kept["value"],
        created_at=datetime.fromisoformat(kept["created_at"]),
        updated_at=datetime.fromisoformat(kept["updated_at"]),
        ttl=kept["ttl"],
        indexed=kept["indexed"],
    )


def from_record(record: MemoryRecord) -> StoredItem | None:
    """The item that a memory holds, or None for one that was not put by a store."""
    for source in record.sources:
        if ROOT in source.metadata:
            return from_source(record.memory_id, source)
    return None


def write_value(value: Mapping[str, Any], path: str) -> str:
    """The value as JSON. Raises InputError for what JSON cannot say."""
    try:
        return json.dumps(dict(value))
    except (TypeError, ValueError) as error:
        raise InputError(f"the value of {path} cannot be written as JSON ({error}); put plain JSON types.") from error


def memory_text(texts: Sequence[str], item: StoredItem) -> str:
    """The text of an item's memory: the texts it is found by, then 64 spaces and tabs that make it this put's own.

    Equal texts are one memory, but items expire and are forgotten one by one; white space changes neither vector nor words.
    An item that nothing finds is a full stop.
    """
    identity = f"{item.item_id} {item.updated_at.isoformat()}"
    code = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")
    return ("\n".join(texts) or ".") + "\n" + f"{code:064b}".replace("0", " ").replace("1", "\t")


def readable(text: str) -> str:
    """A text without the characters that no memory takes (NUL, halves of surrogate pairs), and no white space around it."""
    return _UNSTORABLE.sub(" ", text).strip()


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of everything in a JSON value that can be read, in order."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, name)
    elif value is not None and str(value).strip():
        yield name, str(value)


def told(value: Mapping[str, Any]) -> list[str]:
    """A value in lines to be read: "favourite food: pizza"; a text that stands alone, or under a name like "text", as it is.

    >>> told({"text": "Anna moved to Rome.", "mood": "happy"})
    ['Anna moved to Rome.', 'mood: happy']
    """
    found = list(leaves(value))
    if len(found) == 1:
        return [found[0][1]]
    return [text if name.lower() in _CONTENT or not name else f"{name}: {text}" for name, text in found]
