"""Passages that wait, as the file of one job: as many as the vendor takes at once and the budget allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from hippomem.models.batch_lines import request_line
from hippomem.models.dialect import Dialect
from hippomem.models.llm import Usage
from hippomem.store.readings import Wanted
from indexing.asking.ledger import text_of
from indexing.extract.llm import Request, Scheme

#: Passages taken from the store at a time.
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one job holds. OpenAI takes 50,000 requests and 200 MB."""

    requests: int = 50_000
    size: int = 180_000_000


@dataclass(slots=True)
class Block:
    """Request lines in a file.

    requests: (custom_id, rows of passages) each.    after: the row up to which all passages that wait are in a job.
    expected: what it will take.    full: whether the next request has no room.    unaffordable: because of the budget.
    """

    file: IO[bytes]
    requests: list[tuple[str, list[int]]] = field(default_factory=list)
    size: int = 0
    after: int = -1
    expected: Usage = Usage()
    full: bool = False
    unaffordable: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """How requests are made. answer_tokens: expected of an answer about one passage."""

    scheme: Scheme
    model: str
    dialect: Dialect
    extra_body: Mapping[str, Any]
    answer_tokens: float


def write_block(
    file: IO[bytes],
    pages: Callable[[int, int], list[Wanted]],
    after: int,
    writing: Writing,
    limits: Limits,
    affords: Callable[[Usage], bool],
) -> Block:
    """Write the next job's file.

    pages: (after, limit) → passages that wait, by row.    affords: whether a job may take that much.
    Raises OSError when there is no room for the file.
    """
    block = Block(file, after=after)
    while not block.full and (page := pages(block.after, _PAGE)):
        for group in _groups(page, writing.scheme):
            _add(block, group, writing, limits, affords)
            if block.full:
                break
        else:
            block.after = page[-1].row.passage_key
    file.flush()
    return block


def _add(block: Block, group: list[Wanted], writing: Writing, limits: Limits, affords: Callable[[Usage], bool]) -> None:
    """Add the request about a group, or say that there is no room for it."""
    request = _request(group, writing.scheme)
    custom_id = group[0].row.passage_id
    line = request_line(custom_id, _body(request, writing))
    answer = min(writing.answer_tokens * len(group), request.max_tokens)
    expected = block.expected + Usage(request.prompt_tokens, round(answer), 1)
    if len(block.requests) == limits.requests or (block.requests and block.size + len(line) > limits.size):
        block.full = True
    elif not affords(expected):
        block.full = block.unaffordable = True
    else:
        block.file.write(line)
        block.size += len(line)
        block.expected = expected
        block.requests.append((custom_id, [each.row.passage_key for each in group]))


def _groups(page: list[Wanted], scheme: Scheme) -> Iterator[list[Wanted]]:
    """Passages that go together; one that failed before is asked about alone."""
    fresh = {passage.row.passage_id: passage for passage in page if not passage.attempts}
    for group in scheme.groups(text_of(passage) for passage in fresh.values()):
        yield [fresh[each.passage_id] for each in group]
    for passage in page:
        if passage.attempts:
            yield [passage]


def _request(group: list[Wanted], scheme: Scheme) -> Request:
    """The request about a group; with room for twice as long an answer if one was unusable: it may have been cut."""
    request = scheme.request([text_of(passage) for passage in group])
    return replace(request, max_tokens=2 * request.max_tokens) if group[0].attempts else request


def _body(request: Request, writing: Writing) -> dict[str, Any]:
    question = writing.dialect.question(
        request.messages,
        json_schema=request.json_schema,
        schema_name=request.schema_name,
        max_tokens=request.max_tokens,
    )
    return {"model": writing.model, **question.body(), **writing.extra_body}
