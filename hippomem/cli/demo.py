"""``hippomem demo``: what the project does, in one minute."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hippomem.cli.options import Json
from hippomem.cli.output import console, first_line, print_json

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from hippomem.demo import Question
    from hippomem.memory import Memory
    from hippomem.types import AddReport, Hit, SearchResult

#: Questions asked, and passages shown for each.
_QUESTIONS, _PASSAGES = 3, 4
#: How far down a passage is worth explaining when no key says which one has the answer.
_FIRST = 3


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(demo)


def demo(
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="FILE", help="Keep the demo's store here; default: a temporary one."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Ask this instead of the demo's own questions.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="No colours and no drawing characters.")] = False,
    as_json: Json = False,
) -> None:
    """Index a small corpus, ask it questions that no single passage answers, and show the path to each answer.

    Takes about ten seconds; needs no LLM, no key and no network.
    """
    from hippomem.cli.display import Display
    from hippomem.cli.opening import checked, open_memory
    from hippomem.demo import Question, demo_folder, demo_questions
    from indexing.readers import read_path

    folder = demo_folder()
    questions: Sequence[Question] = demo_questions(folder)[:_QUESTIONS]
    if question is not None:
        questions = [Question("yours", checked(question, "the question"), (), ())]
    screen = None if as_json else Screen(console(plain=plain), plain)
    with ExitStack() as stack:
        if store is None:
            store = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hippomem-"))) / "demo.hippo"
        memory = stack.enter_context(open_memory(store, "default", create=True))
        if screen is not None:
            screen.opening()
        with Display() as display:
            report = memory.add_many(read_path(folder), progress=display)
        if screen is not None:
            screen.indexed(memory, report)
        answers = []
        for number, asked in enumerate(questions, start=1):
            answers.append(ask(memory, asked))
            if screen is not None:
                screen.answer(answers[-1], number, len(questions))
    if screen is None:
        print_json({"seconds": dict(report.seconds), "questions": [answer.to_dict() for answer in answers]})
    else:
        screen.closing(answers)


@dataclass(frozen=True)
class Answer:
    """A question with all passages ranked in two ways: by hippomem, and by likeness to the question alone."""

    question: Question
    result: SearchResult
    dense: SearchResult

    @property
    def goal(self) -> Hit:
        """The passage that states the answer; without a key, the one of the first that the graph lifted most."""
        gold = [hit for hit in self.result if self.is_gold(hit)]
        if gold:
            return next((hit for hit in reversed(gold) if self.spelling(hit)), gold[-1])
        return max(self.result[:_FIRST], key=lambda hit: (self.dense_rank(hit) - hit.rank, -hit.rank))

    def is_gold(self, hit: Hit) -> bool:
        """Whether the question needs this passage."""
        return not set(self.question.gold).isdisjoint(hit.source_ids)

    def spelling(self, hit: Hit) -> str | None:
        """The answer as the passage writes it."""
        found = (re.search(re.escape(answer), hit.text, re.IGNORECASE) for answer in self.question.answers)
        return next((match[0] for match in found if match), None)

    def dense_rank(self, hit: Hit) -> int:
        """The passage's rank by likeness alone."""
        return next(other.rank for other in self.dense if other.passage_id == hit.passage_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the first passages, and both ranks of each passage that the question needs."""
        result = self.result.to_dict()
        needed = [hit for hit in self.result if self.is_gold(hit)]
        return {
            "question_id": self.question.question_id,
            "answers": list(self.question.answers),
            "gold": [
                {"source_ids": list(hit.source_ids), "rank": hit.rank, "dense_rank": self.dense_rank(hit)}
                for hit in needed
            ],
            **result,
            "hits": result["hits"][:_PASSAGES],
        }


def ask(memory: Memory, question: Question) -> Answer:
    """Rank every passage, so that the rank of one that was missed can be told too."""
    everything = memory.stats().passages
    return Answer(
        question,
        memory.search(question.text, k=everything),
        memory.search(question.text, k=everything, retriever="dense", explain=False),
    )


class Screen:
    """The demo on a terminal."""

    def __init__(self, out: Console, plain: bool) -> None:
        self._out = out
        self._plain = plain

    def opening(self) -> None:
        """What will be seen."""
        self._out.print(
            "hippomem reads passages into a graph of names and facts. To answer a question it finds the\n"
            "question's names in the graph and follows the facts that join them, from passage to passage."
        )

    def indexed(self, memory: Memory, report: AddReport) -> None:
        """What the corpus became."""
        counted = memory.stats()
        self._out.print()
        self._out.print(
            f"Indexed {counted.passages} short passages about an invented harbour region, in several languages:\n"
            f"{counted.facts} facts, {counted.entities} names, "
            f"{sum(report.seconds.values()):.1f} s, no LLM, no network.",
            style="dim",
        )

    def answer(self, answer: Answer, number: int, count: int) -> None:
        """One question: the ranking, the path, and the passage that states the answer."""
        from rich.text import Text

        from hippomem.cli.search import labelled
        from hippomem.cli.why import chain, seeds_line

        out = self._out
        out.print()
        out.rule(f"Question {number} of {count}", characters="-" if self._plain else "─", style="dim", align="left")
        out.print(Text(answer.question.text, "bold"))
        out.print()
        out.print(self._ranking(answer))
        goal = answer.goal
        if goal.why is not None:
            out.print()
            out.print(Text(f"  Why “{goal.title}” is number {goal.rank}", "dim"))
            out.print(labelled("seeds", seeds_line(goal.why.seeds)))
            if goal.why.path:
                drawing = {"link": "|", "end": ">"} if self._plain else {}
                out.print(labelled("path", *chain(goal.why.path, **drawing)))
        out.print()
        out.print(self._passage(answer, goal))

    def _ranking(self, answer: Answer) -> RenderableType:
        """The first passages and those the question needs, with their rank here and by likeness alone."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2), show_edge=False, header_style="dim")
        table.add_column("rank", justify="right")
        table.add_column("by likeness alone", justify="right")
        table.add_column("passage", overflow="ellipsis", no_wrap=True, max_width=60)
        goal = answer.goal if answer.question.gold else None
        for hit in answer.result:
            is_gold = answer.is_gold(hit)
            if hit.rank > _PASSAGES and not is_gold:
                continue
            title = Text(hit.title or first_line(hit.text, 50), "bold green" if is_gold else "")
            if is_gold:
                title.append("  states the answer" if hit is goal else "  leads there", "green")
            table.add_row(f"{hit.rank}", f"{answer.dense_rank(hit)}", title, style="" if is_gold else "dim")
        return table

    def _passage(self, answer: Answer, hit: Hit) -> RenderableType:
        """The passage, with the answer standing out."""
        from rich.padding import Padding
        from rich.text import Text

        text = Text.assemble((f"{hit.title}: " if hit.title else "", "bold green"), " ".join(hit.text.split()))
        spelling = answer.spelling(hit)
        at = -1 if spelling is None else text.plain.find(spelling, len(hit.title))
        if spelling is not None and at >= 0:
            stop = at + len(spelling)
            if self._out.color_system is None:  # nothing but characters can make it stand out
                text = Text.assemble(text[:at], "**", text[at:stop], "**", text[stop:])
            else:
                text.stylize("bold black on green", at, stop)
        return Padding(text, (0, 0, 0, 4), expand=False)

    def closing(self, answers: Sequence[Answer]) -> None:
        """What was seen, in one line, and what to try next."""
        out = self._out
        out.print()
        out.rule(characters="-" if self._plain else "─", style="dim")
        goals = [(answer, answer.goal) for answer in answers if answer.question.gold]
        if goals:
            here = _listed([hit.rank for _, hit in goals])
            alone = _listed([answer.dense_rank(hit) for answer, hit in goals])
            out.print(
                f"The passages that state the answers rank {here}. Ranked by likeness to the question alone\n"
                f"(dense retrieval, same encoder) they would rank {alone}: they share few words with it."
            )
            out.print()
        out.print(
            "Your own question: hippomem demo --question 'What craft is the twin town of Hollin Ness famous for?'"
        )
        out.print("Your own texts:    hippomem index corpus.jsonl --store notes.hippo")
        out.print("                   hippomem search 'a question' --store notes.hippo --why")


def _listed(numbers: Sequence[int]) -> str:
    """``2, 7 and 10``."""
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last
