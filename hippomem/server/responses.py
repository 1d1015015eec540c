"""What the server answers, as OpenAPI describes it: the `to_dict` of `hippomem.types`, field by field.

The models describe and nothing else: answers are written straight from `to_dict`, and tests hold the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hippomem.types import Kind, NodeKind, PassageState


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


class ErrorBody(Answer):
    """What went wrong, and what to do about it."""

    type: Annotated[str, Field(examples=["NotFoundError"])]
    """The class of the error (`hippomem.errors`)."""
    message: Annotated[str, Field(examples=["no memory 'm-17' in the namespace 'default'."])]
    """What was asked, what is so, what to do."""
    request_id: Annotated[str, Field(examples=["6f1c2f0b8c1e4d3f"])]
    """Also in the header `x-request-id` and in the server's log."""


class Error(Answer):
    """The body of every answer that is not a success."""

    error: ErrorBody


class Source(Answer):
    """One place a memory came from."""

    source_id: str | None
    kind: Kind
    user: str | None
    agent: str | None
    session: str | None
    speaker: str | None
    position: int | None
    metadata: dict[str, Any]
    recorded_at: str
    """When it was last handed in from there, ISO 8601, UTC."""


class MemoryRecord(Answer):
    """A stored memory."""

    memory_id: str
    """Stable across updates."""
    namespace: str
    title: str
    text: str
    occurred_at: str | None
    """When it happened, ISO 8601."""
    recorded_at: str
    """When it was first handed in."""
    sources: list[Source]
    passage_ids: list[str]
    states: list[PassageState]
    """Of each passage: `ready` once all is indexed."""
    expires_at: str | None
    superseded_by: str | None
    """The memory that says otherwise since, or was said to take its place."""
    supersedes: list[str]
    """Those whose place it was said to take."""


class MemoryVersion(Answer):
    """What a memory said for a while."""

    title: str
    text: str
    occurred_at: str | None
    recorded_at: str
    replaced_at: str | None
    """Null for what it says now."""


class AddReport(Answer):
    """What became of the texts of one request."""

    memory_ids: list[str]
    """One per text, in the order given; a duplicate has the id of the memory it fell into."""
    added: int
    duplicates: int
    failed: int
    """Texts of which an LLM extractor could not read one; they are searchable all the same."""
    seconds: dict[str, float]
    """Wall time by stage."""
    usage: dict[str, int]
    """Tokens spent on an LLM."""
    new: list[bool]
    """One per text: whether it was not there before."""
    replaced: int
    """Texts of before that one of these took the place of, as the same document of the same origin."""
    stopped: str
    """Why an LLM was not asked about all texts; empty otherwise."""


class Seed(Answer):
    """A node the walk started from, with its share of the start."""

    kind: NodeKind
    name: str
    weight: float


class FactEvidence(Answer):
    """A fact that speaks for a passage."""

    text: str
    score: float
    """Cosine between query and fact."""
    passage_id: str


class PathStep(Answer):
    """One node on the way from a seed to the passage."""

    kind: NodeKind
    text: str
    passage_id: str | None


class Why(Answer):
    """The reasons for one hit."""

    retriever: str
    seeds: list[Seed]
    facts: list[FactEvidence]
    path: list[PathStep]
    """Alternating nodes from a seed to this passage; empty when it was found without the graph."""
    scores: dict[str, float]
    """The named parts of the score."""
    note: str


class Hit(Answer):
    """One ranked passage."""

    passage_id: str
    memory_id: str
    title: str
    text: str
    score: float
    """Comparable within one result only."""
    rank: int
    """From 1."""
    source_ids: list[str]
    occurred_at: str | None
    why: Why | None
    recorded_at: str
    sources: list[Source]
    """Under a filter, those that pass it."""
    superseded_by: str | None
    """The memory that says otherwise since."""


class SearchResult(Answer):
    """Hits in rank order. No hits means no match, never that something broke."""

    query: str
    retriever: str
    note: str
    """Set when the retriever stepped back, in words."""
    seconds: dict[str, float]
    """Wall time by stage."""
    hits: list[Hit]


class Citation(Answer):
    """A numbered passage of a context block."""

    number: int
    memory_id: str
    passage_id: str
    title: str
    text: str
    occurred_at: str | None
    score: float
    source_ids: list[str]
    superseded_by: str | None


class Recall(Answer):
    """A context block for a prompt, and what stands in it."""

    query: str
    text: str
    """The block, marked as quoted data; empty when nothing was found."""
    tokens: int
    citations: list[Citation]
    """In the order of the block, most useful first."""
    omitted: int
    """Hits that did not fit or repeated others."""
    note: str


class TrailStep(Answer):
    """One passage of a trail, and the sentence of it that the trail takes."""

    passage_id: str
    title: str
    sentence: str
    joined_by: str
    """The name that joins it to the step before; empty where the question itself leads here."""
    after: int | None
    """Position of that step."""
    score: float
    source_ids: list[str]


class Trail(Answer):
    """The chain of passages and sentences that leads to an answer, found without an LLM."""

    kind: Literal["trail"]
    question: str
    steps: list[TrailStep]
    score: float
    retrieval: SearchResult
    """The search that it was found in."""


class Stats(Answer):
    """Counts over one namespace."""

    namespace: str | None
    memories: int
    passages: int
    facts: int
    entities: int
    mentions: int
    synonym_edges: int
    pending: int
    """Passages that are not indexed yet, or that an LLM is still to read."""
    failed: int
    """Passages whose extraction failed; they are searchable by their sentences."""
    purge_due: bool
    """Whether the file may hold copies of forgotten text in unused space: `hippomem purge`."""
    embedder: str
    schema_version: int
    bytes: int
    """Size of the whole store, all namespaces."""
    llm: dict[str, float]
    """What all runs with an LLM have cost: runs, calls, prompt_tokens, completion_tokens, usd."""


class MemoryPage(Answer):
    """Some memories, and where to go on."""

    memories: list[MemoryRecord]
    next: str | None
    """Give it as `after` to have the next page; null on the last."""
    total: int
    """Memories that the filter lets through, on all pages."""


class History(Answer):
    """What a memory said, oldest first; the last is what it says now."""

    versions: list[MemoryVersion]


class Forgotten(Answer):
    """How many memories are gone."""

    forgotten: int


class SearchResults(Answer):
    """One result for each query, in their order."""

    results: list[SearchResult]


class Namespaces(Answer):
    """Namespaces that hold something and that the key may read, sorted."""

    namespaces: list[str]


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]


class Ready(Answer):
    """Store and model are open."""

    status: Literal["ready"]
