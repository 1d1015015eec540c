"""LangGraph's items as memories: how namespaces, keys and values are written down, matched and told in words.

Nothing here imports LangGraph.
"""

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
ROOT = "langgraph"
#: Keys that only say "this is the text".
_CONTENT = {"text", "content", "data", "memory", "value", "page_content", "body"}
#: Texts up to this length are kept beside the value once more, so that a filter for one is applied before anything is ranked.
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

    @property
    def order(self) -> tuple[datetime, str]:
        """The order of creation."""
        return self.created_at, self.item_id


def item_id(namespace: Sequence[str], key: str) -> str:
    """The source_id of an item: no two items have the same."""
    return f"{ROOT}:{json.dumps([*namespace, key])}"


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
            "texts": {name: text for name, text in json.loads(item.value).items() if _is_short(name, text)},
        }
    }


def _is_short(name: str, text: Any) -> bool:
    """Whether a field is a text that `Where` can ask for as it is."""
    return isinstance(text, str) and len(text) <= _SHORT and not _UNSTORABLE.search(name + text) and not set(name) & set('."\\')


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


def under(prefix: Sequence[str], filter: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The metadata filter for the items of all namespaces that begin with *prefix*.

    Of *filter* it takes what both sides mean alike, equality of short texts; `passes` decides about the rest.
    """
    # '["users"' opens '["users"]' and '["users", "anna"]', and not '["users2"]'.
    wanted: dict[str, Any] = {f"{ROOT}.namespace": {"prefix": json.dumps(list(prefix))[:-1]}}
    for name, text in (filter or {}).items():
        if name and _is_short(name, text):
            wanted[f"{ROOT}.texts.{name}"] = {"eq": text}
    return wanted


def write_value(value: Mapping[str, Any], path: str) -> str:
    """The value as JSON. Raises InputError for what JSON cannot say."""
    try:
        return json.dumps(dict(value))
    except (TypeError, ValueError) as error:
        raise InputError(f"the value of {path} cannot be written as JSON ({error}); put plain JSON types.") from error


def memory_text(texts: Sequence[str], identity: str) -> str:
    """The text of an item's memory: the texts to be found by, then 64 spaces and tabs that make it this item's own.

    Equal texts are one memory, and items must be forgotten and expire one by one; white space changes neither vector nor words.
    An item that nothing finds is a full stop.
    """
    code = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")
    return ("\n".join(texts) or ".") + "\n" + f"{code:064b}".replace("0", " ").replace("1", "\t")


def readable(text: str) -> str:
    """A text without the characters that no memory takes (NUL, halves of surrogate pairs), and without white space around."""
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


def passes(value: Mapping[str, Any], filter: Mapping[str, Any] | None) -> bool:
    """Whether a value has, under each key of the filter, a JSON value or what {"$eq" | "$ne" | "$gt" | …: operand} asks for."""
    return all(_matches(value.get(key), wanted) for key, wanted in (filter or {}).items())


def _matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(key.startswith("$") for key in wanted):
            return all(_compares(value, operator, operand) for operator, operand in wanted.items())
        return isinstance(value, Mapping) and all(_matches(value.get(key), inner) for key, inner in wanted.items())
    if isinstance(wanted, list | tuple):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(_matches, value, wanted))
    return bool(value == wanted)


def _compares(value: Any, operator: str, operand: Any) -> bool:
    if operator == "$eq":
        return bool(value == operand)
    if operator == "$ne":
        return bool(value != operand)
    if operator not in ("$gt", "$gte", "$lt", "$lte"):
        raise InputError(f"there is no filter operator '{operator}'; there are $eq, $ne, $gt, $gte, $lt and $lte.")
    left, right = _comparable(value, operand)
    if left is None:  # what is not there, or is of another kind, is neither more nor less
        return False
    return bool({"$gt": left > right, "$gte": left >= right, "$lt": left < right, "$lte": left <= right}[operator])


def _comparable(value: Any, operand: Any) -> tuple[Any, Any]:
    """Both as numbers where the operand can be one, else as texts; the first is None when the value is of another kind."""
    try:
        right = float(operand)
    except (TypeError, ValueError) as error:
        if isinstance(operand, str):
            return (value if isinstance(value, str) else None), operand
        raise InputError(f"{operand!r} cannot be compared with more or less; give a number or a text.") from error
    try:
        return float(value), right
    except (TypeError, ValueError):
        return None, right


def fits(namespace: Sequence[str], match_type: str, path: Sequence[str]) -> bool:
    """Whether a namespace begins ("prefix") or ends ("suffix") with a path, in which "*" stands for any one label."""
    if match_type not in ("prefix", "suffix"):
        raise InputError(f"there is no match type '{match_type}'; there are prefix and suffix.")
    if len(path) > len(namespace):
        return False
    part = namespace[: len(path)] if match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for label, wanted in zip(part, path, strict=True))
