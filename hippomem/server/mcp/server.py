"""The protocol: tools and resources over the SDK's server, each call in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

import hippomem
from hippomem.errors import HippomemError, InputError
from hippomem.server.mcp import resources
from hippomem.server.mcp.catalogue import BY_NAME, TOOLS, Entry, text
from hippomem.server.mcp.failures import protocol_error, refusal, unexpected, unknown_argument, wrong_arguments
from hippomem.server.mcp.progress import Reporter
from hippomem.server.mcp.tools import Call, Told

if TYPE_CHECKING:
    from hippomem.server.mcp.reach import Reach
    from hippomem.service.tenants import Tenants

Context = ServerRequestContext[Any, Any]
_T = TypeVar("_T")

#: Calls that write wait for each other; so many at most wait in threads of their own, and none in a reader's.
_WRITERS = 32
_READERS = 32


class McpServer:
    """The memory as an MCP server; `protocol` is what the SDK's transports serve.

    tenants: called with each request.    reach: whose memory the request of a context is about.
    """

    def __init__(self, tenants: Callable[[], Tenants], reach: Callable[[Context], Reach]) -> None:
        self._tenants = tenants
        self._reach = reach
        self._writers = anyio.CapacityLimiter(_WRITERS)
        self._readers = anyio.CapacityLimiter(_READERS)
        self.protocol: Server[Any] = Server(
            "hippomem",
            title="hippomem",
            version=hippomem.__version__,
            description="A long-term memory: multi-hop recall, exact forgetting, reasons for every result.",
            instructions=text("instructions"),
            get_tool_input_schema=lambda _: None,  # no argument of ours travels as a header
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    async def _list_tools(self, context: Context, _: Any) -> types.ListToolsResult:
        reach = self._reach(context)
        return types.ListToolsResult(tools=[entry.announced(reach) for entry in TOOLS if reach.may(entry.right)])

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            reach = self._reach(context)
            entry = BY_NAME.get(params.name)
            if entry is None:
                raise InputError(f"there is no tool '{params.name}'; there are {', '.join(BY_NAME)}.")
            given = checked(entry, reach, params.arguments or {})
            async with Reporter(context.session) as reporter:
                call = Call(self._tenants(), reach, reporter.report)
                told = await self._in_thread(entry.right == "write", entry.run, call, given)
        except HippomemError as error:
            refused = refusal(error)
            if isinstance(refused, MCPError):
                raise refused from error
            return refused
        except Exception as error:
            raise unexpected(error, f"the tool {params.name}") from error
        return result(told)

    async def _list_resources(self, context: Context, _: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(
            resources=await self._in_thread(False, resources.listed, self._reach(context), self._tenants())
        )

    async def _list_templates(self, context: Context, _: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=resources.templates(self._reach(context)))

    async def _read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            call = Call(self._tenants(), self._reach(context), lambda *_: None)
            read = await self._in_thread(False, resources.read, call, uri)
        except HippomemError as error:
            raise protocol_error(error) from error
        except Exception as error:
            raise unexpected(error, "reading the resource") from error
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=resources.MIME_TYPE, text=read)]
        )

    async def _in_thread(self, writes: bool, run: Callable[..., _T], *args: Any) -> _T:
        """Run what blocks. A call that is cancelled before it began does nothing; one that has begun is finished."""
        limiter = self._writers if writes else self._readers
        return await anyio.to_thread.run_sync(partial(run, *args), limiter=limiter)


def checked(entry: Entry, reach: Reach, given: dict[str, Any]) -> Any:
    """A tool's arguments as its type. Raises InputError, in a sentence for each thing that is wrong."""
    known = entry.arguments(reach)
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(f"{entry.name}: {'; '.join(unknown_argument(name, known) for name in unknown)}.")
    try:
        return entry.takes.model_validate(given)
    except ValidationError as error:
        raise wrong_arguments(entry.name, error, known) from error


def result(told: Told) -> types.CallToolResult:
    """A tool's result: words for the model, data for the program."""
    return types.CallToolResult(content=[types.TextContent(type="text", text=told.text)], structured_content=told.data)
