"""How passages become calls, and answers become facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hippomem.errors import ConfigError, ExtractionError, ModelOutputError
from hippomem.models.llm import Completion
from hippomem.types import Extraction
from indexing.extract import PassageText
from indexing.extract.llm import reading
from indexing.extract.llm.answers import read_facts, read_several
from indexing.extract.llm.request import (
    Form,
    Request,
    entities_request,
    facts_request,
    facts_schema,
    prompt,
    several_schema,
    triples_request,
)

#: Longest passage, in characters, that shares a call. Sharing saves the prompt's 300 tokens a passage: half of what a short
#: one costs, a tenth of what a long one does, whose answer is long too and likelier to be cut or to run into the next.
SHORT_CHARACTERS = 2000
#: Most characters of passages in one call (about 1,800 tokens, with an answer of about 2,300).
CALL_CHARACTERS = 8000
#: Tokens that an answer may have, for the first passage of a call and for each further one: ten times, and four times,
#: what a passage of 500 characters takes, because models that think spend more.
FIRST_TOKENS = 2048
MORE_TOKENS = 512


@dataclass(frozen=True)
class Scheme:
    """What a run asks. Frozen: what is stored under ``version`` was asked in just this way.

    passages_per_call: short passages that go into one call at most, >= 1.
    calls: 1 asks for entities and triples together; 2 for entities first and then for triples about them, as HippoRAG does.
    form: "compact" refers to entities by number, "plain" writes every name out (for models that cannot count).
    Raises ConfigError: two calls are about one passage at a time, and know the plain form only.
    """

    passages_per_call: int = 1
    calls: Literal[1, 2] = 1
    form: Form = "compact"

    def __post_init__(self) -> None:
        if self.passages_per_call < 1:
            raise ConfigError(f"passages_per_call is {self.passages_per_call}; give at least 1")
        if self.calls not in (1, 2):
            raise ConfigError(
                f"calls is {self.calls}; give 1 (entities and triples together) or 2 (one after the other)"
            )
        if self.calls == 2 and self.passages_per_call > 1:
            raise ConfigError(f"passages_per_call is {self.passages_per_call}, but calls=2 asks about one at a time")

    @cached_property
    def version(self) -> str:
        """Of words and shape: ``compact-5f1c0a9e``. The same for every ``passages_per_call``: what a passage says does not
        depend on its neighbours in a call.
        """
        if self.calls == 2:
            name, words = "two-calls", prompt("entities") + prompt("triples")
        else:
            words = prompt("compact" if self.form == "compact" else "facts") + prompt("several")
            words += json.dumps([facts_schema(self.form), several_schema(self.form)], sort_keys=True)
            name = self.form
        return f"{name}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"

    def groups(self, passages: Iterable[PassageText]) -> Iterator[list[PassageText]]:
        """What goes into one call each, as the passages come; holds back one group at most. Long ones go alone."""
        waiting: list[PassageText] = []
        size = 0
        for passage in passages:
            length = len(passage.title) + len(passage.text)
            if self.passages_per_call == 1 or length > SHORT_CHARACTERS:
                yield [passage]
                continue
            if waiting and size + length > CALL_CHARACTERS:
                yield waiting
                waiting, size = [], 0
            waiting.append(passage)
            size += length
            if len(waiting) == self.passages_per_call:
                yield waiting
                waiting, size = [], 0
        if waiting:
            yield waiting

    def request(self, group: Sequence[PassageText], *, max_tokens: int | None = None, complaint: str = "") -> Request:
        """The one call about all of *group*. complaint: why an earlier answer was of no use, told to the model.

        With two calls this is the first, for the entities. The form for one passage differs from that for several.
        """
        if max_tokens is None:
            max_tokens = FIRST_TOKENS + MORE_TOKENS * (len(group) - 1)
        if self.calls == 2:
            return entities_request(group[0], max_tokens=max_tokens, complaint=complaint)
        return facts_request(group, self.form, max_tokens=max_tokens, complaint=complaint)

    def second_request(
        self, passage: PassageText, entities: Sequence[str], *, max_tokens: int | None = None, complaint: str = ""
    ) -> Request:
        """The second of two calls: triples about the entities that the first one found."""
        return triples_request(passage, entities, max_tokens=max_tokens or FIRST_TOKENS, complaint=complaint)

    def prompt_tokens(self, group: Sequence[PassageText]) -> int:
        """Estimated prompt tokens of all calls that *group* takes when nothing goes wrong."""
        tokens = self.request(group).prompt_tokens
        if (
            self.calls == 2
        ):  # the entities come back as part of the second prompt: about a third of the passage's length
            tokens += self.second_request(group[0], []).prompt_tokens + len(group[0].text) // 12
        return tokens

    def answers(self, group: Sequence[PassageText], completion: Completion) -> list[Extraction | ModelOutputError]:
        """What the answer to ``request(group)`` says: one outcome a passage, in order.

        What is cut, no JSON or of wrong types is a ModelOutputError: of its passage, or of all. Raises ConfigError with two
        calls, whose answers say half.
        """
        if self.calls == 2:
            raise ConfigError("with calls=2 no single answer holds a passage's facts; use calls=1, or Scheme.read")
        try:
            if len(group) > 1:
                return read_several(completion, self.form, [passage.passage_id for passage in group])
            name = group[0].passage_id
            return [read_facts(completion, self.form, ("entities", "triples"), name=name)]
        except ModelOutputError as error:
            return [error for _ in group]

    async def read(
        self, group: Sequence[PassageText], complete: Callable[[Request], Awaitable[Completion]], *, model: str = ""
    ) -> list[Extraction | ExtractionError]:
        """All calls that *group* takes, one after the other; one outcome a passage, in order. See `reading`.

        model: its name, for the reasons of failures. Raises what *complete* raises, but for ModelOutputError and
        ContextOverflowError.
        """
        return await reading.read(self, group, complete, model=model)
