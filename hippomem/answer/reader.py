"""Question answering: an LLM reads the best passages, thinks, and answers in a few words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from hippomem.answer.ircot import Ircot, Trace
from hippomem.answer.prompting import ask, load_prompt
from hippomem.errors import ConfigError, ModelOutputError
from hippomem.models.llm import LLM, Completion, Usage
from hippomem.models.parse import without_thinking
from hippomem.retrieve.base import Retriever
from hippomem.types import Hit, SearchResult

#: Passages that are read, as in HippoRAG's evaluation.
READ = 5
_MAX_TOKENS = 1024
#: Models like to set the words in bold, inside or outside the colon.
_ANSWER = re.compile(r"[*_]*\banswer\b[*_ ]*:[*_]*", re.IGNORECASE)
_THOUGHT = re.compile(r"[*_]*\bthought\b[*_ ]*:[*_]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader made of a question.

    text: the answer; empty only when no passage matched, and then the LLM was not asked.    thought: its reasoning.
    passages: those it read, best first.    usage: what it cost, thoughts between searches included.
    retrieval: the search behind it.    trace: the chain of thought between searches, None where there was one search.
    note: set when the output was not of the form that was asked for, in words: the text may then hold more than the answer.
    """

    question: str
    text: str
    thought: str
    passages: tuple[Hit, ...]
    usage: Usage
    retrieval: SearchResult
    trace: Trace | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; the passages that were read are the first ``read`` hits of the retrieval."""
        return {
            "kind": "answer",
            "question": self.question,
            "text": self.text,
            "thought": self.thought,
            "note": self.note,
            "read": len(self.passages),
            "usage": self.usage.to_dict(),
            "trace": None if self.trace is None else self.trace.to_dict(),
            "retrieval": self.retrieval.to_dict(),
        }


class Reader:
    """Answers questions from passages. Safe to share by threads."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._prompt = load_prompt("read")

    def read(self, question: str, retrieval: SearchResult, *, k: int = READ) -> Answer:
        """The answer from the first *k* hits. Raises ModelError; an output without an answer is a ModelOutputError."""
        passages = retrieval[:k]
        if not passages:
            return Answer(question, "", "", (), Usage(), retrieval, note="no passage matched; there is nothing to read")
        output = self._llm.complete([*self._prompt, ask(question, passages)], max_tokens=_MAX_TOKENS)
        thought, text, note = parse_answer(output)
        if not text:
            raise ModelOutputError(f"{self._llm.model} was asked a question and left the answer empty")
        return Answer(question, text, thought, passages, output.usage, retrieval, note=note)


def parse_answer(output: Completion) -> tuple[str, str, str]:
    """(thought, answer, note) of an output "Thought: … Answer: …".

    The answer is what follows the last "Answer:", in any case, bold or not. Without one, all of the output is the answer
    and the note says so; the note also tells of an output that was cut off.

    >>> parse_answer(Completion("Thought: Rome is in Italy.\\nAnswer: Italy", "stop", Usage()))
    ('Rome is in Italy.', 'Italy', '')
    """
    text = without_thinking(output.text).strip()
    notes = ["the output was cut off"] if output.finish_reason == "length" else []
    *_, last = [None, *_ANSWER.finditer(text)]
    if last is None:
        notes.append("it has no “Answer:”, so all of it is taken")
        return "", _unmarked(text), "; ".join(notes)
    return _unmarked(text[: last.start()]), text[last.end() :].strip(" *_\n\t\r"), "; ".join(notes)


def _unmarked(text: str) -> str:
    """Without a leading "Thought:"."""
    marker = _THOUGHT.match(text)
    return (text if marker is None else text[marker.end() :]).strip()


def answer_question(question: str, base: Retriever, llm: LLM, *, k: int = READ, steps: int = 1) -> Answer:
    """Search, think between searches when *steps* > 1 (searches, the question's own included), and read *k* passages.

    Raises EmptyQueryError, RetrievalError, ConfigError, ModelError.
    """
    if steps < 1:
        raise ConfigError(f"steps={steps} was asked for; give at least 1 search.")
    reader = Reader(llm)
    if steps == 1:
        return reader.read(question, base.search(question, k=k), k=k)
    reasoned = Ircot(base, llm, max_steps=steps).reason(question, k=k)
    answer = reader.read(question, reasoned.result, k=k)
    return replace(answer, usage=answer.usage + reasoned.trace.usage, trace=reasoned.trace)
