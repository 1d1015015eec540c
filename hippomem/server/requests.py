"""Bodies and queries that the server takes. Unknown fields and wrong types are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from hippomem.server import fields as f
from hippomem.types import RetrieverName


class Body(BaseModel):
    """A JSON object as it is, without conversions: "5" is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, str_strip_whitespace=False)


class Params(BaseModel):
    """Query parameters; they are texts by nature, so that numbers and switches are read from them."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NamespaceParams(Params):
    """Which tenant a call is about."""

    namespace: f.Namespace = "default"


class Where(Body):
    """Which memories a call is about; all that is given must hold, and of one source of the memory together."""

    user: f.User | None = None
    agent: f.Agent | None = None
    session: f.Session | None = None
    speaker: f.Speaker | None = None
    kind: f.KindOf | None = None
    since: f.Since | None = None
    until: f.Until | None = None
    as_of: f.AsOf | None = None
    metadata: Annotated[
        dict[str, Any] | None,
        Field(
            description="Name → value for equality (of a list: one of its elements), or → {operator: operand} with the "
            'operators eq, ne, gt, gte, lt, lte, in (any of a list) and prefix. `{"a.b": …}` looks into objects.',
            examples=[{"project": "atlas", "page": {"gte": 10}}],
        ),
    ] = None

    def given(self) -> dict[str, Any]:
        """As keyword arguments; what was not given, or null, is left out."""
        return {name: value for name, value in self if value is not None}


class Ending(Body):
    """What may have an end."""

    model_config = ConfigDict(json_schema_extra=f.TTL_OR_EXPIRES_AT)

    ttl: f.Ttl | None = None
    expires_at: f.ExpiresAt | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.ttl is not None and self.expires_at is not None:
            raise ValueError("ttl and expires_at were both given; give one of them")
        return self


class Remembered(Ending):
    """What is remembered with a text, besides the text."""

    title: f.Title = ""
    source_id: f.SourceId | None = None
    kind: f.KindOf | None = None
    occurred_at: f.OccurredAt | None = None
    user: f.User | None = None
    agent: f.Agent | None = None
    session: f.Session | None = None
    speaker: f.Speaker | None = None
    position: f.Position | None = None
    metadata: f.Metadata | None = None
    supersedes: Annotated[
        list[f.MemoryId], Field(description="Ids of memories that it takes the place of.", max_length=1000)
    ] = []


class NewMemory(Remembered):
    """A text to remember."""

    text: f.Text


class AddText(NewMemory):
    """One text to remember."""

    namespace: f.Namespace = "default"


class AddMany(Body):
    """Many texts to remember, in one request: faster than one by one."""

    memories: Annotated[list[NewMemory], Field(min_length=1, max_length=f.MOST_AT_ONCE)]
    namespace: f.Namespace = "default"


class ChatMessage(BaseModel):
    """A message of a chat as the OpenAI client has it. What else it carries (tool calls and the like) is not kept."""

    model_config = ConfigDict(extra="allow", strict=True, use_attribute_docstrings=True)

    role: Annotated[
        Literal["user", "assistant", "system", "developer", "tool", "function"],
        Field(description="Who speaks. Of system, developer, tool and function nothing is kept."),
    ]
    content: Annotated[
        str | list[dict[str, Any]] | None,
        Field(description="What is said: a text, or a list of parts, of which those with a text are kept."),
    ] = None
    name: f.Name | None = None
    id: f.Name | None = None
    timestamp: Annotated[
        str | float | None, Field(description="When it was said: a date as text, or seconds since 1970.")
    ] = None
    created_at: Annotated[str | float | None, Field(description="The same.")] = None
    occurred_at: Annotated[str | float | None, Field(description="The same.")] = None
    date: Annotated[str | float | None, Field(description="The same.")] = None


class AddMessages(Ending):
    """Messages of a chat to remember, in the order in which they were said."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=f.MOST_AT_ONCE)]
    namespace: f.Namespace = "default"
    user: f.User | None = None
    agent: f.Agent | None = None
    session: f.Session | None = None
    kind: f.KindOf | None = None
    occurred_at: f.OccurredAt | None = None
    position: Annotated[
        f.Position | None, Field(description="The first message's; null for behind those that the session has.")
    ] = None
    metadata: f.Metadata | None = None


def _which_add(value: Any) -> str:
    """By the field that says what is added."""
    names = value if isinstance(value, dict) else vars(value) if isinstance(value, Body) else ()
    return next((name for name in ("memories", "messages") if name in names), "text")


