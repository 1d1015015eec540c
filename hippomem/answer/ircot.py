"""IRCoT: retrieval between the sentences of a chain of thought (Trivedi et al. 2023), over any retriever.

The question is searched for; an LLM writes the next sentence of its reasoning from the passages found so far; the
sentence is searched for; and so on. What all searches found becomes one ranking (`hippomem.answer.merge`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hippomem.answer.merge import Merged, merge
from hippomem.answer.prompting import ask, load_prompt
from hippomem.errors import ConfigError, ModelOutputError
from hippomem.models.llm import LLM, Usage
from hippomem.models.parse import without_thinking
from hippomem.retrieve.base import Retriever, check_query
from hippomem.text.fold import fold
from hippomem.text.sentences import split_sentences
from hippomem.types import Hit, SearchResult, Why

#: Searches a question, its own included: HippoRAG's setting for MuSiQue; it takes 2 for HotpotQA and 2WikiMultiHopQA.
MAX_STEPS = 4
#: Passages a search puts forward and the model is shown; 8 to 10 in HippoRAG.
STEP_PASSAGES = 10
#: A thought that holds this, in any case, is the last.
STOP = "so the answer is:"
#: One sentence is asked for; this is room for a model that writes more.
_MAX_TOKENS = 256

StopReason = Literal["answered", "repeated", "steps"]


@dataclass(frozen=True, slots=True)
class Trace:
    """How a chain of thought went.

    thoughts: one sentence each, in order.    queries: what was searched for: the question, then thoughts.
    stop: "answered" (the last thought gives the answer), "repeated" (a thought came again), "steps" (no search was left).
    usage: what the thoughts cost.
    """

    thoughts: tuple[str, ...]
    queries: tuple[str, ...]
    stop: StopReason
    usage: Usage

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "thoughts": list(self.thoughts),
            "queries": list(self.queries),
            "stop": self.stop,
            "usage": self.usage.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A merged ranking and the chain of thought that led to it."""

    result: SearchResult
    trace: Trace


class Ircot:
    """A retriever that lets an LLM think between searches of another retriever.

    max_steps: searches a question, its own included, >= 1; an LLM call comes before each but the first.
    step_passages: candidates of one search, and passages that the model is shown, >= 1.
    Raises ConfigError for numbers below 1.
    """

    def __init__(
        self, base: Retriever, llm: LLM, *, max_steps: int = MAX_STEPS, step_passages: int = STEP_PASSAGES
    ) -> None:
        for what, value in (("max_steps", max_steps), ("step_passages", step_passages)):
            if value < 1:
                raise ConfigError(f"{what}={value} was asked for; give at least 1.")
        self._base, self._llm = base, llm
        self._max_steps, self._step_passages = max_steps, step_passages
        self._prompt = load_prompt("next_thought")

    @property
    def name(self) -> str:
        """``ircot+`` and the name of the retriever below."""
        return f"ircot+{self._base.name}"

    def search(self, query: str, *, k: int = 10, explain: bool = True) -> SearchResult:
        """See `Retriever.search`; scores are in [0, 1], ties by step. Raises ModelError when the LLM fails."""
        return self.reason(query, k=k, explain=explain).result

    def reason(self, question: str, *, k: int = 10, explain: bool = True) -> Reasoned:
        """The search together with its chain of thought. Raises as `search` does."""
        check_query(question, k)
        results: list[SearchResult] = []
        thoughts: list[str] = []
        usage, thinking = Usage(), 0.0
        query = question
        stop: StopReason | None = None
        while stop is None:
            # Deeper than the candidates only where the caller asks for more passages than one search puts forward.
            results.append(self._base.search(query, k=max(k, self._step_passages), explain=explain))
            if len(results) == self._max_steps:
                stop = "steps"
                break
            merged = merge(results, depth=self._step_passages)
            started = time.perf_counter()
            thought, cost = self._think(question, [found.hit for found in merged[: self._step_passages]], thoughts)
            thinking += time.perf_counter() - started
            usage += cost
            stop = _stop(thought, thoughts)
            thoughts.append(thought)
            query = thought
        trace = Trace(tuple(thoughts), tuple(result.query for result in results), stop, usage)
        merged = merge(results, depth=self._step_passages)[:k]
        return Reasoned(
            SearchResult(
                question,
                self.name,
                tuple(_hit(found, rank, trace) for rank, found in enumerate(merged, start=1)),
                note=_notes(results),
                seconds=_seconds(results, thinking),
            ),
            trace,
        )

    def _think(self, question: str, passages: Sequence[Hit], thoughts: Sequence[str]) -> tuple[str, Usage]:
        """The next sentence, and what it cost. Raises ModelError; one without a word is a ModelOutputError."""
        answer = self._llm.complete([*self._prompt, ask(question, passages, thoughts)], max_tokens=_MAX_TOKENS)
        sentences = split_sentences(without_thinking(answer.text))
        if not sentences:
            raise ModelOutputError(f"{self._llm.model} was asked for the next thought and answered without a word")
        return sentences[0], answer.usage


def _stop(thought: str, before: Sequence[str]) -> StopReason | None:
    if STOP in " ".join(thought.split()).casefold():
        return "answered"
    return "repeated" if fold(thought) in map(fold, before) else None


def _hit(found: Merged, rank: int, trace: Trace) -> Hit:
    return replace(found.hit, score=found.score, rank=rank, why=_why(found, trace))


def _why(found: Merged, trace: Trace) -> Why | None:
    """The reasons of the search that won, and which one it was."""
    why = found.hit.why
    if why is None:
        return None
    asked = "the question" if found.step == 1 else f"the thought “{trace.queries[found.step - 1]}”"
    note = f"found in step {found.step}, rank {found.hit.rank}, by {asked}"
    return replace(why, note=f"{note}; {why.note}" if why.note else note)


def _notes(results: Sequence[SearchResult]) -> str:
    """Where the retriever below stepped back, each note once."""
    return "; ".join(dict.fromkeys(result.note for result in results if result.note))


def _seconds(results: Sequence[SearchResult], thinking: float) -> dict[str, float]:
    """Wall time by stage, summed over the searches, and the LLM's as "think"."""
    total: dict[str, float] = {}
    for result in results:
        for stage, seconds in result.seconds.items():
            total[stage] = total.get(stage, 0.0) + seconds
    return {**total, "think": thinking}
