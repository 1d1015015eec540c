"""Errors as a client gets them: ``{"error": {"type", "message", "request_id"}}``, with the status of `EDGE`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from hippomem.errors import (
    ForbiddenError,
    HippomemError,
    HostError,
    InputError,
    NotFoundError,
    RateLimitError,
    StoreBusyError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedMediaError,
    edge,
)

UNEXPECTED = "the server failed at this request; its log says where, under the request id."
#: The class that a status stands for, where a framework gave no more than the status.
_CLASSES: dict[int, type[HippomemError]] = {
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    413: TooLargeError,
    415: UnsupportedMediaError,
    421: HostError,
    429: RateLimitError,
    503: StoreBusyError,
}


class Answer(NamedTuple):
    """A whole response. headers: names in lower case; content-type and -length are among them."""

    status: int
    headers: dict[str, str]
    body: bytes


def error_body(kind: str, message: str, request_id: str | None) -> dict[str, Any]:
    """The body of every error, as JSON types."""
    return {"error": {"type": kind, "message": message, "request_id": request_id}}


def error_response(error: BaseException, request_id: str | None) -> Answer:
    """What a client gets for an error: of one that hippomem raises its own words, of any other that there was one.

    Carries ``retry-after`` (whole seconds) for RateLimitError and ``www-authenticate`` for UnauthenticatedError.
    """
    headers = {}
    if isinstance(error, RateLimitError):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, UnauthenticatedError):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, HippomemError):
        return _answer(edge(error).http_status, headers, type(error).__name__, str(error), request_id)
    return _answer(edge(error).http_status, headers, HippomemError.__name__, UNEXPECTED, request_id)


def in_contract(
    status: int, headers: Mapping[str, str], body: bytes, *, method: str, request_id: str | None
) -> Answer | None:
    """The error body for an error response that a framework made by itself; None for one that is as it should be.

    Made by itself are plain text, HTML, nothing, and ``{"detail": "…"}``.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    detail = ""
    if kind == "application/json":
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = {"detail": ""}
        if not isinstance(parsed, dict) or "error" in parsed or not isinstance(parsed.get("detail"), str):
            return None
        detail = parsed["detail"]
    elif kind not in ("", "text/plain", "text/html"):
        return None
    cls = _CLASSES.get(status, InputError if status < 500 else HippomemError)
    kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
    return _answer(status, kept, cls.__name__, _words(status, detail, method, headers.get("allow")), request_id)


def _words(status: int, detail: str, method: str, allow: str | None) -> str:
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else f"status {status}"
    if status >= 500:
        return UNEXPECTED if status == 500 else f"{phrase}."
    if detail not in ("", phrase):
        return detail
    if status == 404:
        return "there is nothing at this address; GET /openapi.json lists what there is."
    if status == 405:
        return f"this address does not take {method[:16]}; it takes {allow or 'other methods'}."
    return f"{phrase}."


def _answer(status: int, headers: dict[str, str], kind: str, message: str, request_id: str | None) -> Answer:
    body = json.dumps(error_body(kind, message, request_id), ensure_ascii=False).encode("utf-8", "replace")
    return Answer(status, {**headers, "content-type": "application/json", "content-length": str(len(body))}, body)
