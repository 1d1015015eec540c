"""Passages that wait, as the file of one job: as many as the vendor takes at once and the budget allows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from hippomem.models.batch_lines import Dialect, request_line
from hippomem.models.llm import Usage
from hippomem.store.readings import Wanted
from indexing.asking.batch._interim import Request, Scheme
from indexing.extract import PassageText

#: Passages taken from the store at a time.
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one job holds. OpenAI takes 50,000 requests and 200 MB."""

    requests: int = 50_000
    size: int = 180_000_000


@dataclass(slots=True)
class Block:
    """Request lines in a temporary file.

    requests: (custom_id, rows of passages) each.    after: the row up to which all passages that wait are in a job.
    expected: what it will take.    unaffordable: whether the budget ended it.
    """

    file: IO[bytes]
    requests: list[tuple[str, list[int]]] = field(default_factory=list)
    size: int = 0
    after: int = -1
    expected: Usage = Usage()
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
    pages: Callable[[int, int], list[Wanted]],
    after: int,
    writing: Writing,
    limits: Limits,
    affords: Callable[[Usage], bool],
) -> Block:
    """Write the next job's file. pages: (after, limit) → passages that wait, by row.    affords: whether the job may take that.

    Raises OSError when there is no room for the file.
    """
    block = Block(tempfile.TemporaryFile(prefix="hippomem-"), after=after)
    while page := pages(block.after, _PAGE):
        for group in _groups(page, writing.scheme):
            request = _request(group, writing.scheme)
            custom_id = group[0].row.passage_id
            line = request_line(custom_id, _body(request, writing))
            answer = min(writing.answer_tokens * len(group), request.max_tokens)
            expected = block.expected + Usage(request.prompt_tokens, round(answer), 1)
            if len(block.requests) == limits.requests or (block.requests and block.size + len(line) > limits.size):
                return block
            if not affords(expected):
                block.unaffordable = True
                return block
            block.file.write(line)
            block.size += len(line)
            block.expected = expected
            block.requests.append((custom_id, [each.row.passage_key for each in group]))
        block.after = page[-1].row.passage_key
    return block


def text_of(passage: Wanted) -> PassageText:
    """What a scheme sees of a passage."""
    return PassageText(passage.row.passage_id, passage.row.title, passage.row.text)


def _groups(page: list[Wanted], scheme: Scheme) -> Iterator[list[Wanted]]:
    """Passages that go together; one that failed before is asked about alone."""
    fresh = {passage.row.passage_id: passage for passage in page if not passage.attempts}
    for group in scheme.groups(text_of(passage) for passage in fresh.values()):
        yield [fresh[each.passage_id] for each in group]
    for passage in page:
        if passage.attempts:
            yield [passage]


def _request(group: list[Wanted], scheme: Scheme) -> Request:
    """The request about a group; with room for twice as long an answer where one was unusable before: it may have been cut."""
    request = scheme.request([text_of(passage) for passage in group])
    return replace(request, max_tokens=2 * request.max_tokens) if group[0].attempts else request


def _body(request: Request, writing: Writing) -> dict[str, Any]:
    return writing.dialect.body(
        writing.model,
        request.messages,
        json_schema=request.json_schema,
        schema_name=request.schema_name,
        max_tokens=request.max_tokens,
        extra_body=writing.extra_body,
    )
