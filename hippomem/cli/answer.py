"""``hippomem answer``: the chain of passages that leads to an answer, or an LLM's answer from the best passages."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from hippomem.cli.options import DEFAULT_NAMESPACE, Embedder, Json, Namespace, Store
from hippomem.cli.output import console, first_line, print_json
from hippomem.errors import ConfigError
from hippomem.types import RetrieverName

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from hippomem.answer.reader import Answer
    from hippomem.answer.trail import Trail, TrailStep
    from hippomem.types import Hit

#: Characters of a sentence, and of the first line of a passage, that are shown to people.
_SENTENCE, _PASSAGE = 240, 90


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(answer)


def answer(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question, in any script.")],
    store: Store,
    llm_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Let this model read the passages and answer; none: show the chain of facts."
        ),
    ] = None,
    llm_base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="OpenAI-compatible endpoint of the model (or OPENAI_BASE_URL).")
    ] = None,
    steps: Annotated[
        int, typer.Option(metavar="N", help="Searches; with more than 1 the model thinks between them (IRCoT).")
    ] = 1,
    k: Annotated[int, typer.Option("--k", metavar="N", help="Passages that the model reads.")] = 5,
    retriever: Annotated[RetrieverName, typer.Option(help="How to rank.")] = "hippomem",
    namespace: Namespace = DEFAULT_NAMESPACE,
    embedder: Embedder = None,
    as_json: Json = False,
) -> None:
    """Answer a question: show the facts that lead to the answer, or let a language model say it."""
    from hippomem.answer.trail import Trail
    from hippomem.cli.opening import checked, open_memory
    from hippomem.models.llm import OpenAIChat

    question = checked(question, "the question")
    if llm_model is None and (llm_base_url is not None or steps != 1):
        raise ConfigError("--llm-base-url and --steps go with --llm-model NAME; name the model, or leave them out.")
    with (
        nullcontext() if llm_model is None else OpenAIChat(llm_model, base_url=llm_base_url) as llm,
        open_memory(store, namespace, embedder=embedder) as memory,
    ):
        if llm is None:
            found: Trail | Answer = memory.answer(question, k=k, retriever=retriever)
        else:
            found = memory.answer(question, llm=llm, k=k, steps=steps, retriever=retriever)
    if as_json:
        print_json(found.to_dict())
    elif not found.retrieval.hits:
        typer.echo("no match.")
    elif isinstance(found, Trail):
        print_trail(found)
    else:
        print_answer(found)


def print_trail(trail: Trail) -> None:
    """A trail for people: each passage's sentence, and the name that leads from one to the next.

    ::

        1  Ombra Clock  clock
           “The Ombra Clock in Harrowmere was built by Tessaly Vorn.”
              ↓ Tessaly Vorn
        2  Tessaly Vorn  maker
           “Tessaly Vorn grew up on Quillmoth Island, a salt trading port.”
    """
    from rich.text import Text

    out = console()
    _print_notes(out, trail.retrieval.note)
    for number, step in enumerate(trail.steps, start=1):
        if step.after is not None:
            out.print(_joint(step, number))
        elif number > 1:
            out.print()
        out.print(_headed(number, step.title, step.source_ids or (step.passage_id,)))
        _indented(out, Text(f"“{first_line(step.sentence, _SENTENCE)}”"))


def print_answer(answer: Answer) -> None:
    """An answer for people: its words, the reasoning, what was read, and what it cost."""
    from rich.text import Text

    out = console()
    out.print(Text(answer.text, "bold green"))
    _print_notes(out, answer.note, answer.retrieval.note)
    out.print()
    if answer.trace is not None:
        for number, thought in enumerate(answer.trace.thoughts, start=1):
            out.print(Text.assemble((f"thought {number}  ", "dim"), thought))
    if answer.thought:
        out.print(Text.assemble(("reasoning  ", "dim"), answer.thought))
    out.print(Text("read", "dim"))
    for hit in answer.passages:
        _print_read(out, hit)
    usage = answer.usage
    calls = "1 call" if usage.calls == 1 else f"{usage.calls} calls"
    out.print(Text(f"{calls}, {usage.prompt_tokens} tokens in, {usage.completion_tokens} out", "dim"))


def _print_notes(out: Console, *notes: str) -> None:
    from rich.text import Text

    for note in filter(None, notes):
        out.print(Text(f"note: {note}", "yellow"))


def _print_read(out: Console, hit: Hit) -> None:
    from rich.text import Text

    out.print(_headed(hit.rank, hit.title, hit.source_ids or (hit.passage_id,)))
    _indented(out, Text(first_line(hit.text, _PASSAGE), "dim"))


def _headed(number: int, title: str, ids: tuple[str, ...]) -> Text:
    from rich.text import Text

    return Text.assemble(
        (f"{number:>2}  ", "bold"), (f"{title}  " if title else "", "bold green"), (" ".join(ids), "dim")
    )


def _joint(step: TrailStep, number: int) -> Text:
    """The name that leads here; and from where, unless that is the step before."""
    from rich.text import Text

    assert step.after is not None
    origin = "" if step.after == number - 2 else f" (from {step.after + 1})"
    return Text.assemble(("       ↓ ", "dim"), (step.joined_by, "bold cyan"), (origin, "dim"))


def _indented(out: Console, text: Text) -> None:
    from rich.padding import Padding

    out.print(Padding(text, (0, 0, 0, 4), expand=False))
