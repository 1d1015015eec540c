"""Options that say which memories a command is about."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, cast

import typer

from hippomem.cli.options import gathering
from hippomem.errors import ConfigError
from hippomem.types import Kind, Where

#: Name of the parameter → the option.
_OPTIONS: dict[str, Any] = {
    "user": Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only memories of this user.")],
    "agent": Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Only memories of this agent.")],
    "session": Annotated[
        str | None, typer.Option("--session", metavar="NAME", help="Only turns of this conversation.")
    ],
    "speaker": Annotated[str | None, typer.Option("--speaker", metavar="NAME", help="Only what this one said.")],
    "kind": Annotated[Kind | None, typer.Option("--kind", help="Only memories of this kind.")],
    "since": Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what happened (or was recorded) from then on.")
    ],
    "until": Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only what happened (or was recorded) up to then.")
    ],
    "as_of": Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="As things stood then: nothing later counts.")
    ],
    "meta": Annotated[
        list[str] | None,
        typer.Option(
            "--meta",
            metavar="CONDITION",
            help="A condition on your own notes: key=value, key!=value, key>=3 (also >, <, <=) or key^=prefix; "
            "repeatable.",
        ),
    ],
}

_SIGNS = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "^=": "prefix"}
_CONDITION = re.compile(r"(?P<key>[^=!<>^]+)(?P<sign>!=|>=|<=|\^=|=|>|<)(?P<value>.*)", re.DOTALL)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes the options of this file besides its own; its parameter ``allowed`` gets the filter they make."""
    options = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=option)
        for name, option in _OPTIONS.items()
    ]
    return gathering(command, "allowed", options, _where)


def _where(**given: Any) -> Where:
    """The filter that options make. Raises ConfigError for a condition that is none, InputError."""
    from hippomem.cli.opening import checked

    conditions = given.pop("meta")
    made: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in made.items():
        checked(value, f"--{name}")
    if conditions:
        made["metadata"] = _metadata(conditions)
    return cast(Where, made)


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
