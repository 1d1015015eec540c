"""Words that the OpenAPI description repeats at many routes: errors by status, and who may call."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hippomem.server.responses import Error

DESCRIPTION = """A long-term memory for agents: add texts and messages, recall them within a token budget, correct and forget
them, keep tenants apart. Every path works without an LLM.

Every answer that is not a success has the same body, with the class of the error, what to do about it, and the request id.
Bodies are JSON in UTF-8, with unknown fields refused. Dates are ISO 8601.
"""

_WORDS = {
    400: "A setting of the server does not allow this.",
    401: "No API key, or one that is unknown, revoked or expired.",
    403: "The key does not reach this namespace or has not the right, or the Origin is not this server's.",
    404: "No memory or namespace of that name (also for those of other tenants).",
    409: "The store was written with another embedding model than the server's.",
    413: "The body is larger than the server takes.",
    415: "The body is not `application/json`.",
    421: "The Host is none that this server is served under.",
    422: "The request cannot be used; the message names the places.",
    429: "Too many requests with this key; `retry-after` says when the next one is let in.",
    500: "Something unexpected; the server's log has it under the request id.",
    502: "The embedding endpoint did not do its part.",
    503: "Busy, or not ready yet; try again in a moment.",
    507: "The disk is full; nothing of this request was stored.",
}
_RETRY_AFTER = {
    "retry-after": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}, "required": True}
}
_CHALLENGE = {"www-authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}, "required": True}}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of errors that a route may answer with, for its ``responses=``."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in sorted(statuses):
        described[status] = {"model": Error, "description": _WORDS[status]}
        if status == 429:
            described[status]["headers"] = _RETRY_AFTER
        if status == 401:
            described[status]["headers"] = _CHALLENGE
    return described


#: What any route behind a key may answer with; the rest depends on what it does.
COMMON = (401, 403, 421, 422, 429, 500, 503)
READ = (*COMMON, 404, 409)
BODY = (413, 415)
WRITE = (*COMMON, *BODY, 404, 409, 502, 507)


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of an app, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            license_info=app.license_info,
        )
        schemas = made["components"]["schemas"]
        for operation in (each for methods in made["paths"].values() for each in methods.values()):
            for response in operation["responses"].values():
                if response["description"] == "Successful Response":
                    [content] = response["content"].values()
                    response["description"] = schemas[content["schema"]["$ref"].rpartition("/")[2]]["description"]
        # FastAPI describes its own 422 body where a route has parameters; ours replaces it, and nobody refers to it then.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = made
    return app.openapi_schema