Add = Annotated[
    Annotated[AddText, Tag("text")] | Annotated[AddMany, Tag("memories")] | Annotated[AddMessages, Tag("messages")],
    Discriminator(_which_add),
]


class Update(Ending):
    """What of a memory changes; what is left out, or null, stays."""

    model_config = ConfigDict(
        json_schema_extra={
            **f.TTL_OR_EXPIRES_AT,
            **f.one_given(
                text="string",
                title="string",
                kind="string",
                occurred_at="string",
                metadata="object",
                ttl="number",
                expires_at="string",
            ),
        }
    )

    namespace: f.Namespace = "default"
    text: f.Text | None = None
    title: f.Title | None = None
    kind: f.KindOf | None = None
    occurred_at: f.OccurredAt | None = None
    metadata: f.Metadata | None = None
    keep_history: bool = True
    """Keep what it said before, for `history`; false leaves no trace of it."""

    @model_validator(mode="after")
    def _something(self) -> Update:
        if not self.given():
            raise ValueError("nothing to change was given; give text, title, kind, occurred_at, metadata or an expiry")
        return self

    def given(self) -> dict[str, Any]:
        """What changes, as keyword arguments."""
        skip = {"namespace", "keep_history"}
        return {name: value for name, value in self if name not in skip and value is not None}


class Forget(Body):
    """Which memories to forget: by their ids, all or none; or all that a filter finds."""

    model_config = ConfigDict(json_schema_extra=f.IDS_OR_WHERE)

    namespace: f.Namespace = "default"
    ids: Annotated[list[f.MemoryId] | None, Field(min_length=1, max_length=f.MOST_AT_ONCE)] = None
    where: Where | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Forget:
        if (self.ids is None) == (self.where is None):
            raise ValueError("give ids or where, and not both")
        if self.where is not None and not self.where.given():
            raise ValueError("where is empty; to forget a whole namespace, DELETE /v1/namespaces/{namespace}")
        return self


class OneSearch(Body):
    """One query of a batch."""

    query: f.Query
    k: f.K = 10
    where: Where = Where()


class Search(OneSearch):
    """A search for passages."""

    namespace: f.Namespace = "default"
    retriever: RetrieverName = "hippomem"
    """How passages are ranked."""
    explain: bool = True
    """Say of each passage why it was found."""
    freshness: bool | None = None
    """Rank what was said later before what it contradicts; null for as the server was started."""


class SearchBatch(Body):
    """Several searches in one request."""

    namespace: f.Namespace = "default"
    queries: Annotated[list[OneSearch], Field(min_length=1, max_length=f.MOST_QUERIES)]
    retriever: RetrieverName = "hippomem"
    """How passages are ranked."""
    explain: bool = True
    """Say of each passage why it was found."""
    freshness: bool | None = None
    """Rank what was said later before what it contradicts; null for as the server was started."""


class RecallQuery(Body):
    """A context block for a prompt."""

    namespace: f.Namespace = "default"
    query: f.Query
    max_tokens: Annotated[int, Field(description="The block is at most so long.", ge=1, le=1_000_000), f.WHOLE] = 1000
    k: Annotated[int, Field(description="Passages that are looked at.", ge=1, le=1000), f.WHOLE] = 20
    where: Where = Where()
    freshness: bool | None = None
    """Rank what was said later before what it contradicts; null for as the server was started."""


class Question(Body):
    """A question that a chain of passages is to answer."""

    namespace: f.Namespace = "default"
    question: f.Query
    k: Annotated[int, Field(description="Passages that come with the answer.", ge=1, le=1000), f.WHOLE] = 5


class ListParams(NamespaceParams):
    """Which memories are listed, and from where on."""

    user: f.User | None = None
    agent: f.Agent | None = None
    session: f.Session | None = None
    speaker: f.Speaker | None = None
    kind: f.KindOf | None = None
    since: f.Since | None = None
    until: f.Until | None = None
    as_of: f.AsOf | None = None
    metadata: Annotated[
        str | None,
        Field(description="A JSON object, as `where.metadata` of a search.", examples=['{"page": {"gte": 10}}']),
    ] = None
    limit: Annotated[int, Field(description="At most so many.", ge=1, le=1000)] = 100
    after: Annotated[f.MemoryId | None, Field(description="The `next` of the page before.")] = None
    newest_first: bool = False
    """By when they were recorded, the latest first; otherwise by memory id."""
