"""The names in a query, as HippoRAG 1 finds them: an LLM reads the query and lists its named entities.

One LLM call a query: an option, off by default. Without it, names are found by how they are written
(`hippomem.retrieve.linking`).
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from hippomem.errors import ModelOutputError
from hippomem.text.fold import fold

if TYPE_CHECKING:
    from hippomem.models.llm import LLM

_SCHEMA = {
    "type": "object",
    "properties": {"entities": {"type": "array", "items": {"type": "string"}}},
    "required": ["entities"],
    "additionalProperties": False,
}
#: What the list may go by: ours first, then as HippoRAG's prompt calls it, which models have seen more often.
_FIELDS = ("entities", "named_entities")


class LlmQueryEntities:
    """Asks an LLM; a `QueryEntities`. Safe to share by threads if the LLM is."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._prompt = resources.files("hippomem.retrieve").joinpath("prompts", "query_entities.txt").read_text("utf-8")

    def __call__(self, query: str) -> list[str]:
        """Keys of the names in *query*, in the model's order, each once; empty when it names none.

        Raises ModelError; an answer without a list of names is a ModelOutputError, never "no names".
        """
        answer = self._llm.complete(
            [{"role": "system", "content": self._prompt}, {"role": "user", "content": f"Question: {query}"}],
            json_schema=_SCHEMA,
            schema_name="entities",
        )
        from hippomem.models.parse import parse_json

        names = _names(parse_json(answer.text))
        if names is None:
            raise ModelOutputError(
                f"{self._llm.model} was asked for the names in a query and answered: {answer.text[:200]!r}"
            )
        return list(dict.fromkeys(filter(None, map(fold, names))))


def _names(parsed: object) -> list[str] | None:
    """The listed names, numbers as their text and items of other types left out; None where there is no list of names."""
    if not isinstance(parsed, dict):
        return None
    listed = next((parsed[name] for name in _FIELDS if name in parsed), None)
    if not isinstance(listed, list):
        return None
    names = [str(item) for item in listed if isinstance(item, str | int | float) and not isinstance(item, bool)]
    return names if names or not listed else None
