"""Function tools for the OpenAI client: a model remembers, recalls and forgets by itself. Imports nothing but hippomem.

from hippomem.integrations.openai_tools import call, tools

answer = client.chat.completions.create(model=…, messages=messages, tools=tools())       # tools("responses") for responses
for each in answer.choices[0].message.tool_calls or ():
    text = call(memory, each.function.name, each.function.arguments, user="anna")
    messages.append({"role": "tool", "tool_call_id": each.id, "content": text})
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

from hippomem.errors import InputError, NotFoundError
from hippomem.memory import Memory
from hippomem.types import Source

_WORDS = {"string": "a text", "array": "a list of texts", "null": "null"}
_KINDS: dict[str, type] = {"string": str, "array": list, "null": type(None)}


def tools(api: Literal["chat", "responses"] = "chat") -> list[dict[str, Any]]:
    """The tools `remember`, `recall` and `forget`, for ``tools=`` of chat completions or of responses; strict."""
    functions = [{**function, "strict": True} for function in _functions()]
    if api == "responses":
        return [{"type": "function", **function} for function in functions]
    return [{"type": "function", "function": function} for function in functions]


def _functions() -> list[dict[str, Any]]:
    """Name, description and parameters of each. In a strict schema nothing is optional: what may be left out may be null."""
    text = resources.files("hippomem.integrations").joinpath("openai_tools.json").read_text(encoding="utf-8")
    functions: list[dict[str, Any]] = json.loads(text)
    return functions


def call(
    memory: Memory,
    name: str,
    arguments: str | Mapping[str, Any],
    *,
    user: str | None = None,
    agent: str | None = None,
    session: str | None = None,
    max_tokens: int = 1000,
) -> str:
    """Run one tool call; returns the text that the model gets as the tool's answer.

    The model's mistakes (no such tool, broken JSON, wrong types, unknown ids, dates that are none) are answered in words
    that say how to do better; only what the model cannot mend is raised: StoreError, ModelError, RetrievalError.

    user, agent: whose memories these are; the model does not choose, and reaches no others.    session: noted with what is
    remembered, and no limit to what is recalled.    max_tokens: the length of what `recall` answers.
    """
    owner = {key: value for key, value in (("user", user), ("agent", agent)) if value is not None}
    try:
        given = _read(name, arguments)
        if name == "remember":
            return _remember(memory, given, {**owner, **({} if session is None else {"session": session})}, owner)
        if name == "recall":
            return _recall(memory, given, owner, max_tokens)
        return _forget(memory, given["memory_ids"], owner)
    except InputError as error:
        return f"That did not work, and nothing was changed: {error}"


async def acall(memory: Memory, name: str, arguments: str | Mapping[str, Any], **settings: Any) -> str:
    """`call`, in a thread."""
    return await asyncio.to_thread(call, memory, name, arguments, **settings)


def _remember(memory: Memory, given: dict[str, Any], told_by: dict[str, Any], owner: dict[str, str]) -> str:
    replaced = _owned(memory, given["replaces"] or [], owner)
    memory_id = memory.add(given["text"], occurred_at=given["occurred_at"], supersedes=replaced, **told_by)
    return f"Remembered as {memory_id}." + (f" It takes the place of {', '.join(replaced)}." if replaced else "")


def _recall(memory: Memory, given: dict[str, Any], owner: dict[str, Any], max_tokens: int) -> str:
    when = {name: given[name] for name in ("since", "until") if given[name] is not None}
    found = memory.recall(given["query"], max_tokens=max_tokens, **owner, **when)
    if not found.citations:
        return "Nothing in memory about that."
    ids = ", ".join(f"[{each.number}] {each.memory_id}" for each in found.citations)
    return f"{found.text}\n\nMemory ids: {ids}"


def _forget(memory: Memory, memory_ids: list[str], owner: dict[str, str]) -> str:
    mine = _owned(memory, memory_ids, owner)
    if not mine:
        raise InputError("no memory id was given; `recall` shows them.")
    for memory_id in mine:
        if not all(_is_by(source, owner) for source in memory.get(memory_id).sources):
            raise InputError(f"'{memory_id}' was told by others too, and is not this user's alone to erase.")
    memory.forget(*mine)
    return f"Forgotten: {', '.join(mine)}."


def _owned(memory: Memory, memory_ids: list[str], owner: dict[str, str]) -> list[str]:
    """The ids, each once. Raises NotFoundError, in the same words for what is not there and what is somebody else's."""
    for memory_id in memory_ids:
        try:
            record = memory.get(memory_id)
            found = record.memory_id == memory_id and any(_is_by(source, owner) for source in record.sources)
        except InputError:
            found = False
        if not found:
            raise NotFoundError(f"there is no memory '{memory_id}'; take the ids from what `recall` answered.")
    return list(dict.fromkeys(memory_ids))


def _is_by(source: Source, owner: dict[str, str]) -> bool:
    return all(getattr(source, name) == value for name, value in owner.items())


def _read(name: str, arguments: str | Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call, each there and of its type. Raises InputError."""
    known = {function["name"]: function["parameters"]["properties"] for function in _functions()}
    if name not in known:
        raise InputError(f"there is no tool '{name}'; there are {', '.join(known)}.")
    properties = known[name]
    given: Any = arguments
    if isinstance(arguments, str):
        try:
            given = json.loads(arguments)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the arguments of `{name}` are no JSON ({error}); send one object.") from error
    if not isinstance(given, Mapping):
        raise InputError(f"the arguments of `{name}` must be one JSON object with {', '.join(properties)}.")
    unknown = sorted(set(given) - set(properties))
    if unknown:
        raise InputError(f"`{name}` does not take {', '.join(unknown)}; it takes {', '.join(properties)}.")
    return {key: _typed(name, key, given.get(key), schema) for key, schema in properties.items()}


def _typed(name: str, key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    kinds: list[str] = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    right = any(isinstance(value, _KINDS[kind]) for kind in kinds)
    if isinstance(value, list):
        right = right and all(isinstance(each, str) for each in value)
    if not right:
        raise InputError(f"`{key}` of `{name}` must be {' or '.join(_WORDS[kind] for kind in kinds)}.")
    return value
