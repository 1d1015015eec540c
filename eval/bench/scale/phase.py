"""One phase of the benchmark in a process of its own, so that its memory and its opening are measured by themselves.

``python -m eval.bench.scale.phase`` reads its `Order` as JSON from standard input and writes its figures as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from eval.bench.measure import by_stage, clocked, peak_bytes, percentiles, resident_bytes, say
from eval.bench.scale.encoder import ClusteredEmbedder
from eval.bench.scale.order import Order
from hippomem.errors import NotFoundError
from hippomem.memory import Memory
from hippomem.types import SearchResult

#: Passages that are forgotten one by one, and searches made right after an add.
FORGOTTEN, SEARCHES_AFTER = 20, 10
K = 10

T = TypeVar("T")


class Bench:
    """A store opened with the cheap encoder, and times without that encoder's share."""

    def __init__(self, order: Order, *, create: bool = False) -> None:
        self.order, self.encoder = order, ClusteredEmbedder()
        self.encoder.embed_query("makes its tables")
        self.started_with = peak_bytes()
        start = time.perf_counter()
        # Questions are encoded each time that they are asked: what is measured is not the cache.
        self.memory = Memory(order.store, embedder=self.encoder, create=create, query_cache=0)
        self.opening = time.perf_counter() - start

    def search(self, question: str, *, explain: bool = True) -> tuple[SearchResult, float]:
        """The result, and the seconds without those of the encoder."""
        before, start = self.encoder.seconds, time.perf_counter()
        found = self.memory.search(question, k=K, explain=explain)
        return found, time.perf_counter() - start - (self.encoder.seconds - before)

    def memory_figures(self) -> dict[str, Any]:
        """Bytes: the peak of this process, what it had before the store was opened, and what is resident now."""
        return {"peak_bytes": peak_bytes(), "before_bytes": self.started_with, "now_bytes": resident_bytes()}

    def patient(self, items: Iterable[T]) -> Iterator[T]:
        """The items, until patience is at its end; at least one."""
        start = time.perf_counter()
        for item in items:
            yield item
            if time.perf_counter() - start > self.order.patience:
                say("  patience is at its end: fewer were measured")
                return


def index(order: Order) -> dict[str, Any]:
    """Index the corpus as it is generated. Seconds by stage are the product's report, less the generator and encoder."""
    bench = Bench(order, create=True)
    generating: list[float] = []
    start, before = time.perf_counter(), bench.encoder.seconds
    report = bench.memory.add_many(_timed(order.corpus.documents(), generating), progress=_Progress())
    added = time.perf_counter()
    bench.memory.close()
    end = time.perf_counter()
    outside = {"generator": sum(generating), "encoder": bench.encoder.seconds - before}
    seconds = dict(report.seconds)
    # An indexer that encodes beside its other work may wait less for the encoder than the encoder works.
    seconds["store"] = max(0.0, seconds["store"] - outside["generator"])
    seconds["embed"] = max(0.0, seconds["embed"] - outside["encoder"])
    return {
        "seconds": {**seconds, "close": end - added, "total": end - start - sum(outside.values())},
        "outside_seconds": outside,
        "encoder_texts": bench.encoder.texts,
        "added": report.added,
        "passages_per_second": report.added / (end - start - sum(outside.values())),
        **bench.memory_figures(),
    }


def open_once(order: Order) -> dict[str, Any]:
    """Open the store and search once. Interpreter, imports at the top of `hippomem.memory` and encoder are there before."""
    (question,) = order.corpus.questions(1)
    bench = Bench(order)
    _, first = bench.search(question)
    return {"open": bench.opening, "first_search": first, "total": bench.opening + first, **bench.memory_figures()}


def query(order: Order) -> dict[str, Any]:
    """Ask every question once for the first time, then with and without reasons in turn."""
    questions = order.corpus.questions(order.count)
    bench = Bench(order)
    bench.search(questions[0])
    first = [bench.search(question, explain=False)[1] for question in bench.patient(questions[1:] or questions)]
    runs: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number, question in enumerate(bench.patient(questions)):
        for explain in (False, True) if number % 2 else (True, False):
            found, total = bench.search(question, explain=explain)
            stages = {stage: seconds for stage, seconds in found.seconds.items() if stage != "encode"}
            runs[explain].append({**stages, "total": total})
    stats = bench.memory.stats()
    figures = bench.memory_figures()
    return {
        "questions": len(runs[True]),
        "first_time": percentiles(first, 50, 95),
        "plain": by_stage(runs[False], 50, 95),
        "explained": by_stage(runs[True], 50, 95),
        "counts": {name: getattr(stats, name) for name in ("passages", "facts", "entities", "synonym_edges")},
        **figures,
    }


