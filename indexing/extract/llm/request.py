"""One call in words: the messages and the JSON schema of its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from hippomem.models.llm import Message
from indexing.extract import PassageText
from indexing.extract.llm.size import estimate_tokens

#: How triples name their entities: by place in the list of entities, or in full.
Form = Literal["compact", "plain"]

# No minItems, maxItems or prefixItems: some vendors' strict modes refuse a schema that has them, and a refused schema
# costs the whole guarantee. The prompt says that a triple has three parts; one that has not is left out.
_NAMES: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
_PLAIN_TRIPLES: Mapping[str, Any] = {"type": "array", "items": _NAMES}
_PART: Mapping[str, Any] = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
_COMPACT_TRIPLES: Mapping[str, Any] = {"type": "array", "items": {"type": "array", "items": _PART}}

#: What a call costs beside the words of its messages: role and separators (OpenAI's counting of chat messages).
_TOKENS_A_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Request:
    """One call. schema_name: also says what is asked for.    max_tokens: at most so many in the answer.

    prompt_tokens: an estimate for the messages; an endpoint may add the schema, which is about 50 more.
    """

    messages: tuple[Message, ...]
    json_schema: Mapping[str, Any]
    schema_name: str
    max_tokens: int
    prompt_tokens: int


@cache
def prompt(name: str) -> str:
    """The words of a prompt (package data)."""
    return resources.files("indexing.extract").joinpath("prompts", f"{name}.txt").read_text("utf-8")


def facts_schema(form: Form) -> dict[str, Any]:
    """Of the facts of one passage, entities before triples: the second may refer to the first."""
    return _object(entities=_NAMES, triples=_COMPACT_TRIPLES if form == "compact" else _PLAIN_TRIPLES)


def several_schema(form: Form) -> dict[str, Any]:
    """Of the facts of several passages, each with its number."""
    facts = facts_schema(form)["properties"]
    return _object(passages={"type": "array", "items": _object(passage={"type": "integer"}, **facts)})


def facts_request(group: Sequence[PassageText], form: Form, *, max_tokens: int, complaint: str = "") -> Request:
    """Entities and triples of each passage of *group* in one call. complaint: why an earlier answer was of no use."""
    words = prompt("compact" if form == "compact" else "facts")
    if len(group) == 1:
        return _request("facts", words, f"Passage:\n{_shown(group[0])}", facts_schema(form), max_tokens, complaint)
    asked = "\n\n".join(f"Passage {number}:\n{_shown(passage)}" for number, passage in enumerate(group, start=1))
    return _request("passages", f"{words}\n{prompt('several')}", asked, several_schema(form), max_tokens, complaint)


def entities_request(passage: PassageText, *, max_tokens: int, complaint: str = "") -> Request:
    """The first of two calls about one passage."""
    asked = f"Passage:\n{_shown(passage)}"
    return _request("entities", prompt("entities"), asked, _object(entities=_NAMES), max_tokens, complaint)


def triples_request(passage: PassageText, entities: Sequence[str], *, max_tokens: int, complaint: str = "") -> Request:
    """The second: triples about these entities."""
    asked = f"Passage:\n{_shown(passage)}\n\nNamed entities:\n{json.dumps(list(entities), ensure_ascii=False)}"
    return _request("triples", prompt("triples"), asked, _object(triples=_PLAIN_TRIPLES), max_tokens, complaint)


def _request(name: str, words: str, asked: str, schema: Mapping[str, Any], max_tokens: int, complaint: str) -> Request:
    # The complaint stands with the instructions, behind what all calls share, and never within a passage.
    tokens = _prompt_tokens(words) + estimate_tokens(asked) + 2 * _TOKENS_A_MESSAGE
    if complaint:
        complaint = f"\nAn earlier answer was of no use: {complaint}. Take care that this one is.\n"
        tokens += estimate_tokens(complaint)
    messages = ({"role": "system", "content": words + complaint}, {"role": "user", "content": asked})
    return Request(messages, schema, name, max_tokens, tokens)


@cache
def _prompt_tokens(words: str) -> int:
    return estimate_tokens(words)


def _shown(passage: PassageText) -> str:
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
