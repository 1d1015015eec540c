"""The calls that a group of passages takes until each has its facts or a reason why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from hippomem.errors import ContextOverflowError, ExtractionError, ModelError, ModelOutputError
from hippomem.models.llm import Completion
from hippomem.types import Extraction
from indexing.extract import PassageText
from indexing.extract.llm.answers import is_cut, read_facts
from indexing.extract.llm.halves import halves, merged
from indexing.extract.llm.request import Request

if TYPE_CHECKING:
    from indexing.extract.llm.scheme import Scheme

Complete = Callable[[Request], Awaitable[Completion]]
Outcome = Extraction | ExtractionError
#: Times that one passage is asked for while its answers are unusable.
TRIES = 3
#: A passage is cut into at most 2**5 parts: 100,000 characters then are parts of 3,000, which fit any model.
_DEEPEST = 5


async def read(scheme: Scheme, group: Sequence[PassageText], complete: Complete, *, model: str = "") -> list[Outcome]:
    """Read the facts of each passage of *group*. See `Scheme.read`.

    Several: the answer's missing or unusable parts are asked for alone; what was unusable as a whole, cut, or refused
    (too long; about one of them) goes in halves. One: three tries, with twice the room after a cut answer, and in halves
    at a sentence end when it is too long for the model's context.
    """
    calls = _Calls(scheme, complete, model or "the model")
    if len(group) == 1:
        return [await calls.one(group[0])]
    return await calls.several(group)


class _Calls:
    def __init__(self, scheme: Scheme, complete: Complete, model: str) -> None:
        self.scheme, self.complete, self.model = scheme, complete, model

    async def several(self, group: Sequence[PassageText]) -> list[Outcome]:
        """Outcomes for two passages or more. Halves and single passages are fewer each time, so this ends."""
        if len(group) <= 1:
            return [await self._alone(passage) for passage in group]
        try:
            completion = await self.complete(self.scheme.request(group))
        except ModelError as error:
            if not _is_about_request(error):
                raise
            return await self._in_halves(group)
        answers = self.scheme.answers(group, completion)
        usable = {at: answer for at, answer in enumerate(answers) if isinstance(answer, Extraction)}
        missing = [at for at in range(len(group)) if at not in usable]
        outcomes: dict[int, Outcome] = dict(usable)
        if is_cut(completion) or not usable:
            again = await self._in_halves([group[at] for at in missing])
        else:
            again = [await self._alone(group[at]) for at in missing]
        outcomes.update(zip(missing, again, strict=True))
        return [outcomes[at] for at in range(len(group))]

    async def _in_halves(self, group: Sequence[PassageText]) -> list[Outcome]:
        middle = len(group) // 2
        return [*await self.several(group[:middle]), *await self.several(group[middle:])]

    async def _alone(self, passage: PassageText) -> Outcome:
        """One passage of several: a refusal is its own, and must not cost the others what was paid for them."""
        try:
            return await self.one(passage)
        except ModelError as error:
            if not _is_about_request(error):
                raise
            return ExtractionError(str(error))

    async def one(self, passage: PassageText, depth: int = 0) -> Outcome:
        """One passage, or part of one."""
        try:
            if self.scheme.calls == 1:
                return await self._tried(
                    lambda limit, complaint: self.scheme.request([passage], max_tokens=limit, complaint=complaint),
                    lambda completion: _first(self.scheme.answers([passage], completion)),
                )
            named = await self._tried(
                lambda limit, complaint: self.scheme.request([passage], max_tokens=limit, complaint=complaint),
                lambda completion: read_facts(completion, "plain", ("entities",)),
            )
            facts = await self._tried(
                lambda limit, complaint: self.scheme.second_request(
                    passage, named.entities, max_tokens=limit, complaint=complaint
                ),
                lambda completion: read_facts(completion, "plain", ("triples",), name=passage.passage_id),
            )
            return Extraction(named.entities, facts.triples)
        except ExtractionError as error:
            return error
        except ContextOverflowError as error:
            parts = halves(passage) if depth < _DEEPEST else None
            if parts is None:
                what = "one sentence of it" if depth else "its one sentence"
                return ExtractionError(f"{what} is too long for the context: {error}")
        read = []
        for part in parts:
            outcome = await self.one(part, depth + 1)
            if isinstance(outcome, ExtractionError):
                return outcome
            read.append(outcome)
        return merged(read)

    async def _tried(
        self, request: Callable[[int | None, str], Request], parse: Callable[[Completion], Extraction]
    ) -> Extraction:
        """A usable answer. Raises ExtractionError after ``TRIES``, and what *complete* raises."""
        limit: int | None = None
        complaint = ""
        for attempt in range(1, TRIES + 1):
            asked = request(limit, complaint)
            cut = True  # thinking used up the room before an answer began, or another answer without text
            try:
                completion = await self.complete(asked)
                cut = is_cut(completion)
                return parse(completion)
            except ModelOutputError as error:
                if attempt == TRIES:
                    raise ExtractionError(f"{self.model}, asked {TRIES} times: {error}") from error
                limit = 2 * asked.max_tokens if cut else limit
                # Asked in the same words at temperature 0 most models answer the same; what was cut needs room instead.
                complaint = "" if cut else _reason(error)
        raise AssertionError("unreachable: the last try returns or raises")


def _first(answers: Sequence[Extraction | ModelOutputError]) -> Extraction:
    answer = answers[0]
    if isinstance(answer, ModelOutputError):
        raise answer
    return answer


def _reason(error: ModelOutputError) -> str:
    """What was wrong, without the quotation behind it: a model that reads its mistake again makes it again."""
    return str(error).partition(" in: ")[0].partition(": ")[0]


def _is_about_request(error: ModelError) -> bool:
    """Whether another request may fare better: too long, an answer of no use, or refused (400), say by a content filter."""
    return isinstance(error, ContextOverflowError | ModelOutputError) or type(error) is ModelError
