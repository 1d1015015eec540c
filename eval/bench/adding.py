"""``python -m eval bench adding``: what adding to a store costs beside adding to an empty one, in turn."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from eval.bench.measure import say, setting
from eval.bench.scale.corpus import Corpus
from eval.bench.scale.encoder import ClusteredEmbedder
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.models.embedder import Embedder
from hippomem.models.load import load_embedder
from hippomem.store import Store
from hippomem.types import Document

if TYPE_CHECKING:
    from hippomem.memory import Memory

EMPTY, FULL = "empty", "full"
#: Most that adding to the store may cost, in times of adding to an empty one.
AT_MOST = 3.0
#: The corpus that both come from, in times of what the full store holds.
_LARGER = 4


def _at_once(memory: Memory, documents: Sequence[Document]) -> None:
    memory.add_many(documents)


def _singly(memory: Memory, documents: Sequence[Document]) -> None:
    for document in documents:
        memory.add(document.text, title=document.title, source_id=document.source_id)


#: How documents are added.
WAYS: dict[str, Callable[[Memory, Sequence[Document]], None]] = {"one call": _at_once, "one by one": _singly}


def adding(
    passages: Annotated[int, typer.Option(metavar="N", min=20, help="Generated passages in the full store.")] = 5000,
    adds: Annotated[int, typer.Option(metavar="N", min=1, help="Passages added.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Times that they are added to each, in turn.")] = 5,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Take this for the full store of the default encoder; it is copied, never opened."
        ),
    ] = None,
    stub: Annotated[
        bool, typer.Option("--stub", help="Only with the made-up encoder, which hides nothing behind its own time.")
    ] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures.")] = None,
) -> None:
    """Add the same passages to an empty store and to a full one, in turn; print medians and their ratio.

    With the default encoder, and with one that costs nothing; in one call, and one by one. Opening is not counted, but
    what the first addition reads of a store that was just opened is.
    """
    if json is not None:
        check_writable(json)
    encoders: dict[str, Embedder] = {"made up": ClusteredEmbedder()}
    if not stub:
        encoders["default"] = load_embedder(None)
    # The first passages of a larger corpus, so that those behind them have titles and names that are new, and others.
    corpus = Corpus(_LARGER * passages)
    from hippomem.memory import Memory

    some = list(corpus.documents(passages, passages + adds))
    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as name:
        folder = Path(name)
        full = {encoder: folder / f"{encoder}.hippo" for encoder in encoders}
        for encoder, path in full.items():
            if store is not None and encoder == "default":
                _copy(store, path)
            else:
                say(f"indexing {passages:,} passages, {encoder} encoder")
                with Memory(path, embedder=encoders[encoder]) as memory:
                    memory.add_many(corpus.documents(0, passages))
        report: dict[str, Any] = {"adds": adds, "rounds": rounds, "seconds": {}, "passages": {}}
        for encoder, embedder in encoders.items():
            with Memory(full[encoder], embedder=embedder) as memory:
                report["passages"][encoder] = memory.stats().passages
            measured = {way: _in_turn(full[encoder], folder, embedder, some, way, rounds) for way in WAYS}
            report["seconds"][encoder] = {way: summarise(runs) for way, runs in measured.items()}
    report["provenance"] = setting()
    if json is not None:
        write_json(json, report)
    console().print(table(report))


def _in_turn(
    full: Path, folder: Path, embedder: Embedder, documents: Sequence[Document], way: str, rounds: int
) -> dict[str, list[float]]:
    """Seconds of each round, of the empty store and of a copy of the full one; which of them is first takes turns."""
    from hippomem.memory import Memory

    runs: dict[str, list[float]] = {EMPTY: [], FULL: []}
    for number in range(rounds + 1):
        say(f"{way}: round {number} of {rounds}")
        for kind in (EMPTY, FULL) if number % 2 else (FULL, EMPTY):
            path = folder / f"{kind}.hippo"
            if kind == FULL:
                _copy(full, path)
            with Memory(path, embedder=embedder) as memory:
                start = time.perf_counter()
                WAYS[way](memory, documents)
                if number:  # the first compiles, and loads the model
                    runs[kind].append(time.perf_counter() - start)
            path.unlink()
    return runs


def _copy(store: Path, to: Path) -> None:
    """A whole copy of a closed store, of the file alone where nothing else is beside it."""
    for ending in ("", "-wal"):
        if Path(f"{store}{ending}").exists():
            shutil.copy(f"{store}{ending}", f"{to}{ending}")
    with Store.open(to, create=False):  # takes in what is in the log
        pass


def summarise(runs: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Medians, and the median over rounds of full / empty, round by round, with the least and the most.

    >>> summarise({"empty": [1.0, 1.0, 2.0], "full": [2.0, 1.0, 3.0]})["ratio"]
    {'p50': 1.5, 'min': 1.0, 'max': 2.0}
    """
    ratios = [full / empty for empty, full in zip(runs[EMPTY], runs[FULL], strict=True)]
    return {
        **{kind: statistics.median(some) for kind, some in runs.items()},
        "ratio": {"p50": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
        "rounds": {kind: list(some) for kind, some in runs.items()},
    }


def table(report: Mapping[str, Any]) -> Table:
    """A row an encoder and way."""
    title = f"adding {report['adds']:,} passages, {report['rounds']} round(s) in turn, seconds"
    made = Table(
        title=title, title_justify="left", caption=f"mark: at most {AT_MOST:.0f} times", caption_justify="left"
    )
    for column in ("encoder", "way", "to an empty store", "to one of", "seconds", "ratio", "range"):
        made.add_column(column, justify="left" if column in {"encoder", "way"} else "right", no_wrap=True)
    for encoder, ways in report["seconds"].items():
        for way, found in ways.items():
            ratio = found["ratio"]
            cells = [f"{found[EMPTY]:.2f}", f"{report['passages'][encoder]:,}", f"{found[FULL]:.2f}"]
            made.add_row(encoder, way, *cells, f"{ratio['p50']:.2f}", f"{ratio['min']:.2f} - {ratio['max']:.2f}")
    return made
