"""The words that requests are made of, with their limits, descriptions and examples."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hippomem.types import Kind

#: What a name may be: something visible, and no control character.
NAME = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f\s][^\x00-\x1f\x7f]*$"
#: Characters.
LONGEST_TEXT = 5_000_000
LONGEST_QUERY = 20_000
#: Memories or messages of one request; more than that fits into several.
MOST_AT_ONCE = 10_000
MOST_QUERIES = 100
#: A hundred years in seconds: from there on "never" is meant, and calendars end somewhere.
LONGEST_TTL = 100 * 365.25 * 86400


def _date(what: str) -> Any:
    """A date as text: what the description promises is ISO 8601; other full dates, as people write them, are read too."""
    return Field(
        description=what + " ISO 8601 (a date, or date and time; without a zone: UTC).",
        max_length=100,
        json_schema_extra={"anyOf": [{"format": "date-time"}, {"format": "date"}]},
        examples=["2026-11-21T18:30:00Z"],
    )


def _whole(value: Any) -> Any:
    """JSON has one kind of numbers: 3.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Namespace = Annotated[
    str,
    Field(
        description="The tenant. Memories of one namespace are never seen from another.",
        min_length=1,
        max_length=200,
        pattern=NAME,
        examples=["default"],
    ),
]
Text = Annotated[
    str,
    Field(
        description="The content. It must hold a visible character.",
        min_length=1,
        max_length=LONGEST_TEXT,
        examples=["Comet Sorrel was discovered at Gull Rock Observatory."],
    ),
]
Title = Annotated[
    str,
    Field(
        description="What the text is about; of a chat turn, the speaker.", max_length=2000, examples=["Comet Sorrel"]
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=500, pattern=NAME)]
SourceId = Annotated[Name, Field(description="Your own id of it; it comes back in `source_ids`.", examples=["note-17"])]
User = Annotated[Name, Field(description="Whose memory it is.", examples=["anna"])]
Agent = Annotated[Name, Field(description="The agent that remembers it.", examples=["travel-bot"])]
Session = Annotated[Name, Field(description="The conversation or document it is part of.", examples=["chat-1"])]
Speaker = Annotated[Name, Field(description="Who said it.", examples=["Anna"])]
Position = Annotated[
    Whole, Field(description="Its place within the session, as a turn number.", ge=-(2**53), le=2**53, examples=[3])
]
KindOf = Annotated[Kind, Field(description="semantic: knowledge. episodic: an event. procedural: how to do something.")]
Metadata = Annotated[
    dict[str, Any],
    Field(description="Notes of your own, as JSON; searches can ask for them.", examples=[{"project": "atlas"}]),
]
OccurredAt = Annotated[str, _date("When it happened.")]
ExpiresAt = Annotated[str, _date("From when on it is forgotten.")]
Since = Annotated[str, _date("Only what happened then or later.")]
Until = Annotated[str, _date("Only what happened then or before; a day as a whole.")]
AsOf = Annotated[str, _date("As if asked then: leaves out what happened or was recorded later.")]
Ttl = Annotated[
    float,
    Field(
        description="Seconds until it is forgotten. Not together with `expires_at`.",
        gt=0,
        le=LONGEST_TTL,
        allow_inf_nan=False,
        examples=[86400],
    ),
]
MemoryId = Annotated[str, Field(min_length=1, max_length=200, examples=["m-5f0c7b6a1d2e3f4a5b6c7d8e"])]
Query = Annotated[
    str,
    Field(
        description="A question, or what the passages are to be about. It must hold a visible character.",
        min_length=1,
        max_length=LONGEST_QUERY,
        examples=["Where was Comet Sorrel discovered?"],
    ),
]
K = Annotated[Whole, Field(description="Passages wanted; fewer when there are fewer.", ge=1, le=1000)]
