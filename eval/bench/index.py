"""``python -m eval bench index``: the embedded encoder and the same weights on torch, indexing in turn."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from eval.dataset import load_datasets
from eval.provenance import usable_cpus, versions
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.models.embedder import Embedder
from hippomem.types import Document

Seconds = Mapping[str, float]


def index(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET_DIR", help="A folder in BEIR layout.")],
    rounds: Annotated[int, typer.Option(min=1, help="Times that each backend indexes the set, in turn.")] = 1,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="First N passages.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures.")] = None,
) -> None:
    """Index a set with the embedded encoder and with the same weights on torch, in turn; print the ratio.

    Everything but the encoder is the same code. Needs torch.
    """
    from hippomem.models.minilm import MiniLM
    from hippomem.models.minilm_files import package_folder
    from hippomem.models.sentence_transformer import SentenceTransformerEmbedder
    from indexing.readers import read_beir

    if json is not None:
        check_writable(json)
    (loaded,) = load_datasets([dataset])
    documents = [document for corpus in loaded.corpora for document in read_beir(corpus.folder)][:limit]
    backends: dict[str, Embedder] = {
        "onnx": MiniLM(),
        "torch": SentenceTransformerEmbedder(str(package_folder())),
    }
    for backend in backends.values():
        backend.embed(["loads the weights"])  # loading is not indexing
    runs: dict[str, list[Seconds]] = {name: [] for name in backends}
    for _ in range(rounds):
        for name, backend in backends.items():
            runs[name].append(index_seconds(documents, backend))
    report = summarise(runs)
    report["provenance"] = {"set": loaded.name, "documents": len(documents), "cpus": usable_cpus(), **versions()}
    if json is not None:
        write_json(json, report)
    console().print(table(report, f"indexing {loaded.name}: {len(documents)} documents, {rounds} round(s), seconds"))


def index_seconds(documents: Iterable[Document], embedder: Embedder) -> Seconds:
    """Wall time by stage, and in ``total``, of indexing *documents* into a new store file."""
    from hippomem.memory import Memory

    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as folder:
        start = time.perf_counter()
        with Memory(Path(folder) / "bench.hippo", embedder=embedder) as memory:
            report = memory.add_many(documents)
            return {**report.seconds, "total": time.perf_counter() - start}


def summarise(runs: Mapping[str, Sequence[Seconds]]) -> dict[str, Any]:
    """Medians by backend and stage, and the median over rounds of torch / onnx, round by round.

    >>> summarise({"onnx": [{"total": 2.0}], "torch": [{"total": 7.0}]})["ratio"]
    {'total': 3.5}
    """
    medians = {
        name: {stage: statistics.median(run[stage] for run in some) for stage in some[0]} for name, some in runs.items()
    }
    pairs = list(zip(runs["torch"], runs["onnx"], strict=True))
    ratio = {
        stage: statistics.median(torch[stage] / onnx[stage] for torch, onnx in pairs)
        for stage in pairs[0][0]
        if all(onnx[stage] > 0 for _, onnx in pairs)
    }
    return {"seconds": medians, "ratio": ratio}


def table(report: Mapping[str, Any], title: str) -> Table:
    """The medians, a row a stage."""
    made = Table(title=title, title_justify="left")
    for column in ("stage", "onnx", "torch", "torch / onnx"):
        made.add_column(column, justify="left" if column == "stage" else "right")
    for stage, onnx in report["seconds"]["onnx"].items():
        torch = report["seconds"]["torch"][stage]
        made.add_row(stage, f"{onnx:.2f}", f"{torch:.2f}", f"{report['ratio'].get(stage, float('nan')):.2f}")
    return made
