"""The text of an answer: the recorded facts of the passages that were asked about, in the shape that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from hippomem.testing.llm_server.recording import Passage

#: Heads each of several passages in a prompt (`indexing.extract.llm.request`).
_NUMBER = re.compile(r"^Passage \d+:$", re.MULTILINE)


def passages_asked(message: str) -> int:
    """How many passages a prompt is about by its own numbering."""
    return max(1, len(_NUMBER.findall(message)))


def write_answer(passages: Sequence[Passage], request: dict[str, Any]) -> str:
    """What a model that reads as the recording does would answer.

    One passage: an object with the lists that the schema has (both without a schema). Several: ``{"passages": [...]}`` with
    their numbers from 1. Triples refer to entities by place where the schema lets them.
    """
    asked = request.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("properties")
    of_one = asked["passages"]["items"]["properties"] if asked and "passages" in asked else asked
    is_compact = '"integer"' in json.dumps((of_one or {}).get("triples"))
    if len(passages) > 1:
        parts = [{"passage": n, **_facts(each, is_compact)} for n, each in enumerate(passages, start=1)]
        return _dump({"passages": parts})
    facts = _facts(passages[0], is_compact)
    return _dump({name: facts[name] for name in facts if name in (asked or facts)})


def _facts(passage: Passage, is_compact: bool) -> dict[str, Any]:
    entities, triples = passage.facts.entities, passage.facts.triples
    places: dict[str, int] = {}
    if is_compact:
        for place, name in enumerate(entities):
            places.setdefault(name, place)
    rows = [
        [places.get(each.subject, each.subject), each.predicate, places.get(each.object, each.object)]
        for each in triples
    ]
    return {"entities": entities, "triples": rows}


def _dump(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
