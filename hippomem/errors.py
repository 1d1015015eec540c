"""Every error hippomem raises on purpose, and what each becomes at the edges.

::

    HippomemError
    ├── ConfigError            an option, setting or optional package is wrong or missing
    ├── AccessError            a caller of a server may not do this
    │   ├── UnauthenticatedError  no API key, or one that is unknown, revoked or expired
    │   ├── ForbiddenError     the key does not reach this namespace, or has not the right
    │   ├── OriginError        a page of another origin asks
    │   │   └── HostError      a Host that this server is not served under
    │   ├── RateLimitError     too many requests with this key (carries ``retry_after``)
    │   ├── TooLargeError      the body is larger than the server takes
    │   └── UnsupportedMediaError  the body is not said to be JSON
    ├── InputError             what was handed in cannot be used
    │   ├── EmptyTextError     a memory without any text
    │   ├── EmptyQueryError    a query without any text
    │   ├── ReadError          a file or a part of it cannot be read (carries ``path``, and ``line``, ``row`` or ``page``)
    │   └── NotFoundError      no memory, passage or namespace of that name
    ├── StoreError             the store file
    │   ├── NotAStoreError     the file exists and is not a hippomem store
    │   ├── StoreMissingError  no file there, and this call does not create one
    │   ├── SchemaTooNewError  written by a newer hippomem
    │   ├── EmbedderMismatchError  written with another embedding model
    │   ├── StoreBusyError     another process kept the write lock for too long
    │   └── StoreFullError     no space is left on the disk; nothing was written
    ├── IndexingError          turning passages into the graph
    │   └── ExtractionError    one passage could not be extracted (stored as ``failed``, can be retried)
    ├── RetrievalError         answering a query
    │   └── EmptyResetError    personalized PageRank was given no seed with weight
    └── ModelError             an embedding model or an LLM
        ├── ModelFilesError    weights are missing or are not the expected bytes
        ├── ModelUnavailableError  unreachable, or 5xx after all retries
        │   └── ModelTimeoutError  no answer within the time allowed
        ├── ModelAuthError     the endpoint refused the key
        ├── ModelRateLimitError  still 429 after all retries
        ├── ContextOverflowError  the request is longer than the model or the account takes
        └── ModelOutputError   the model answered something that is not what was asked for

A message says what was asked, what is so, and what to do. ``EDGE`` is the one table that maps a class to a process exit
code, an HTTP status and an MCP (JSON-RPC) error code; a test fails when a class is missing from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple


class HippomemError(Exception):
    """Base of every error raised on purpose by hippomem."""


class ConfigError(HippomemError):
    """An option, a setting or an optional package is wrong or missing; the caller can mend it."""


class AccessError(HippomemError):
    """A caller of a server may not do what it asked for."""


class UnauthenticatedError(AccessError):
    """There is no API key, or it is unknown, revoked or expired."""


class ForbiddenError(AccessError):
    """The API key does not reach this namespace, or has not the right that the call needs."""


class OriginError(AccessError):
    """The request comes from a page of another origin than this server's."""


class HostError(OriginError):
    """The request names a Host that this server is not served under: a name made to point here (DNS rebinding)."""


class RateLimitError(AccessError):
    """Too many requests with one API key. retry_after: seconds until the next one is let in."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooLargeError(AccessError):
    """The body of a request is larger than the server takes."""


class UnsupportedMediaError(AccessError):
    """The body of a request is not said to be JSON, or is compressed."""


class InputError(HippomemError):
    """What was handed in cannot be used."""


class EmptyTextError(InputError):
    """A memory or passage has no text, or only white space."""


class EmptyQueryError(InputError):
    """A query has no text, or only white space."""


class ReadError(InputError):
    """A file, or one part of it, cannot be read.

    path: the file.    line, row, page: which part, from 1; all None when the whole file is meant.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        row: int | None = None,
        page: int | None = None,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.line = line
        self.row = row
        self.page = page
        super().__init__(f"{self.place}: {message}" if path is not None else message)

    @property
    def unit(self) -> Literal["line", "row", "page", "file"]:
        """What cannot be read."""
        if self.line is not None:
            return "line"
        if self.row is not None:
            return "row"
        return "file" if self.page is None else "page"

    @property
    def place(self) -> str:
        """``corpus.csv, line 7``."""
        name = printable(self.path)
        number = {"line": self.line, "row": self.row, "page": self.page, "file": None}[self.unit]
        return name if number is None else f"{name}, {self.unit} {number}"


class NotFoundError(InputError):
    """No memory, passage or namespace of that name."""


class StoreError(HippomemError):
    """The store file cannot be used as asked."""


class NotAStoreError(StoreError):
    """The file exists and is not a hippomem store."""


class StoreMissingError(StoreError):
    """There is no store at that path, and this call does not create one."""


class SchemaTooNewError(StoreError):
    """The store was written by a newer hippomem than this one."""


