"""Reading JSON of other people's making: every access says what was expected, in which file and item."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hippomem.errors import ReadError

#: Under these names sources give an item's own id; it is shown in errors.
ID_KEYS = ("id", "_id", "question_id", "sample_id")


@dataclass(frozen=True, slots=True)
class Item:
    """One JSON object of a file.

    name: what to call it in an error, such as ``item 3 ('q7'), paragraphs[2]``; empty where the line says it all.
    """

    path: Path
    name: str
    fields: Mapping[str, Any]
    line: int | None = None

    def error(self, reason: str) -> ReadError:
        """The error that *reason* is wrong here."""
        return ReadError(f"{self.name}: {reason}" if self.name else reason, path=self.path, line=self.line)

    def __contains__(self, key: str) -> bool:
        return self.fields.get(key) is not None

    def text(self, key: str) -> str:
        """A text with something visible in it. Raises ReadError."""
        value = self.optional_text(key)
        if value is None or not value.strip():
            raise self.error(f"`{key}` is {'missing' if value is None else 'blank'}; expected a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, which may be blank, or None where the source has none. Raises ReadError for anything else."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.error(f"`{key}` is a {type(value).__name__}; expected a text")
        return self._sound(key, value)

    def scalar(self, key: str) -> str | None:
        """A text, or a number as text: sources write years, ids and answers either way. None where there is none."""
        value = self.fields.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return self.optional_text(key)

    def identifier(self, key: str) -> str:
        """A text or number that is not blank. Raises ReadError."""
        value = self.scalar(key)
        if value is None or not value.strip():
            raise self.error(f"`{key}` is missing; expected an id (text or number)")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false, *default* where it is not said. Raises ReadError for anything else."""
        value = self.fields.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(f"`{key}` is {value!r}; expected true or false")
        return value

    def number(self, key: str) -> int:
        """A whole number. Raises ReadError."""
        value = self.fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(f"`{key}` is {value!r}; expected a whole number")
        return value

    def values(self, key: str) -> list[Any]:
        """A list. Raises ReadError."""
        value = self.fields.get(key)
        if not isinstance(value, list):
            found = "missing" if value is None else f"a {type(value).__name__}"
            raise self.error(f"`{key}` is {found}; expected a list")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; an empty one where the source has none. Raises ReadError."""
        if key not in self:
            return ()
        values = self.values(key)
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"`{key}` must be a list of texts")
        return tuple(self._sound(key, value) for value in values)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A JSON object; an empty one where the source has none. Raises ReadError."""
        value = self.fields.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(f"`{key}` is a {type(value).__name__}; expected an object")
        try:
            self._sound(key, json.dumps(value, ensure_ascii=False, allow_nan=False))
        except ValueError as error:
            raise self.error(f"`{key}` holds NaN or an infinity, which is no JSON") from error
        return value

    def child(self, key: str) -> Item:
        """The object under *key*. Raises ReadError."""
        value = self.fields.get(key)
        if not isinstance(value, dict):
            raise self.error(f"`{key}` is missing or no object; expected an object")
        return self.below(key, value)

    def children(self, key: str) -> Iterator[Item]:
        """The objects of a list. Raises ReadError."""
        return self.objects(key, self.values(key))

    def objects(self, name: str, values: Sequence[object]) -> Iterator[Item]:
        """*values*, which must be objects, as items below this one. Raises ReadError."""
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                raise self.error(f"{name}[{index}] is a {type(value).__name__}; expected an object")
            yield self.below(f"{name}[{index}]", value)

    def below(self, name: str, fields: Mapping[str, Any]) -> Item:
        """*fields* as an item that is told as part of this one."""
        return Item(self.path, f"{self.name}, {name}" if self.name else name, fields, self.line)

    def _sound(self, key: str, text: str) -> str:
        """*text*, unless it could not be stored: half a surrogate pair is no Unicode, and a store refuses NUL."""
        if "\x00" in text:
            raise self.error(f"`{key}` holds a NUL character; remove it")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self.error(f"`{key}` holds half a surrogate pair at {error.start}, no Unicode text") from error
        return text


def read_items(files: Sequence[Path]) -> Iterator[Item]:
    """The objects of files that hold a JSON list of objects, or one object a line; in order. Raises ReadError."""
    for path in files:
        text = read_text(path)
        if text.lstrip().startswith("["):
            yield from _listed(path, parse(path, text))
        else:
            yield from _lines(path, text)


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises ReadError."""
    return parse(path, read_text(path))


def read_text(path: Path) -> str:
    """A file as text, a byte order mark dropped. Raises ReadError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"not UTF-8 at byte {error.start}; convert the file to UTF-8", path=path) from error
    except FileNotFoundError as error:
        raise ReadError("no such file", path=path) from error
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", path=path) from error


def parse(path: Path, text: str, line: int | None = None) -> Any:
    """*text* as JSON. Raises ReadError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # a hundred thousand brackets are the latter
        raise ReadError(f"not JSON: {error}", path=path, line=line) from error


def new_id(item: Item, key: str, seen: dict[str, str]) -> str:
    """The id under *key*, which no item before had; *seen* (id -> where) remembers it. Raises ReadError."""
    found = item.identifier(key)
    if found in seen:
        raise item.error(f"`{key}` '{found}' was already given in {seen[found]}")
    seen[found] = f"{item.path.name}, " + (item.name.partition(" (")[0] or f"line {item.line}")
    return found


def _listed(path: Path, values: Any) -> Iterator[Item]:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise ReadError(f"item {number} is a {type(value).__name__}; expected an object", path=path)
        own = next((value[key] for key in ID_KEYS if isinstance(value.get(key), str)), None)
        yield Item(path, f"item {number}" if own is None else f"item {number} ('{own}')", value)


def _lines(path: Path, text: str) -> Iterator[Item]:
    # Not splitlines: JSON strings may hold U+2028 and other marks that it would break at.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            value = parse(path, line, number)
            if not isinstance(value, dict):
                raise ReadError(f"expected an object, found a {type(value).__name__}", path=path, line=number)
            yield Item(path, "", value, number)
