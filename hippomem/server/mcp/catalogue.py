"""The tools as they are announced: name, description, schemas, hints, and the right that each needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mcp_types import Tool, ToolAnnotations

from hippomem.server.mcp import arguments, outputs, tools
from hippomem.server.mcp.arguments import Arguments, ToolName
from hippomem.server.mcp.outputs import schema_of, slim
from hippomem.server.mcp.tools import Call, Told
from hippomem.types import MemoryRecord, SearchResult

if TYPE_CHECKING:
    from hippomem.server.mcp.reach import Reach, Right


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool. run: does it, in a thread.    writes: runs beside other writers only, not beside readers."""

    name: ToolName
    title: str
    takes: type[Arguments]
    gives: Any
    run: Callable[[Call, Any], Told]
    right: Right
    destructive: bool = False
    idempotent: bool = True

    def arguments(self, reach: Reach) -> list[str]:
        """The names of its arguments; what the caller has no choice of is none."""
        settled = {
            "namespace": reach.namespaces is not None and len(reach.namespaces) == 1,
            "user": reach.user is not None,
        }
        # What only this tool takes stands first, and what is seldom given last.
        names = dict.fromkeys([*self.takes.__annotations__, *self.takes.model_fields])
        return [name for name in sorted(names, key="namespace".__eq__) if not settled.get(name, False)]

    def announced(self, reach: Reach) -> Tool:
        """The tool as *reach* sees it."""
        schema = input_schema(self.takes, self.arguments(reach))
        if "namespace" in schema["properties"] and reach.namespaces is not None:
            schema["properties"]["namespace"] |= {"enum": list(reach.namespaces)}
            schema["properties"]["namespace"]["description"] = "The memory space to use."
            schema["required"] = ["namespace", *schema.get("required", [])]
        return Tool(
            name=self.name,
            title=self.title,
            description=text(self.name),
            input_schema=schema,
            output_schema=schema_of(self.gives),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.right == "read",
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=False,
            ),
        )


#: In the order in which a model should think of them.
TOOLS: tuple[Entry, ...] = (
    Entry("recall", "Recall from memory", arguments.Recall, outputs.Recalled, tools.recall, "read"),
    Entry("remember", "Remember", arguments.Remember, outputs.Remembered, tools.remember, "write"),
    Entry("explain", "Explain what was found", arguments.Explain, SearchResult, tools.explain, "read"),
    Entry("browse", "Browse memories", arguments.Browse, outputs.Page, tools.browse, "read"),
    Entry("correct", "Correct a memory", arguments.Correct, MemoryRecord, tools.correct, "write", destructive=True),
    Entry("forget", "Forget memories", arguments.Forget, outputs.Forgotten, tools.forget, "write", destructive=True),
)
BY_NAME: dict[str, Entry] = {entry.name: entry for entry in TOOLS}


@cache
def text(name: str) -> str:
    """A description as a model reads it, from ``descriptions/``."""
    return files("hippomem.server.mcp").joinpath("descriptions", f"{name}.md").read_text(encoding="utf-8").strip()


def input_schema(takes: type[Arguments], names: list[str]) -> dict[str, Any]:
    """The schema of some arguments. That one may be null goes without saying: it may be left out."""
    schema: dict[str, Any] = slim(takes.model_json_schema())
    schema.pop("description", None)
    schema["properties"] = {name: schema["properties"][name] for name in names}
    for part in (schema, *schema.get("$defs", {}).values()):
        part["properties"] = {name: _without_null(value) for name, value in part["properties"].items()}
    return schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    given = [part for part in schema.get("anyOf", []) if part != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return given[0] | rest if len(given) == 1 else schema if not given else {"anyOf": given} | rest