class EmbedderMismatchError(StoreError):
    """The store's vectors come from another embedding model than the one given."""


class StoreBusyError(StoreError):
    """Another process held the write lock for longer than the time allowed."""


class StoreFullError(StoreError):
    """No space is left on the disk. Nothing is half written; what was asked for may be asked for again."""


class IndexingError(HippomemError):
    """Passages could not be turned into the graph."""


class ExtractionError(IndexingError):
    """One passage could not be extracted; it is stored as ``failed`` with the reason and can be retried."""


class RetrievalError(HippomemError):
    """A query could not be answered. (An empty answer is no error: it means *no match*.)"""


class EmptyResetError(RetrievalError):
    """Personalized PageRank was given no seed with weight."""


class ModelError(HippomemError):
    """An embedding model or an LLM failed.

    transient: whether the same request may succeed later.    retry_after: seconds the server asks to wait, if it says.
    status: the HTTP status of the answer, None when there was none.
    endpoint_wide: no other request will fare better now (key, quota, model name, an outage); ends a run.
    usage: what the answer cost that could not be used (`hippomem.models.completion.Usage`), if there was one.
    """

    transient: bool = False
    retry_after: float | None = None
    status: int | None = None
    endpoint_wide: bool = False
    usage: Any = None


class ModelFilesError(ModelError):
    """Model files are missing or are not the expected bytes."""


class ModelUnavailableError(ModelError):
    """The endpoint is unreachable, timed out, or answered 5xx after all retries."""


class ModelTimeoutError(ModelUnavailableError):
    """The endpoint did not answer within the time allowed."""


class ModelAuthError(ModelError):
    """The endpoint refused the key (401 or 403); retrying will not help."""

    endpoint_wide = True


class ModelRateLimitError(ModelError):
    """The endpoint still answered 429 after all retries."""


class ContextOverflowError(ModelError):
    """The request is longer than the model's context, or than all that the account may send in a minute; split it."""


class ModelOutputError(ModelError):
    """The model answered, but not what was asked for (no JSON, wrong types, cut off)."""


class Edge(NamedTuple):
    """What an error class becomes outside Python."""

    exit_code: int
    http_status: int
    mcp_code: int


#: Exit codes: 1 unexpected, 2 configuration or usage, 3 input, 4 store, 5 indexing, 6 retrieval, 7 model, 8 access.
#: MCP codes are JSON-RPC's: -32602 invalid params, -32603 internal error, and -32003 to -32019 for ours: from -32020 on they
#: are the protocol's own (a client that reads -32020 sends its call again), and -32000 to -32002 have meant other things.
EDGE: dict[type[HippomemError], Edge] = {
    HippomemError: Edge(1, 500, -32603),
    ConfigError: Edge(2, 400, -32602),
    AccessError: Edge(8, 403, -32003),
    UnauthenticatedError: Edge(8, 401, -32004),
    ForbiddenError: Edge(8, 403, -32003),
    OriginError: Edge(8, 403, -32003),
    HostError: Edge(8, 421, -32003),
    RateLimitError: Edge(8, 429, -32005),
    TooLargeError: Edge(8, 413, -32006),
    UnsupportedMediaError: Edge(8, 415, -32007),
    InputError: Edge(3, 422, -32602),
    EmptyTextError: Edge(3, 422, -32602),
    EmptyQueryError: Edge(3, 422, -32602),
    ReadError: Edge(3, 422, -32602),
    NotFoundError: Edge(3, 404, -32602),
    StoreError: Edge(4, 500, -32010),
    NotAStoreError: Edge(4, 500, -32010),
    StoreMissingError: Edge(4, 404, -32010),
    SchemaTooNewError: Edge(4, 500, -32010),
    EmbedderMismatchError: Edge(4, 409, -32010),
    StoreBusyError: Edge(4, 503, -32011),
    StoreFullError: Edge(4, 507, -32012),
    IndexingError: Edge(5, 500, -32013),
    ExtractionError: Edge(5, 500, -32013),
    RetrievalError: Edge(6, 500, -32014),
    EmptyResetError: Edge(6, 500, -32014),
    ModelError: Edge(7, 502, -32015),
    ModelFilesError: Edge(7, 500, -32015),
    ModelUnavailableError: Edge(7, 503, -32016),
    ModelTimeoutError: Edge(7, 503, -32016),
    ModelAuthError: Edge(7, 502, -32017),
    ModelRateLimitError: Edge(7, 503, -32018),
    ContextOverflowError: Edge(7, 502, -32015),
    ModelOutputError: Edge(7, 502, -32019),
}


def printable(name: object) -> str:
    """*name* as text that any stream takes: bytes of a file name that are no Unicode become ``\\udc..``."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def edge(error: BaseException) -> Edge:
    """The exit code, HTTP status and MCP code of *error*; anything unknown counts as unexpected (1, 500, -32603)."""
    for cls in type(error).__mro__:
        if cls in EDGE:
            return EDGE[cls]
    return EDGE[HippomemError]
