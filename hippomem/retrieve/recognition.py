"""HippoRAG 2's recognition memory: an LLM looks at the facts found for a query and drops those that do not help.

Worth 0.7 points of R@5 in the paper, one LLM call a query: an option, off by default.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Protocol

from hippomem.errors import ModelOutputError
from hippomem.types import Triple

if TYPE_CHECKING:
    from hippomem.models.llm import LLM

#: Facts the model may keep at most, as in HippoRAG 2.
KEEP_AT_MOST = 4

_SCHEMA = {
    "type": "object",
    "properties": {
        "fact": {"type": "array", "items": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}}
    },
    "required": ["fact"],
    "additionalProperties": False,
}


class FactFilter(Protocol):
    """Chooses among candidate facts."""

    def keep(self, query: str, facts: Sequence[Triple]) -> list[int]:
        """Positions of the facts worth seeding from, best first; empty when none is."""
        ...


class LlmFactFilter:
    """Asks an LLM. A fact that it returns in other words counts as the candidate nearest to it."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._prompt = resources.files("hippomem.retrieve").joinpath("prompts", "filter_facts.txt").read_text("utf-8")

    def keep(self, query: str, facts: Sequence[Triple]) -> list[int]:
        """See `FactFilter.keep`. Raises ModelError; an answer without a list of facts is a ModelOutputError."""
        candidates = [json.dumps([f.subject, f.predicate, f.object], ensure_ascii=False) for f in facts]
        listed = "\n".join(candidates)
        answer = self._llm.complete(
            [
                {"role": "system", "content": self._prompt},
                {"role": "user", "content": f"Question: {query}\n\nFacts:\n{listed}"},
            ],
            json_schema=_SCHEMA,
            schema_name="facts",
        )
        from hippomem.models.parse import parse_json

        parsed = parse_json(answer.text)
        chosen = parsed.get("fact") if isinstance(parsed, dict) else None
        if not isinstance(chosen, list):
            raise ModelOutputError(
                f"{self._llm.model} was asked for a list of facts and answered: {answer.text[:200]!r}"
            )
        kept: list[int] = []
        for fact in chosen[:KEEP_AT_MOST]:
            if not (isinstance(fact, list) and len(fact) == 3 and all(isinstance(part, str) for part in fact)):
                continue
            near = difflib.get_close_matches(json.dumps(fact, ensure_ascii=False), candidates, n=1, cutoff=0.0)
            if near and (position := candidates.index(near[0])) not in kept:
                kept.append(position)
        return kept
