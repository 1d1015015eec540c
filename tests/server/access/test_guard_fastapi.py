"""The Guard among the middleware of a FastAPI app, which has answers of its own to everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hippomem.errors import StoreFullError
from hippomem.server.access import Guard


@pytest.fixture(params=["around", "within"])
def client(request: pytest.FixtureRequest, running: Any) -> Iterator[httpx.Client]:
    """A client of an app that takes 1,000 bytes, with the Guard around all of it or added as its middleware."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/v1/echo")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @app.get("/v1/full")
    def full() -> None:
        raise StoreFullError("the disk is full.")

    @app.get("/v1/fail")
    def fail() -> None:
        raise KeyError("Anna")

    switch, port = running
    if request.param == "around":
        switch.app = Guard(app, max_body=1000)
    else:
        app.add_middleware(Guard, max_body=1000)
        switch.app = app
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as client:  # noqa: S501 - no TLS
        yield client


def endless() -> Iterator[bytes]:
    """A body whose length is not said."""
    for _ in range(50):
        yield b"x" * 100


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "kind"),
    [
        ("GET", "/v1/full", {}, 507, "StoreFullError"),
        ("GET", "/v1/fail", {}, 500, "HippomemError"),
        ("GET", "/v1/nosuch", {}, 404, "NotFoundError"),
        ("GET", "/v1/echo", {}, 405, "InputError"),
        ("POST", "/v1/echo", {"data": {"a": "b"}}, 415, "UnsupportedMediaError"),
        ("POST", "/v1/echo", {"json": {"a": "b" * 1000}}, 413, "TooLargeError"),
        (
            "POST",
            "/v1/echo",
            {"content": endless(), "headers": {"content-type": "application/json"}},
            413,
            "TooLargeError",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_answer_is_the_same_wherever_the_guard_stands(
    client: httpx.Client, method: str, path: str, sent: dict[str, Any], status: int, kind: str
) -> None:
    """A body over the limit is 413 and not FastAPI's 400; an error of ours has its status and not 500."""
    if "content" in sent:  # an iterator serves once
        sent = {**sent, "content": endless()}
    response = client.request(method, path, **sent)
    assert (response.status_code, response.json()["error"]["type"]) == (status, kind)
    assert response.headers["x-request-id"] == response.json()["error"]["request_id"]
    assert response.headers["cache-control"] == "no-store"
    assert "Anna" not in response.text
