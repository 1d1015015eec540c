"""Options that say which memories a command is about."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import typer

from hippomem.errors import ConfigError
from hippomem.types import Kind, Where

User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only memories of this user.")]
Agent = Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Only memories of this agent.")]
Session = Annotated[str | None, typer.Option("--session", metavar="NAME", help="Only turns of this conversation.")]
Speaker = Annotated[str | None, typer.Option("--speaker", metavar="NAME", help="Only what this one said.")]
OfKind = Annotated[Kind | None, typer.Option("--kind", help="Only memories of this kind.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only what happened (or was recorded) from then on.")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only what happened (or was recorded) up to then.")
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="As things stood then: nothing later counts.")
]
Meta = Annotated[
    list[str] | None,
    typer.Option(
        "--meta",
        metavar="CONDITION",
        help="A condition on your own notes: key=value, key!=value, key>=3 (also >, <, <=) or key^=prefix; repeatable.",
    ),
]

_SIGNS = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "^=": "prefix"}
_CONDITION = re.compile(r"(?P<key>[^=!<>^]+)(?P<sign>!=|>=|<=|\^=|=|>|<)(?P<value>.*)", re.DOTALL)


def where(
    user: str | None,
    agent: str | None,
    session: str | None,
    speaker: str | None,
    kind: Kind | None,
    since: str | None,
    until: str | None,
    as_of: str | None,
    meta: list[str] | None,
) -> Where:
    """The filter that these options make. Raises ConfigError for a condition that is none, InputError."""
    from hippomem.cli.opening import checked

    given: dict[str, Any] = {
        "user": user,
        "agent": agent,
        "session": session,
        "speaker": speaker,
        "kind": kind,
        "since": since,
        "until": until,
        "as_of": as_of,
        "metadata": _metadata(meta or []),
    }
    made: Where = {}
    for name, value in given.items():
        if value:
            made[name] = checked(value, f"--{name}") if isinstance(value, str) else value  # type: ignore[literal-required]
    return made


def _metadata(conditions: list[str]) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise ConfigError(f"--meta '{condition}' is no condition; write key=value, key>=3 or key^=prefix.")
        operator, value = _SIGNS[found["sign"]], _value(found["value"])
        operand: Any = value
        # `add --meta` stores text; programs store numbers: what looks like a number equals both.
        if not isinstance(value, str) and operator == "eq":
            operator, operand = "in", [value, found["value"]]
        elif operator == "prefix":
            operand = found["value"]
        made.setdefault(found["key"], {})[operator] = operand
    return made


def _value(text: str) -> str | int | float | bool | None:
    """A JSON scalar, or else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str | dict | list) else value
