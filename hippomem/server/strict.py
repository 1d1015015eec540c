"""Bodies as JSON, strictly: what another reader might take for something else is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from hippomem.errors import InputError

#: Objects and lists within each other; deep enough for metadata that people write.
DEPTH = 64
#: Whole numbers that SQLite and most JSON readers keep as they are.
LARGEST = 2**63 - 1
#: Digits that may be such a number; longer ones are not even read.
_DIGITS = 20


def read_json(body: bytes) -> Any:
    """What a body says. Raises InputError for what is no JSON or no UTF-8, and besides for: NaN and infinity, whole numbers
    over 64 bits, the same key twice in an object, NULs and lone surrogates in texts, nesting deeper than `DEPTH`.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the body is not UTF-8 at byte {error.start}; encode it as UTF-8.") from error
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_int, parse_float=_float
        )
    except json.JSONDecodeError as error:
        raise InputError(f"the body is no JSON at character {error.pos} ({error.msg}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    check_json(value)
    return value


def check_json(value: Any) -> None:
    """Raise InputError for texts that cannot be stored, and for what nests too deeply, anywhere in a JSON value."""
    level = [value]
    for _ in range(DEPTH):
        below: list[Any] = []
        for each in level:
            if isinstance(each, str):
                check_text(each, "a text in the body")
            elif isinstance(each, dict):
                for key in each:
                    check_text(key, "a key in the body")
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        if not below:
            return
        level = below
    raise _too_deep()


def check_text(text: str, what: str) -> None:
    """Raise InputError for a NUL or a lone surrogate in *what*."""
    if "\x00" in text:
        raise InputError(f"{what} has a NUL character, at {text.index(chr(0))}; remove it.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is not valid Unicode at {error.start} (a lone surrogate).") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InputError(f"an object in the body has the key {json.dumps(twice[:80])} twice; give each once.")
    return made


def _no_constant(name: str) -> NoReturn:
    raise InputError(f"the body has the number {name}, which JSON does not know; leave it out or write null.")


def _int(digits: str) -> int:
    if len(digits) > _DIGITS or abs(value := int(digits)) > LARGEST:
        raise InputError(f"the body has a whole number of more than 64 bits ({digits[:24]}…); write it as a text.")
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise InputError(f"the body has a number that is too large ({digits[:24]}); write it as a text.")
    return value


def _too_deep() -> InputError:
    return InputError(f"the body nests deeper than {DEPTH} objects and lists; make it flatter.")