def exact(order: Order) -> dict[str, Any]:
    """How many of the first ten are the exact first ten: every vector compared, PageRank by power iteration."""
    bench = Bench(order)
    questions = order.corpus.questions(order.count)
    bench.search(questions[0])
    truth = bench.memory.retriever("hippomem").exact()  # type: ignore[attr-defined]
    truth.search(questions[0], k=K, explain=False)
    overlaps: list[float] = []
    same_first, ours, theirs = 0, [], []
    for question in bench.patient(questions):
        found, seconds = bench.search(question, explain=False)
        start = time.perf_counter()
        wanted = [hit.passage_id for hit in truth.search(question, k=K, explain=False)]
        theirs.append(time.perf_counter() - start)
        ours.append(seconds)
        got = [hit.passage_id for hit in found]
        overlaps.append(len(set(got) & set(wanted)) / max(len(wanted), 1))
        same_first += got[:1] == wanted[:1]
    return {
        "questions": len(overlaps),
        "overlap_at_10": sum(overlaps) / len(overlaps),
        "lowest": min(overlaps),
        "same_first": same_first / len(overlaps),
        "seconds": {"default": percentiles(ours, 50), "exact": percentiles(theirs, 50)},
        **bench.memory_figures(),
    }


def change(order: Order) -> dict[str, Any]:
    """Add passages one by one, search right after some, and forget them all again, the first of them one by one."""
    bench, corpus = Bench(order), order.corpus
    numbers = range(order.passages, order.passages + order.count)
    _forget_left_over(bench.memory, numbers)
    questions = corpus.questions(2 * SEARCHES_AFTER)
    bench.search(questions[0])
    calm = [bench.search(question)[1] for question in bench.patient(questions)]
    added: list[str] = []
    adds: list[float] = []
    searches: list[float] = []
    forgets: list[float] = []
    rest: list[float] = []
    for number in bench.patient(numbers):
        document = corpus.document(number)
        before, start = bench.encoder.seconds, time.perf_counter()
        added.append(bench.memory.add(document.text, title=document.title, source_id=document.source_id))
        adds.append(time.perf_counter() - start - (bench.encoder.seconds - before))
        if len(searches) < SEARCHES_AFTER:
            searches.append(bench.search(questions[len(searches)])[1])
    for memory_id in bench.patient(added[:FORGOTTEN]):
        with clocked(forgets.append):
            bench.memory.forget(memory_id)
    if left := added[len(forgets) :]:
        with clocked(rest.append):
            bench.memory.forget(*left)
    bench.memory.close()
    return {
        "added": len(adds),
        "add": {**percentiles(adds, 50, 99), "first": adds[0]},
        "search_before": percentiles(calm, 50),
        "search_after_add": {**percentiles(searches, 50), "max": max(searches)},
        "forget": {**percentiles(forgets, 50), "max": max(forgets)},
        "forget_rest": {"passages": len(left), "seconds": sum(rest)},
        **bench.memory_figures(),
    }


def _forget_left_over(memory: Memory, numbers: Iterable[int]) -> None:
    """Forget passages that an earlier run added and, being killed, did not forget."""
    left = []
    for number in numbers:
        try:
            left.append(memory.get(f"p{number}").memory_id)
        except NotFoundError:
            continue
    if left:
        memory.forget(*left)


def _timed(items: Iterable[T], spent: list[float]) -> Iterator[T]:
    """The items; how long each took to come is in *spent*, summed up now and then."""
    total, iterator = 0.0, iter(items)
    while True:
        start = time.perf_counter()
        try:
            item = next(iterator)
        except StopIteration:
            spent.append(total)
            return
        total += time.perf_counter() - start
        yield item


class _Progress:
    """Says on standard error, twice a minute, how far indexing is."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last > 30:
            self.last = now
            of = f" of {total:,}" if total else ""
            say(f"  {now - self.start:.0f} s: {what}: {done:,}{of}, {peak_bytes() / 1e6:,.0f} MB")


def main() -> None:
    """Do what is ordered."""
    order = Order(**json.load(sys.stdin))
    work = {"index": index, "open": open_once, "query": query, "exact": exact, "change": change}[order.phase]
    json.dump(work(order), sys.stdout)


if __name__ == "__main__":
    main()
