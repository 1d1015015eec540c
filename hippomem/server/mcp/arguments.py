"""What each tool takes. The descriptions here and the types are what a model reads as the tool's schema."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hippomem.types import Kind


def _decoded(value: Any) -> Any:
    """Some hosts hand a list or an object over as a string of JSON; what is none is left to be refused."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


#: A hundred years in seconds: from there on "never" is meant, and calendars end somewhere.
LONGEST_TTL = 100 * 365.25 * 86400
Decoded = BeforeValidator(_decoded)
Metadata = Annotated[dict[str, Any], Decoded]
Ids = Annotated[list[str], Decoded]


class Arguments(BaseModel):
    """Arguments of a tool: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")

    namespace: str | None = Field(None, description="The memory space to use; leave it out for the default one.")


class Chosen(Arguments):
    """The filters that all tools share which look at what is there."""

    user: str | None = Field(None, description="Only memories of this user.")
    agent: str | None = Field(None, description="Only memories that this agent stored.")
    session: str | None = Field(None, description="Only memories of this conversation.")
    speaker: str | None = Field(None, description="Only what this person said.")
    kind: Kind | None = Field(
        None, description="Only knowledge (semantic), only events (episodic), or only how-tos (procedural)."
    )
    since: str | None = Field(
        None, description="Only what happened on or after this date or time, ISO 8601, e.g. 2026-03-01."
    )
    until: str | None = Field(None, description="Only what happened on or before this date or time, ISO 8601.")
    metadata: Metadata | None = Field(
        None,
        description="Only memories whose metadata match, all of: {name: value} for equality, or {name: {operator: operand}} "
        'with eq, ne, gt, gte, lt, lte, in, prefix; e.g. {"project": "atlas", "priority": {"gte": 2}}.',
    )

    def where(self) -> dict[str, Any]:
        """The filters that were given, as `hippomem.types.Where`."""
        given = self.model_dump(include=set(Chosen.model_fields) - set(Arguments.model_fields), exclude_none=True)
        return given | ({"as_of": as_of} if (as_of := getattr(self, "as_of", None)) is not None else {})


AS_OF = Field(
    None,
    description="Answer as of this date or time: what happened or was stored later is left out. ISO 8601.",
)
Query = Annotated[
    str,
    Field(
        description="A whole question or statement in natural language, with the names it is about, e.g. 'Which instrument "
        "does the captain of the RV Petrel play?'. No keyword lists, no pronouns."
    ),
]


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(description="user or assistant; system and tool messages are not kept.")
    content: str | list[Annotated[dict[str, Any], Decoded]] = Field(description="What was said.")
    name: str | None = Field(None, description="Who said it, where the role does not tell.")
    id: str | None = Field(None, description="Your own id of the message.")
    timestamp: str | Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        None, description="When it was said: ISO 8601, or seconds since 1970."
    )


class Remember(Arguments):
    """Arguments of ``remember``: a text, or messages."""

    text: str | None = Field(
        None,
        description="One self-contained statement or note, as it should be read months from now: names instead of "
        "pronouns, dates instead of 'tomorrow'. Give this or 'messages'.",
    )
    messages: Annotated[list[Message], Decoded] | None = Field(
        None, description="A conversation to keep as it is, oldest message first. Give this or 'text'.", min_length=1
    )
    title: str = Field("", description="What the text is about: a name or a short heading. For 'text' only.")
    kind: Kind | None = Field(
        None,
        description="semantic: a fact or preference (the default for text). episodic: something that happened (the default "
        "for messages). procedural: how something is done.",
    )
    occurred_at: str | None = Field(
        None,
        description="When it happened, became true or is due, ISO 8601, e.g. 2026-11-21 or 2026-11-21T18:30. "
        "Say 'yesterday' and 'next week' as dates.",
    )
    user: str | None = Field(None, description="Whose memory it is, if you talk to several users.")
    agent: str | None = Field(None, description="Your own name, if several agents share this memory.")
    session: str | None = Field(None, description="An id of this conversation; keeps its messages together.")
    speaker: str | None = Field(None, description="Who said the text.")
    metadata: Metadata | None = Field(None, description='Notes to filter by later, e.g. {"project": "atlas"}.')
    supersedes: Ids = Field(
        [],
        description="Ids of memories that this takes the place of, from recall or browse. They are kept, and marked.",
    )
    ttl: float | None = Field(
        None,
        gt=0,
        le=LONGEST_TTL,
        allow_inf_nan=False,
        description="Seconds until it is forgotten by itself; leave out to keep it for good.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.messages is None):
            raise ValueError("give either 'text' or 'messages', and not both")
        return self


class Recall(Chosen):
    """Arguments of ``recall``."""

    query: Query
    max_tokens: int = Field(
        1000, ge=100, le=20_000, description="The most that the returned block may take, in tokens."
    )
    k: int = Field(20, ge=1, le=100, description="How many passages to consider for it.")
    as_of: str | None = AS_OF


class Explain(Chosen):
    """Arguments of ``explain``."""

    query: Query
    k: int = Field(5, ge=1, le=20, description="How many passages to explain, best first.")
    as_of: str | None = AS_OF


class Browse(Chosen):
    """Arguments of ``browse``."""

    limit: int = Field(20, ge=1, le=100, description="How many memories to show.")
    after: str | None = Field(None, description="Go on after this memory id: 'next' of the page before.")
    newest_first: bool = Field(True, description="Newest first, or else oldest first.")
    as_of: str | None = AS_OF


class Correct(Arguments):
    """Arguments of ``correct``."""

    memory_id: str = Field(description="The memory to change, as recall, explain or browse gave it.")
    text: str | None = Field(None, description="The whole new text; it replaces the old one.")
    title: str | None = Field(None, description="The new title.")
    occurred_at: str | None = Field(None, description="When it really happened, ISO 8601.")
    kind: Kind | None = Field(None, description="The kind it should have had.")
    metadata: Metadata | None = Field(None, description="The new metadata; they replace the old ones.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for name, value in self if name not in ("memory_id", "namespace")):
            raise ValueError("nothing to change; give 'text', 'title', 'occurred_at', 'kind' or 'metadata'")
        return self


class Forget(Chosen):
    """Arguments of ``forget``: ids, or filters."""

    ids: Ids | None = Field(
        None, min_length=1, description="Memory ids to forget, all or none. Give these, or filters, and not both."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        # Without any filter it would be the whole namespace, which no model should do by leaving something out.
        if (self.ids is None) == (not self.where()):
            raise ValueError("give either 'ids', or at least one filter (user, session, since, …), and not both")
        return self


ToolName = Literal["remember", "recall", "explain", "browse", "correct", "forget"]
