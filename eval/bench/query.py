"""``python -m eval bench query``: where the time of a question goes, beside public libraries on the same passages."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from eval.arguments import Json
from eval.bench.baselines import K, public_searches, recall
from eval.bench.measure import by_stage, ms, say, setting
from eval.dataset import Corpus, load_datasets
from eval.question import Question
from eval.report.console import console
from eval.report.files import check_writable, write_json
from eval.systems import Store, hippomem_engine
from hippomem.types import Document, RetrieverName, SearchResult

OURS, EXPLAINED, FALLBACK = "hippomem", "hippomem, explained", "dense"
#: Beside the stages of a system: all of a question, and all but the encoder's share.
TOTAL, BEYOND = "total", "beyond the encoder"

#: From a question to seconds by stage, and the source ids found, best first.
Ask = Callable[[str], tuple[dict[str, float], list[str]]]


def query(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET_DIR", help="A folder in BEIR layout.")],
    rounds: Annotated[int, typer.Option(min=1, help="Times that each question is asked of each system.")] = 3,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="First N questions.")] = None,
    json: Json = None,
) -> None:
    """Index a set, ask every question once to warm up, then ask all of each system in turn; print times and ratios.

    Beside hippomem: bm25s, and dense search by sentence-transformers with the same weights, where they are installed; else
    our own dense retriever.
    """
    if json is not None:
        check_writable(json)
    (loaded,) = load_datasets([dataset])
    loaded = loaded.limited(limit)
    runs: dict[str, list[dict[str, float]]] = {}
    recalls: dict[str, list[float]] = {}
    for corpus in loaded.corpora:
        say(f"{corpus.name}: indexing {corpus.passages} passages")
        measure(corpus, rounds, runs, recalls)
    report = summarise(runs, recalls)
    title = f"{loaded.name}: {len(loaded.questions)} questions, {rounds} round(s), ms"
    for made in (stage_table(report, title), system_table(report, title)):
        console().print(made)
    report["set"] = {"name": loaded.name, "questions": len(loaded.questions), "sha256": loaded.sha256}
    report["rounds"] = rounds
    report["provenance"] = setting()
    if json is not None:
        write_json(json, report)


def measure(
    corpus: Corpus, rounds: int, runs: dict[str, list[dict[str, float]]], recalls: dict[str, list[float]]
) -> None:
    """Index one corpus and add the times of its questions to *runs*, and their recall@5 to *recalls*, by system."""
    engine = hippomem_engine()
    documents = list(engine.documents(corpus.folder))
    encoder = engine.embedder(None)
    with (
        tempfile.TemporaryDirectory(prefix="hippomem-bench-") as folder,
        # Opened as the harness opens it: whatever a memory keeps of earlier questions would answer the later rounds.
        engine.open(Path(folder) / "query.hippo", embedder=encoder) as memory,
    ):
        memory.add_many(documents)
        asks = systems(memory, documents)
        for name, ask in asks.items():
            say(f"{corpus.name}: {name} warms up")
            found = [recall(ask(question.text)[1], list(question.relevance)) for question in corpus.questions]
            recalls.setdefault(name, []).extend(found)
        names = list(asks)
        for number in range(rounds):
            # One system after the other, beginning with another each round. Question by question, the threads of one
            # encoder, which spin for a while after a run, would stand in the way of the other's.
            at = number % len(names)
            for name in names[at:] + names[:at]:
                runs.setdefault(name, []).extend(_timed(asks[name], question) for question in corpus.questions)


def systems(memory: Store, documents: Sequence[Document]) -> dict[str, Ask]:
    """What is asked, by name: hippomem without and with reasons, and what stands beside it."""

    def ours(retriever: RetrieverName, explain: bool) -> Ask:
        return lambda text: _ours(memory.search(text, k=K, retriever=retriever, explain=explain))

    asks = {OURS: ours("hippomem", False), EXPLAINED: ours("hippomem", True)}
    others = public_searches(documents)
    for name, search in others.items():

        def theirs(text: str, search: Any = search) -> tuple[dict[str, float], list[str]]:
            encoding, positions = search(text)
            return {"encode": encoding}, [str(documents[position].source_id) for position in positions]

        asks[name] = theirs
    return asks if others else asks | {FALLBACK: ours("dense", False)}


def _ours(found: SearchResult) -> tuple[dict[str, float], list[str]]:
    return dict(found.seconds), list(dict.fromkeys(source for hit in found for source in hit.source_ids))


def _timed(ask: Ask, question: Question) -> dict[str, float]:
    start = time.perf_counter()
    stages, _ = ask(question.text)
    total = time.perf_counter() - start
    return {**stages, BEYOND: total - stages.get("encode", 0.0), TOTAL: total}


def summarise(
    runs: Mapping[str, Sequence[Mapping[str, float]]], recalls: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """By system: p50 and p95 of each stage, recall@5, and medians of the ratios of its times to ours, question by question.

    >>> summarise({"hippomem": [{"total": 2.0}], "bm25s": [{"total": 1.0}]}, {"hippomem": [1.0], "bm25s": [0.0]})["ratio"]
    {'hippomem': {'total': 1.0}, 'bm25s': {'total': 0.5}}
    """
    return {
        "seconds": {name: by_stage(some, 50, 95) for name, some in runs.items()},
        "recall@5": {name: statistics.mean(some) for name, some in recalls.items()},
        "ratio": {
            name: {
                what: statistics.median(a[what] / b[what] for a, b in zip(some, runs[OURS], strict=True))
                for what in (TOTAL, BEYOND)
                if what in some[0]
            }
            for name, some in runs.items()
        },
    }


def stage_table(report: Mapping[str, Any], title: str) -> Table:
    """Our stages, with and without reasons."""
    made = Table(title=title, title_justify="left")
    made.add_column("stage", no_wrap=True)
    for name in (OURS, EXPLAINED):
        for p in ("p50", "p95"):
            made.add_column(f"{name}, {p}", justify="right", no_wrap=True)
    ours = report["seconds"][OURS]
    for stage in report["seconds"][EXPLAINED]:
        plain, explained = ours.get(stage, {}), report["seconds"][EXPLAINED][stage]
        made.add_row(stage, *(ms(some.get(p)) for some in (plain, explained) for p in ("p50", "p95")))
    return made


def system_table(report: Mapping[str, Any], title: str) -> Table:
    """A row a system, with its ratios to ours."""
    made = Table(title=title, title_justify="left")
    made.add_column("system", no_wrap=True)
    for column in (TOTAL, "p95", f"against {OURS}", BEYOND, "p95", f"against {OURS}", "R@5"):
        made.add_column(column, justify="right", no_wrap=True)
    for name, seconds in report["seconds"].items():
        cells: list[str] = []
        for what in (TOTAL, BEYOND):
            cells += [ms(seconds[what][p]) for p in ("p50", "p95")] + [f"{report['ratio'][name][what]:.2f} x"]
        made.add_row(name, *cells, f"{100 * report['recall@5'][name]:.1f}")
    return made
