"""A request on its way to a memory: whose it is, what it may, and the threads it runs in."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Literal, TypeVar, get_args

from fastapi import Depends
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from hippomem.errors import InputError
from hippomem.memory import Memory
from hippomem.server.access import Caller
from hippomem.server.running import Running
from hippomem.server.strict import check_text, read_json

T = TypeVar("T")
Right = Literal["read", "write", "admin"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Json(Response):
    """Plain JSON types, or our own frozen types in them, as an answer.

    Written where it is made, in a thread: a long one holds nobody up. The same JSON as by ``to_dict``, at an eighth of the
    cost for a search with its reasons.
    """

    media_type = "application/json"

    def __init__(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(to_json(value, inf_nan_mode="null"), status, headers)


class Call:
    """One request of a caller that is known and may do what this endpoint does.

    Its namespace is checked when it is named: a body says it only once it has been read.
    """

    def __init__(self, running: Running, caller: Caller, right: Right) -> None:
        self.running, self.caller, self.right = running, caller, right

    def check(self, namespace: str) -> None:
        """Raise ForbiddenError unless the caller may do this in the namespace."""
        self.caller.require(self.right, namespace)

    async def reading(self, namespace: str, work: Callable[[Memory], T], *queries: str) -> T:
        """What *work* finds in the namespace. queries: what it searches for, encoded before it is its turn.

        Raises ForbiddenError, NotFoundError (a namespace that holds nothing), and what *work* raises.
        """
        self.check(namespace)

        def run() -> T:
            with self.running.tenants.reading(namespace, *queries) as memory:
                return work(memory)

        return await self.running.read(run)

    async def writing(self, namespace: str, work: Callable[[Memory], T]) -> T:
        """Let *work* change the namespace. Raises ForbiddenError."""
        self.check(namespace)

        def run() -> T:
            with self.running.tenants.writing(namespace) as memory:
                return work(memory)

        return await self.running.write(run)


def needs(right: Right) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint with the right that its caller must have; `CheckedRoute` sees to it."""
    assert right in get_args(Right)

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.right = right  # type: ignore[attr-defined]
        return endpoint

    return mark


class CheckedRoute(APIRoute):
    """A route that knows its caller before it reads the body, and reads the body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's, with the checks before it."""
        handler = super().get_route_handler()
        right: Right | None = getattr(self.endpoint, "right", None)
        parameters = _query_parameters(self)

        async def checked(request: Request) -> Response:
            if right is not None:
                running: Running = request.app.state.running
                caller = await running.admit(request.scope)
                caller.require(right, None)
                request.state.call = Call(running, caller, right)
            _check_query(request, parameters)
            if self.body_field is not None:
                request._json = read_json(await request.body())
            return await handler(request)

        return checked


def _query_parameters(route: APIRoute) -> frozenset[str]:
    """Names that the query of a route may have."""
    names: set[str] = set()
    for field in route.dependant.query_params:
        model = getattr(field.field_info, "annotation", None)
        names |= set(getattr(model, "model_fields", None) or {field.alias})
    return frozenset(names)


def _check_query(request: Request, known: Sequence[str] | frozenset[str]) -> None:
    """Refuse parameters that are not known, given twice, or no text that can be stored."""
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name not in known:
            which = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise InputError(f"this path has no query parameter {json.dumps(name[:80])}; {which}.")
        if name in seen:
            raise InputError(f"the query parameter '{name}' was given twice; give it once.")
        seen.add(name)
        check_text(value, f"the query parameter '{name}'")
    for name, value in request.path_params.items():
        check_text(str(value), f"the {name} in the path")


async def _call(request: Request) -> Call:
    call: Call = request.state.call
    return call


async def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


#: What endpoints take.
ACall = Annotated[Call, Depends(_call)]
ARunning = Annotated[Running, Depends(_running)]
