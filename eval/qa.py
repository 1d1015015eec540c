"""Asking questions of a reader: build the stores of a set, let an LLM answer from what is found, and time it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol, cast

from eval.ask import collapse
from eval.dataset import Dataset
from eval.question import Question
from eval.stores import StoreSettings, built_store, plan_stores
from eval.systems import Engine, systems
from hippomem.answer.reader import Answer
from hippomem.errors import InputError, ModelAuthError, ModelError
from hippomem.models.llm import LLM, Usage
from hippomem.types import RetrieverName

#: So many failures before the first answer, and the rest will not fare better.
HOPELESS = 8

Say = Callable[[str], None]


class Answerer(Protocol):
    """What is needed of `hippomem.memory.Memory`."""

    def answer(self, question: str, *, llm: LLM, k: int, steps: int, retriever: str) -> Answer:
        """See `Memory.answer`."""
        ...


@dataclass(frozen=True, slots=True)
class QaSettings:
    """One run's options.

    k: passages read.    steps: searches a question (IRCoT when > 1).    concurrency: questions at once.
    limit: questions per set, None for all.    seed: of the resampling.    per_question: keep every question's record.
    """

    retriever: RetrieverName
    k: int = 5
    steps: int = 1
    concurrency: int = 4
    stores: StoreSettings = field(default_factory=StoreSettings)
    limit: int | None = None
    seed: int = 0
    per_question: bool = False

    @property
    def system(self) -> str:
        """What the results go by: the retriever, led by ``ircot+`` where an LLM thinks between searches."""
        return self.retriever if self.steps == 1 else f"ircot+{self.retriever}"


@dataclass(frozen=True, slots=True)
class QaRecord:
    """What became of one question.

    answer: None when the LLM failed after all retries, and then *failure* says how.    seconds: wall time, waiting included.
    """

    question: Question
    answer: Answer | None
    seconds: float
    failure: str = ""

    @property
    def text(self) -> str:
        """The answer's words; none where it failed."""
        return "" if self.answer is None else self.answer.text

    @property
    def read(self) -> list[str]:
        """Distinct passage ``_id``s of what was read, best first."""
        return [] if self.answer is None else list(collapse(self.answer.passages))


@dataclass(frozen=True, slots=True)
class QaOutcome:
    """All records of one set, in question order. usage: everything the LLM counted, failed questions included.

    unanswerable: questions without an accepted answer in the set, which are not asked.    passages: indexed ones.
    """

    records: tuple[QaRecord, ...]
    usage: Usage
    unanswerable: int
    passages: int
    stores: int


def run_qa(dataset: Dataset, settings: QaSettings, engine: Engine, llm: LLM, say: Say = lambda _: None) -> QaOutcome:
    """Ask every question that has an accepted answer. Raises InputError when none has.

    A question whose LLM call fails after all retries is a failed record. A refused key ends the run, and so do failures
    without any answer before them (`HOPELESS` of them, or all): the first of them is raised.
    """
    asked = [question for question in dataset.questions if question.answers]
    if not asked:
        raise InputError(f"set '{dataset.name}' gives no answer (metadata.answer) to any of its questions")
    records: dict[tuple[str, str], QaRecord] = {}
    before, passages, stores = llm.usage, 0, 0
    for corpus in dataset.corpora:
        documents = tuple(engine.documents(corpus.folder))
        any_long = settings.retriever == "hippomem" and any(map(engine.needs_chunking, documents))
        (plan,) = plan_stores(systems(settings.retriever), any_long=any_long)
        say(f"{dataset.name}: indexing {len(documents)} passages of {corpus.name}")
        with built_store(engine, dataset, corpus, documents, plan, settings.stores) as built:
            passages, stores = passages + built.cost.passages, stores + 1
            questions = [question for question in corpus.questions if question.answers]
            say(f"{dataset.name}: {settings.system} answers {len(questions)} questions")
            for record in _ask_all(
                cast(Answerer, built.store), questions, settings, llm, any(r.answer for r in records.values())
            ):
                records[record.question.corpus, record.question.question_id] = record
    ordered = tuple(records[question.corpus, question.question_id] for question in asked)
    return QaOutcome(ordered, llm.usage - before, len(dataset.questions) - len(asked), passages, stores)


def _ask_all(
    store: Answerer, questions: Sequence[Question], settings: QaSettings, llm: LLM, answered: bool
) -> Iterator[QaRecord]:
    """Records in the order in which they are done. answered: whether any question was, in an earlier store."""
    failures: list[ModelError] = []
    with ThreadPoolExecutor(settings.concurrency) as pool:
        waiting: set[Future[tuple[QaRecord, ModelError | None]]] = {
            pool.submit(_ask, store, question, settings, llm) for question in questions
        }
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    record, error = future.result()
                    answered = answered or error is None
                    failures += [] if error is None else [error]
                    if not answered and len(failures) >= min(HOPELESS, len(questions)):
                        raise failures[0]
                    yield record
        finally:
            for future in waiting:
                future.cancel()


def _ask(store: Answerer, question: Question, settings: QaSettings, llm: LLM) -> tuple[QaRecord, ModelError | None]:
    """One question; a failure of the LLM comes back beside its record. Raises ModelAuthError."""
    started = time.perf_counter()
    try:
        answer = store.answer(question.text, llm=llm, k=settings.k, steps=settings.steps, retriever=settings.retriever)
    except ModelAuthError:
        raise
    except ModelError as error:
        return QaRecord(question, None, time.perf_counter() - started, failure=str(error)), error
    return QaRecord(question, answer, time.perf_counter() - started), None
