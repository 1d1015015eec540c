"""What an error becomes: words for the model where it can mend the call, an error of the protocol where it cannot."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from pydantic import ValidationError

from hippomem.errors import ConfigError, HippomemError, InputError, RateLimitError, edge

log = logging.getLogger("hippomem.mcp")
#: Under this key of a result's ``_meta`` stands what programs may ask for: class and code of the error.
ERROR_META = "hippomem/error"


def refusal(error: HippomemError) -> CallToolResult | MCPError:
    """A failed tool's result, or for what no other arguments would mend, the protocol's error.

    InputError and ConfigError are about what was handed in. Codes: `hippomem.errors.EDGE`.
    """
    if isinstance(error, InputError | ConfigError):
        return CallToolResult(
            content=[TextContent(type="text", text=str(error))], is_error=True, _meta={ERROR_META: described(error)}
        )
    return protocol_error(error)


def protocol_error(error: HippomemError) -> MCPError:
    """The JSON-RPC error: code, message, and as data the class (and ``retry_after`` in seconds, if it has one)."""
    data = described(error)
    return MCPError(code=data.pop("code"), message=str(error), data=data)


def described(error: HippomemError) -> dict[str, Any]:
    """Class and code of an error, for programs."""
    told = {"type": type(error).__name__, "code": edge(error).mcp_code}
    return told | ({"retry_after": error.retry_after} if isinstance(error, RateLimitError) else {})


def unexpected(error: Exception, what: str) -> MCPError:
    """A mistake of ours: the client learns that it happened, the log what it was and where.

    Not in the error's own words: they may repeat a text that somebody wants forgotten.
    """
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("%s raised %s\n  %s", what, type(error).__name__, "\n  ".join(places))
    return MCPError(code=edge(error).mcp_code, message=f"{what} failed unexpectedly; the server's log says why.")


def wrong_arguments(tool: str, error: ValidationError, known: list[str]) -> InputError:
    """What is wrong with a tool's arguments, a sentence each. Never repeats a value."""
    told = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            told.append(unknown_argument(where, known if len(problem["loc"]) == 1 else []))
        elif problem["type"] == "missing":
            told.append(f"'{where}' is missing")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            told.append(f"'{where}': {said[:1].lower()}{said[1:]}" if where else said)
    return InputError(f"{tool}: {'; '.join(dict.fromkeys(told))}.")


def unknown_argument(name: str, known: list[str]) -> str:
    """The sentence on an argument that a tool does not take."""
    return f"there is no argument '{name}'" + (f" (there are {', '.join(known)})" if known else "")
