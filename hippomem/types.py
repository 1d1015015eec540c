"""The nouns that cross layers: what is handed in, what is stored, what comes back.

All are frozen. ``to_dict`` gives plain JSON types under the same names everywhere (CLI, REST, MCP, files).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict, overload

Kind = Literal["semantic", "episodic", "procedural"]
FactKind = Literal["sentence", "triple"]
PassageState = Literal["pending", "extracted", "failed", "ready"]
NodeKind = Literal["entity", "fact", "passage"]
CorpusFormat = Literal["jsonl", "csv", "tsv", "parquet", "text", "lines", "markdown", "html", "pdf"]
ExtractorName = Literal["builtin", "llm", "recorded"]
RetrieverName = Literal["bm25", "dense", "hipporag1", "hipporag2", "hippomem"]


@dataclass(frozen=True, slots=True)
class Document:
    """A text to remember, with where it comes from.

    text: the content; must hold a non-space character.    title: what the text is about (for a chat turn: the speaker).
    source_id: the caller's own id of it; comes back in ``Hit.source_ids``.
    occurred_at: when it happened, ISO 8601, part of the identity: two equal turns on two days are two memories.
    position: place within ``session`` (turn number); neighbours in a session are neighbours in time.
    expires_at: from when on it is forgotten, ISO 8601; None for never.    supersedes: memory ids that it takes the place of.
    origin: within what ``source_id`` is unique, as a file; a document of the same origin and source_id that was added
    before and says something else is forgotten at the end of the `Memory.add_many` that brings this one.
    """

    text: str
    title: str = ""
    source_id: str | None = None
    kind: Kind = "semantic"
    occurred_at: str | None = None
    user: str | None = None
    agent: str | None = None
    session: str | None = None
    speaker: str | None = None
    position: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    expires_at: str | None = None
    supersedes: tuple[str, ...] = ()
    origin: str | None = field(default=None, compare=False)


#: A message of a chat as the OpenAI client has it: ``role`` and ``content`` (text, or a list of parts), and if wanted
#: ``name``, ``id``, ``metadata`` and when it was said (``timestamp``, ``created_at``, ``occurred_at`` or ``date``; text, or
#: seconds since 1970).
Message = Mapping[str, Any]


class Telling(TypedDict, total=False):
    """What may be said of a content when it is added; see `Memory.add`.

    title: what it is about.    source_id: the caller's own id of it.    kind: "semantic" where it is left out, of messages
    "episodic".    speaker: who says it, which "I" means; of messages the name, or else the user.
    occurred_at: when it happened; where it is left out, a time that the message carries or that the text opens with
    ("[2026-11-21 18:30] …"). It may lie in the future.
    position: its turn in the session; of messages the first one's, by default behind the turns that are there.
    supersedes: ids of memories whose place it takes; they stay, marked and ranked behind.
    ttl: seconds until it is forgotten (infinity: never), or expires_at the time.
    """

    title: str
    source_id: str | None
    kind: Kind | None
    occurred_at: str | datetime | None
    user: str | None
    agent: str | None
    session: str | None
    speaker: str | None
    position: int | None
    metadata: Mapping[str, Any] | None
    supersedes: str | Sequence[str]
    ttl: float | timedelta | None
    expires_at: str | datetime | None


class Where(TypedDict, total=False):
    """Which memories a call is about. All that is given must hold, and of one source of the memory together.

    user, agent, session, speaker, kind: as given to `Memory.add`.
    since, until: when it happened, or was last recorded where no time was given; both inclusive, a day as a whole.
    as_of: leaves out what happened or was recorded later, and what retires something only then.
    metadata: name → value for equality (of a list: one of its elements), or → {operator: operand} with the operators eq, ne,
    gt, gte, lt, lte (numbers, or texts), in (any of a list) and prefix (of a text). ``{"a.b": …}`` looks into objects.
    """

    user: str
    agent: str
    session: str
    speaker: str
    kind: Kind
    since: str | datetime
    until: str | datetime
    as_of: str | datetime
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Triple:
    """A fact as an LLM states it: (subject, predicate, object)."""

    subject: str
    predicate: str
    object: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor read in one passage: named entities and triples, both in the extractor's own order."""

    entities: tuple[str, ...] = ()
    triples: tuple[Triple, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One place a memory came from. Equal content from two places is one memory with two sources.

    recorded_at: when it was last handed in from there, ISO 8601, UTC.
    """

    source_id: str | None = None
    kind: Kind = "semantic"
    user: str | None = None
    agent: str | None = None
    session: str | None = None
    speaker: str | None = None
    position: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    recorded_at: str = ""


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A stored memory. ``memory_id`` is stable across updates and never shared between namespaces.

    recorded_at: when it was first handed in.    superseded_by: the memory that now says otherwise, or was said to take its
    place.    supersedes: those whose place it was said to take.
    """

    memory_id: str
    namespace: str
    title: str
    text: str
    occurred_at: str | None
    recorded_at: str
    sources: tuple[Source, ...]
    passage_ids: tuple[str, ...]
    states: tuple[PassageState, ...]
    expires_at: str | None = None
    superseded_by: str | None = None
    supersedes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MemoryVersion:
    """What a memory said for a while. replaced_at: None for what it says now."""

    title: str
    text: str
    occurred_at: str | None
    recorded_at: str
    replaced_at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Seed:
    """A node the walk started from. weight: its share of the reset distribution, in (0, 1]."""

    kind: NodeKind
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class FactEvidence:
    """A fact that speaks for a passage. score: cosine between query and fact, in [-1, 1]."""

    text: str
    score: float
    passage_id: str


@dataclass(frozen=True, slots=True)
class PathStep:
    """One node on the way from the query's best seed to the passage. ``text`` is what a person reads."""

    kind: NodeKind
    text: str
    passage_id: str | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons for one hit.

    seeds: where the walk started, heaviest first.    facts: the passage's own facts nearest to the query, best first.
    path: alternating nodes from a seed to this passage; empty when the passage was found without the graph.
    scores: the named parts of the final score.    note: set when something stepped back (for instance to dense ranking).
    """

    retriever: str
    seeds: tuple[Seed, ...] = ()
    facts: tuple[FactEvidence, ...] = ()
    path: tuple[PathStep, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked passage. rank counts from 1; score is comparable within one result only.

    sources: where its memory came from; under a filter, those that pass it.    source_ids: their ids, sorted.
    superseded_by: the memory that says otherwise since.
    """

    passage_id: str
    memory_id: str
    title: str
    text: str
    score: float
    rank: int
    source_ids: tuple[str, ...] = ()
    occurred_at: str | None = None
    why: Why | None = None
    recorded_at: str = ""
    sources: tuple[Source, ...] = ()
    superseded_by: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[Hit]):
    """Hits in rank order, ties broken by ``passage_id``. An empty result means *no match*, never *something broke*.

    note: set when the retriever stepped back, in words.    seconds: wall time by stage.
    """

    query: str
    retriever: str
    hits: tuple[Hit, ...] = ()
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "query": self.query,
            "retriever": self.retriever,
            "note": self.note,
            "seconds": dict(self.seconds),
            "hits": [hit.to_dict() for hit in self.hits],
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered passage of a context block. number: as in the block, from 1."""

    number: int
    memory_id: str
    passage_id: str
    title: str
    text: str
    occurred_at: str | None
    score: float
    source_ids: tuple[str, ...] = ()
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """A context block for a prompt, and what stands in it.

    text: the block, marked as quoted data; empty when nothing was found.    tokens: its length, as it was counted.
    citations: in the order of the block, most useful first.    omitted: hits that did not fit or repeated others.
    """

    query: str
    text: str
    tokens: int
    citations: tuple[Citation, ...] = ()
    omitted: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of the documents of one ``add_many``.

    memory_ids: one per document, in the order given (a duplicate has the id of the memory it fell into).
    added, duplicates: counts of documents.    failed: passages whose extraction failed just now.
    replaced: documents of before that were forgotten because one of the same origin and source id says something else now.
    stopped: why an LLM was not asked about all passages (a budget); empty otherwise.
    seconds: wall time by stage.    usage: tokens spent on an LLM.    new: one per document, whether it was not there before.
    """

    memory_ids: tuple[str, ...]
    added: int
    duplicates: int
    failed: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    new: tuple[bool, ...] = ()
    replaced: int = 0
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run with an LLM has cost, and how it ended.

    ended_at, outcome: None while it runs, and for ever if it was killed; outcome: finished, stopped, budget, or the error.
    usd: None where no price was known.    answered, failed: passages.    reused: answers that were there already.
    """

    started_at: str
    ended_at: str | None
    outcome: str | None
    model: str
    prompt: str
    options: Mapping[str, Any]
    calls: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None
    answered: int
    failed: int
    reused: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over one namespace, or over the whole store when ``namespace`` is None.

    pending: passages that are not indexed yet, or that an LLM is still to read.    failed: whose extraction failed.
    llm: what all runs with an LLM have cost: runs, calls, prompt_tokens, completion_tokens, and usd where prices were known.
    """

    namespace: str | None
    memories: int
    passages: int
    facts: int
    entities: int
    mentions: int
    synonym_edges: int
    pending: int
    failed: int
    purge_due: bool
    embedder: str
    schema_version: int
    bytes: int
    llm: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `Memory.check` found, in sentences.

    damage: what is wrong with the store itself.    generations: folders of files beside it that are as they were written.
    removed: such as could not be used; the next search makes them anew.    left: such as could not be removed either.
    """

    store: str
    schema_version: int
    damage: tuple[str, ...]
    generations: int
    removed: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the store itself is: what stands beside it can always be made anew."""
        return not self.damage

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "is_sound": self.is_sound}
