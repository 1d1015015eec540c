"""The text of an answer: the recorded facts of the passages that were asked about, in the shape that was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hippomem.testing.llm_server.recording import Passage


def write_answer(passages: Sequence[Passage], request: dict[str, Any]) -> str:
    """One object for one passage, ``{"passages": [...]}`` for several; of the recording only what the schema has."""
    asked = request.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("properties", {})
    rows = []
    for passage in passages:
        row: dict[str, Any] = {"entities": passage.entities, "triples": passage.triples}
        rows.append({name: row[name] for name in row if name in asked} or row)
    return json.dumps(rows[0] if len(rows) == 1 else {"passages": rows}, ensure_ascii=False)
