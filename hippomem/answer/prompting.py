"""What a prompt is made of: an instruction with one demonstration, from a file, and passages as quotations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from typing import Literal

from hippomem.models.llm import Message
from hippomem.types import Hit

PromptName = Literal["next_thought", "read"]
#: Between the three parts of a prompt's file, on a line of its own.
_CUT = "\n---\n"


def load_prompt(name: PromptName) -> tuple[Message, ...]:
    """The messages before the question: instruction, and one demonstration as a question and its answer."""
    text = resources.files("hippomem.answer").joinpath("prompts", f"{name}.txt").read_text("utf-8")
    instruction, asked, answered = (part.strip() for part in text.split(_CUT))
    return (
        {"role": "system", "content": instruction},
        {"role": "user", "content": asked},
        {"role": "assistant", "content": answered},
    )


def ask(question: str, passages: Iterable[Hit], thoughts: Iterable[str] | None = None) -> Message:
    """The question with its passages, in the form of the demonstrations. thoughts: those so far, None to leave them out.

    A passage is one line of JSON: text from a memory is not to be trusted, and cannot end its own quotation marks.
    """
    lines = ["Passages:", *(_quoted(hit) for hit in passages), "", f"Question: {' '.join(question.split())}"]
    if thoughts is not None:
        lines += ["", "Thoughts so far:", *(list(thoughts) or ["(none yet)"])]
    return {"role": "user", "content": "\n".join(lines)}


def _quoted(hit: Hit) -> str:
    return json.dumps({"title": hit.title, "text": hit.text}, ensure_ascii=False)
