"""``python -m eval bench encode``: the embedded encoder against the same weights on torch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from eval.arguments import Json
from eval.bench.measure import ms, percentiles, say, setting
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.demo import demo_folder, demo_questions
from hippomem.models.embedder import Embedder
from hippomem.models.load import load_embedder
from hippomem.models.minilm import MiniLM
from hippomem.models.sentence_transformer import SentenceTransformerEmbedder
from hippomem.text.sentences import split_sentences
from indexing.readers import read_beir

BASELINE = "torch"
#: The embedded model in 8 bits; the row is left out where `load_embedder` does not know it.
INT8 = "minilm-int8"
#: Sentences of a passage, as long as those of the usual multi-hop sets.
WINDOW = 3

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Texts:
    """What is embedded, no text twice. short: sentences and halves of them.    passages: three sentences.    queries."""

    short: list[str]
    passages: list[str]
    queries: list[str]


def encode(
    rounds: Annotated[int, typer.Option(min=1, help="Times that each encoder embeds everything, in turn.")] = 3,
    json: Json = None,
) -> None:
    """Embed the texts of the demo corpus with the embedded encoder and with its weights on torch; needs torch.

    The encoders work in turn. Rates are medians over rounds, and ratios are medians of the ratios round by round.
    """
    if json is not None:
        check_writable(json)
    report = compare(encoders(), demo_texts(), rounds)
    console().print(table(report))
    report["provenance"] = setting()
    if json is not None:
        write_json(json, report)


def encoders() -> dict[str, Embedder]:
    """fp32, int8 where there is one, and the baseline. Raises ConfigError without sentence-transformers."""
    own = MiniLM()
    found: dict[str, Embedder] = {"fp32": own}
    if (small := int8()) is not None:
        found["int8"] = small
    found[BASELINE] = SentenceTransformerEmbedder(str(own.folder))
    return found


def int8() -> Embedder | None:
    """The embedded model in 8 bits, where there is one."""
    embedder = load_embedder(INT8)
    # A word that is no name of ours is taken for a sentence-transformers model.
    return None if isinstance(embedder, SentenceTransformerEmbedder) else embedder


def demo_texts() -> Texts:
    """Texts of the packaged demo corpus, and its questions."""
    folder = demo_folder()
    sentences = [s for document in read_beir(folder) for s in split_sentences(document.text)]
    words = [sentence.split() for sentence in sentences]
    halves = [" ".join(part) for w in words for part in (w[: len(w) // 2], w[len(w) // 2 :]) if part]
    windows = [" ".join(sentences[i : i + WINDOW]) for i in range(len(sentences) - WINDOW + 1)]
    queries = [question.text for question in demo_questions(folder)]
    return Texts(list(dict.fromkeys([*sentences, *halves])), list(dict.fromkeys(windows)), queries)


def compare(some: Mapping[str, Embedder], texts: Texts, rounds: int) -> dict[str, Any]:
    """Rates and milliseconds by encoder, ratios to the baseline (above 1: faster), and cosines to its vectors."""
    vectors: dict[str, Vectors] = {}
    for name, embedder in some.items():
        say(f"{name}: loading, and a first pass that is not counted")
        embedder.embed(texts.queries[:1], role="query")
        vectors[name] = np.concatenate([embedder.embed(texts.short), embedder.embed(texts.passages)])
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in some}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for name in _turned(list(some), number):
            runs[name].append(_one_round(some[name], texts))
    report: dict[str, Any] = {
        "texts": {"short": len(texts.short), "passages": len(texts.passages), "queries": len(texts.queries)},
        "rounds": rounds,
        "encoders": {},
    }
    for name in some:
        cosine = (vectors[name] * vectors[BASELINE]).sum(axis=1)
        report["encoders"][name] = {
            **{what: statistics.median(run[what] for run in runs[name]) for what in runs[name][0]},
            "ratio": {
                what: statistics.median(
                    # Rates: ours over theirs. Times: theirs over ours. Above 1 is faster in both.
                    (ours[what] / theirs[what]) ** (-1 if what.startswith("query") else 1)
                    for ours, theirs in zip(runs[name], runs[BASELINE], strict=True)
                )
                for what in runs[name][0]
            },
            "cosine": {"mean": float(cosine.mean()), "min": float(cosine.min())},
        }
    return report


def _turned(names: list[str], number: int) -> list[str]:
    """The names, beginning with another one each round: who comes first finds another machine than who comes last."""
    at = number % len(names)
    return names[at:] + names[:at]


def _one_round(embedder: Embedder, texts: Texts) -> dict[str, float]:
    """Texts a second in bulk, and seconds of a query, asked one by one."""
    found = {}
    for what, some in (("short_per_second", texts.short), ("passages_per_second", texts.passages)):
        start = time.perf_counter()
        embedder.embed(some)
        found[what] = len(some) / (time.perf_counter() - start)
    took = []
    for text in texts.queries:
        start = time.perf_counter()
        embedder.embed([text], role="query")
        took.append(time.perf_counter() - start)
    times = percentiles(took, 50, 95)
    return {**found, "query_p50": times["p50"], "query_p95": times["p95"]}


def table(report: Mapping[str, Any]) -> Table:
    """A row an encoder, each figure with its ratio to the baseline."""
    counts = report["texts"]
    title = f"{counts['short']} short texts, {counts['passages']} passages, {counts['queries']} queries"
    made = Table(title=f"{title}, {report['rounds']} round(s); x: as fast as {BASELINE}", title_justify="left")
    made.add_column("encoder", no_wrap=True)
    for column in ("short texts/s", "passages/s", "query ms, p50", "cosine, mean", "min"):
        made.add_column(column, justify="right", no_wrap=True)
    for name, row in report["encoders"].items():
        ratio = row["ratio"]
        made.add_row(
            name,
            f"{row['short_per_second']:.0f} ({ratio['short_per_second']:.2f} x)",
            f"{row['passages_per_second']:.0f} ({ratio['passages_per_second']:.2f} x)",
            f"{ms(row['query_p50'])} ({ratio['query_p50']:.2f} x)",
            f"{row['cosine']['mean']:.5f}",
            f"{row['cosine']['min']:.5f}",
        )
    return made
