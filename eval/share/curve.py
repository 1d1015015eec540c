"""One set's curves: index once without a model, choose, then a store for each share of each choice, and its questions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.dataset import OPENIE, Corpus, Dataset
from eval.kept import STORE
from eval.run import RunSettings, run_set
from eval.share.choices import CHOICES, RANDOM, Orders, PartialExtractor, read_orders
from eval.share.encoder import once
from eval.significance import compare
from eval.summary import score_answers
from eval.systems import Engine

KS = (2, 5, 10)
METRICS = (*(f"recall@{k}" for k in KS), "all_recall@5")
NOTHING, EVERYTHING = "nothing read", "everything read"

Say = Callable[[str], None]
#: Metric → (questions,) scores in percent.
Scores = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ShareSettings:
    """shares: ascending, of (0, 1), at least one.    draws: random choices of each share, at least one.

    run: retrievers and seed; its stores are built here.
    """

    shares: tuple[float, ...]
    draws: int
    run: RunSettings


def measure(dataset: Dataset, settings: ShareSettings, engine: Engine, say: Say = lambda _: None) -> dict[str, Any]:
    """One set's figures, as plain JSON types.

    questions, passages: how many.    gold: by choice, percent of the passages that answer a question which are read, by
    share (of `RANDOM`: the mean of its draws).    retrievers: of a set whose corpora all have an ``openie.jsonl``, see
    `_figures`; {} for other sets.    Raises HippomemError.
    """
    encoder = once(engine.embedder(settings.run.stores.embedder))
    engine = replace(engine, embedder=lambda name: encoder)
    orders: dict[str, Orders] = {}
    for corpus in dataset.corpora:
        say(f"{corpus.name}: indexing {corpus.passages} passages with the built-in extractor")
        orders[corpus.name] = _orders(corpus, engine, settings.draws)
    result = {
        "questions": len(dataset.questions),
        "passages": sum(corpus.passages for corpus in dataset.corpora),
        "gold": {choice: _gold_read(dataset, orders, choice, settings.shares) for choice in CHOICES},
        "retrievers": {},
    }
    if all((corpus.folder / OPENIE).is_file() for corpus in dataset.corpora):
        curves = _Curves(dataset, settings, engine, orders, say)
        result["retrievers"] = {system.label: curves.of(system.label) for system in settings.run.systems}
    return result


def _orders(corpus: Corpus, engine: Engine, draws: int) -> Orders:
    with tempfile.TemporaryDirectory(prefix="hippomem-eval-", ignore_cleanup_errors=True) as folder:
        path, encoder = Path(folder) / STORE, engine.embedder(None)
        with engine.open(path, chunk=False, embedder=encoder, extractor="builtin") as memory:
            memory.add_many(engine.documents(corpus.folder))
            return read_orders(memory, gold_of(corpus), draws=draws)


def gold_of(corpus: Corpus) -> frozenset[str]:
    """Ids of the passages that some question needs."""
    return frozenset(passage_id for question in corpus.questions for passage_id in question.relevance)


def _gold_read(
    dataset: Dataset, orders: Mapping[str, Orders], choice: str, shares: Sequence[float]
) -> dict[str, float]:
    gold = {corpus.name: gold_of(corpus) for corpus in dataset.corpora}
    total = sum(map(len, gold.values()))
    percent = {}
    for share in shares:
        read = [
            len(ids & chosen) / len(orders[name].by_choice[choice])
            for name, ids in gold.items()
            for chosen in orders[name].chosen(choice, share)
        ]
        percent[f"{share:g}"] = round(100.0 * sum(read) / total, 2)
    return percent


class _Curves:
    """All scores of one set: of the two ends, and of every share of every choice."""

    def __init__(
        self, dataset: Dataset, settings: ShareSettings, engine: Engine, orders: Mapping[str, Orders], say: Say
    ) -> None:
        self._dataset, self._settings, self._engine = dataset, settings, engine
        say(f"{dataset.name}: {NOTHING}, {EVERYTHING}")
        self._ends = {
            NOTHING: self._scores({corpus.name: frozenset() for corpus in dataset.corpora}),
            EVERYTHING: self._scores(None),
        }
        #: choice → share → draw → label → scores
        self._partial: dict[str, list[list[dict[str, Scores]]]] = {}
        for choice in CHOICES:
            self._partial[choice] = []
            for share in settings.shares:
                say(f"{dataset.name}: a share of {share:g}, {choice}")
                drawn = {name: order.chosen(choice, share) for name, order in orders.items()}
                draws = len(next(iter(drawn.values())))
                self._partial[choice].append(
                    [self._scores({name: chosen[draw] for name, chosen in drawn.items()}) for draw in range(draws)]
                )

    def _scores(self, chosen: Mapping[str, frozenset[str]] | None) -> dict[str, Scores]:
        """Scores by label. chosen: source ids that are read, by corpus; None for all."""
        engine = self._engine

        def partial(openie: Path) -> PartialExtractor:
            return PartialExtractor(engine.recorded(openie), None if chosen is None else chosen[openie.parent.name])

        outcomes = run_set(self._dataset, self._settings.run, replace(engine, recorded=partial))
        return {
            label: {name: v for name, v in score_answers(outcome.answers, KS).items() if name in METRICS}
            for label, outcome in outcomes.items()
        }

    def of(self, label: str) -> dict[str, Any]:
        """One retriever's figures, percent.

        ends: means with no triples and with all.    curves: by choice and share the means, over questions and draws, and
        for `RANDOM` ``sd``, the standard deviation over draws.
        all_read: `eval.significance.compare`, everything read − nothing read.    over_random: the same of each choice
        against random: a question's scores are means over all shares, and over draws.
        """
        shares = [f"{share:g}" for share in self._settings.shares]
        curves = {
            choice: dict(zip(shares, ([draw[label] for draw in draws] for draws in by_share), strict=True))
            for choice, by_share in self._partial.items()
        }
        over_shares = {
            choice: {m: np.mean([[d[m] for d in draws] for draws in by_share.values()], axis=(0, 1)) for m in METRICS}
            for choice, by_share in curves.items()
        }
        seed = self._settings.run.seed
        return {
            "ends": {end: _means([scores[label]]) for end, scores in self._ends.items()},
            "curves": {
                choice: {share: _means(draws) for share, draws in by_share.items()}
                for choice, by_share in curves.items()
            },
            "all_read": compare({end: scores[label] for end, scores in self._ends.items()}, seed=seed),
            "over_random": compare(over_shares, seed=seed, against=RANDOM),
        }


def _means(draws: Sequence[Scores]) -> dict[str, Any]:
    """Means over questions and draws by metric, and with several draws how far these lie apart."""
    means = {metric: [float(draw[metric].mean()) for draw in draws] for metric in METRICS}
    figures: dict[str, Any] = {metric: round(float(np.mean(values)), 4) for metric, values in means.items()}
    if len(draws) > 1:
        figures["sd"] = {metric: round(float(np.std(values, ddof=1)), 4) for metric, values in means.items()}
    return figures
