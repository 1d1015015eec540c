"""JSON out of what a language model wrote: fenced, wrapped in prose, cut off or sloppy. Parsed, never evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from hippomem.errors import ModelOutputError
from hippomem.models.openai_errors import quote

#: What reasoning models write before their answer; it may hold drafts of it.
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
#: The same where the end is missing: cut off, the rest of the text is thinking.
_UNFINISHED = re.compile(r"<think(?:ing)?>.*", re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}
#: Nested deeper than this is no answer but a loop; it would also cost the parser's stack.
_DEEPEST = 100


def parse_json(text: str) -> object:
    """The JSON object that *text* holds (or the array, when there is no object).

    Takes the longest piece, whole pieces as they are, sloppy or cut ones mended by ``json_repair``; a mended piece may
    lack what was cut, so the caller checks the fields. Raises ModelOutputError when there is no object and no array.

    >>> parse_json('Sure! ```json\\n{"triples": [["Rome", "is in", "Italy"]]}\\n```')
    {'triples': [['Rome', 'is in', 'Italy']]}
    >>> parse_json('{"entities": ["Rome", "Ital')
    {'entities': ['Rome', 'Ital']}
    """
    answer = _THINKING.sub("", text)
    best: object = None
    best_rank = (False, 0)
    for piece in _pieces(answer):
        value = _load(piece)
        rank = (isinstance(value, dict), len(piece))
        if value is not None and rank > best_rank:
            best, best_rank = value, rank
    if best is None:
        raise ModelOutputError(f"the model's answer holds no JSON object: {quote(text)!r}")
    return best


def is_unfinished(text: str) -> bool:
    """Whether the JSON in an answer stops before its last bracket is closed: it was cut, not just written sloppily.

    >>> is_unfinished('{"entities": ["Rome", "Ital'), is_unfinished("{'entities': ['Rome',]}"), is_unfinished("Rome")
    (True, False, False)
    """
    answer = without_thinking(text)
    piece = next(reversed([*_pieces(answer)]), "")
    return bool(piece) and _closes(piece) is None


def without_thinking(text: str) -> str:
    """What a reasoning model says after its thinking: nothing when the thinking was cut off.

    >>> without_thinking("<think>Rome? Milan?</think>Answer: Rome")
    'Answer: Rome'
    """
    return _UNFINISHED.sub("", _THINKING.sub("", text)).strip()


def _pieces(text: str) -> Iterator[str]:
    """The outermost bracketed pieces, in order; the last runs to the end when its bracket is never closed."""
    start = text.find("{"), text.find("[")
    at = min((place for place in start if place >= 0), default=-1)
    while at >= 0:
        end = _end(text, at)
        yield text[at:end]
        nexts = text.find("{", end), text.find("[", end)
        at = min((place for place in nexts if place >= 0), default=-1)


def _end(text: str, start: int) -> int:
    """The position after the bracket that closes the one at *start*; the end if none does."""
    closed = _closes(text, start)
    return len(text) if closed is None else closed


def _closes(text: str, start: int = 0) -> int | None:
    """The position after the bracket that closes the one at *start*, not counting those in strings; None if none does."""
    expected: list[str] = []
    in_string = False
    escaped = False
    for at in range(start, len(text)):
        char = text[at]
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in _CLOSING:
            expected.append(_CLOSING[char])
        elif expected and char == expected[-1]:
            expected.pop()
            if not expected:
                return at + 1
    return None


def _load(piece: str) -> dict[str, Any] | list[Any] | None:
    """The piece as JSON, mended if need be; None when it is no JSON at all, such as ``{see below}``."""
    if _depth(piece) > _DEEPEST:
        return None
    try:
        value = json.loads(piece)
    except ValueError:
        from json_repair import loads

        # Prose in brackets has neither a colon nor a quote, and would be "mended" into nonsense.
        if '"' not in piece and ":" not in piece:
            return None
        value = loads(piece)
        if not value:
            return None
    return value if isinstance(value, dict | list) else None


def _depth(piece: str) -> int:
    depth = deepest = 0
    for char in piece:
        depth += (char in "{[") - (char in "}]")
        deepest = max(deepest, depth)
    return deepest
