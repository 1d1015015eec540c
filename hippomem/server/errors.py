"""Errors as answers. What nobody expected is left to `Guard`, which logs it and answers 500 without details."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from hippomem.errors import HippomemError, InputError, StoreBusyError, edge
from hippomem.server.access.answers import UNEXPECTED, error_body, error_response

LOG = logging.getLogger("hippomem.server")
#: Faults told of one body; the rest is likely to be the same again.
_TOLD = 5


def request_id(scope: Scope) -> str:
    """The id that the request came with, or was given."""
    return str(scope["state"]["request_id"])


def log_failure(error: BaseException, scope: Scope) -> None:
    """Write down what is no fault of the caller's: class and place, and no text of a request."""
    if edge(error).http_status < 500 or isinstance(error, StoreBusyError):  # busy is no failure, and the status says it
        return
    extra = {"request_id": request_id(scope), "error": type(error).__name__}
    LOG.error("a request failed", exc_info=error, extra=extra)


def body_of(error: Exception, scope: Scope) -> dict[str, Any]:
    """The error body, for errors that are told inside of an answer that has begun."""
    if isinstance(error, HippomemError):
        return error_body(type(error).__name__, str(error), request_id(scope))
    return error_body(HippomemError.__name__, UNEXPECTED, request_id(scope))


def answer(error: HippomemError, scope: Scope) -> Response:
    """What the client gets for an error raised on purpose."""
    log_failure(error, scope)
    made = error_response(error, request_id(scope))
    return Response(made.body, made.status, made.headers)


async def on_hippomem_error(request: Request, error: Exception) -> Response:
    """An error raised on purpose."""
    assert isinstance(error, HippomemError)
    return answer(error, request.scope)


async def on_invalid(request: Request, error: Exception) -> Response:
    """A body or query that does not fit its description: InputError, with the places named."""
    assert isinstance(error, RequestValidationError)
    return answer(InputError(describe(error.errors())), request.scope)


async def on_framework_error(request: Request, error: Exception) -> Response:
    """No such path, or no such method on it: `Guard` finds the words, and here is what ``allow`` must say."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        methods: set[str] = set()
        for route in request.app.state.routes:
            if route.path_regex.match(request.url.path):
                methods |= route.methods
        headers["Allow"] = ", ".join(sorted(methods)) or headers.get("Allow", "")
    return PlainTextResponse("", error.status_code, headers)


def describe(faults: Sequence[Any]) -> str:
    """Where the first faults are and what is wrong there; values are not repeated.

    >>> describe([{"loc": ("body", "k"), "msg": "Input should be less than or equal to 1000"}])
    'body.k: Input should be less than or equal to 1000.'
    """
    told = []
    for fault in faults[:_TOLD]:
        place = ".".join(str(part) for part in fault["loc"][:12])
        told.append(f"{place}: {str(fault['msg']).removeprefix('Value error, ')}")
    if len(faults) > _TOLD:
        told.append(f"and {len(faults) - _TOLD} more")
    return "; ".join(told) + "."
