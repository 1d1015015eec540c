"""``hippomem index``: a corpus into a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from hippomem.cli.engines import EngineName, open_engine
from hippomem.cli.extractors import open_extractor
from hippomem.cli.llm_options import LlmOptions, asks_llm
from hippomem.cli.options import DEFAULT_NAMESPACE, Embedder, Json, Namespace, Store
from hippomem.cli.output import print_json
from hippomem.errors import ConfigError, HippomemError, IndexingError, ReadError, edge, printable
from hippomem.types import AddReport, CorpusFormat, Document, ExtractorName

if TYPE_CHECKING:
    from hippomem.memory import Memory
    from indexing.asking.extractor import LlmExtractor


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(asks_llm(index))


def index(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Files (.jsonl .csv .tsv .parquet .txt .md .html .pdf, the text ones also .gz), folders of these, BEIR "
            "folders (corpus.jsonl), quoted patterns ('docs/**/*.md'), - for standard input.",
        ),
    ],
    store: Store,
    format: Annotated[
        CorpusFormat | None,
        typer.Option(
            help="Read files in this format whatever their ending, and of folders only files of it; lines: each line of a "
            "text is a document. Default: by ending; standard input is jsonl."
        ),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column or JSON field that is the text; default: text.")
    ] = None,
    title_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The one that is the title; default: title.")
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The one that is the id; default: _id or id, else file and row number."),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of text files, as cp1252; default: UTF-8, or what the file itself says."),
    ] = None,
    extractor: Annotated[
        ExtractorName,
        typer.Option(help="builtin: no LLM. llm: triples from an LLM besides. recorded: triples from openie.jsonl."),
    ] = "builtin",
    recorded: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For --extractor recorded; default: openie.jsonl beside each corpus."),
    ] = None,
    embedder: Embedder = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    asked: LlmOptions = LlmOptions(),
    skip_bad: Annotated[
        bool,
        typer.Option(
            "--skip-bad",
            help="Pass over lines, rows, pages and files that cannot be used, and list them; else the first is an error.",
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Extract passages again that failed in an earlier run.")
    ] = False,
    no_chunk: Annotated[
        bool,
        typer.Option("--no-chunk", help="A document is one passage; default: as the store was made, a new one cuts."),
    ] = False,
    engine: Annotated[
        EngineName, typer.Option(help="Where texts are read and embedded: in this process, or on a Ray cluster.")
    ] = "local",
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a running cluster; default: one is made on this machine.")
    ] = None,
    ray_workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Workers on it; default: one for each two cores.")
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write progress as JSON Lines, for programs; - for standard output."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Index a corpus into a store, which is made when it is not there.

    Running it again is safe: what is stored already counts as a duplicate and costs nothing, a document that has changed
    takes the place of what it said before, and a killed run goes on where it stopped. Ctrl-C stops it: calls under way are
    waited for and kept.
    Exit code 5 when passages failed or a budget ended the run; all are searchable by their sentences, and --retry-failed
    asks again.
    """
    from hippomem.cli.display import Display
    from hippomem.cli.display.report import print_report
    from hippomem.cli.estimate import dry_run, print_estimate
    from hippomem.cli.opening import open_memory

    if events == "-" and as_json:
        raise ConfigError("--events - and --json both write to standard output; give --events a file.")
    skipped: list[ReadError] = []
    others: Counter[str] = Counter()
    try:
        documents = _documents(
            paths,
            skipped if skip_bad else None,
            others,
            format=format,
            text_column=text_column,
            title_column=title_column,
            id_column=id_column,
            encoding=encoding,
        )
        if asked.dry_run:
            asked.require(extractor == "llm")
            expected = dry_run(
                documents,
                store=store,
                namespace=namespace,
                asked=asked,
                chunk=False if no_chunk else None,
                retry_failed=retry_failed,
                events=events,
            )
            if as_json:
                print_json(expected)
            else:
                print_estimate(expected, err=events == "-")
            return
        with (
            open_engine(engine, embedder=embedder, ray_address=ray_address, ray_workers=ray_workers) as where,
            open_extractor(extractor, paths, recorded=recorded, asked=asked, engine=where) as made,
            ExitStack() as opened,
        ):
            llm = cast("LlmExtractor", made) if extractor == "llm" else None  # not loaded without one
            if llm is not None:
                llm.check()  # before there is a store
            display = opened.enter_context(
                Display(
                    status=(lambda: None) if llm is None else llm.status,
                    budget_usd=asked.budget_usd,
                    budget_tokens=asked.budget_tokens,
                    events=events,
                )
            )
            memory = opened.enter_context(
                open_memory(
                    store, namespace, engine=where, extractor=made, chunk=False if no_chunk else None, create=True
                )
            )
            try:
                report = memory.add_many(documents, retry_failed=retry_failed, progress=display)
            except KeyboardInterrupt as stop:
                raise KeyboardInterrupt(
                    f"what was committed stays in '{store}'; the same command resumes where this one stopped."
                ) from stop
            except HippomemError as error:
                error.add_note(
                    f"What was committed stays in '{store}'; the same command resumes where this one stopped."
                )
                raise
            summary = _summary(memory, report, skipped, others)
            if llm is not None:
                summary["usage"] = dict(llm.spent)  # that of --retry-failed too
                summary["llm"] = {
                    **llm.spent,
                    "usd": llm.usd,
                    "reused_answers": llm.reused,
                    "failed": report.failed,
                    "seconds": llm.seconds,
                }
            display.finished(summary)
    except HippomemError as error:
        if skipped:
            error.add_note(f"Skipped before: {_places(skipped)}")
        raise
    if as_json:
        print_json(summary)
    else:
        print_report(summary, err=events == "-")
    if summary["failed"] or (summary["stopped"] and not asked.batch_no_wait):
        raise typer.Exit(edge(IndexingError()).exit_code)


def _documents(
    paths: Sequence[Path], skipped: list[ReadError] | None, others: Counter[str], **options: Any
) -> Iterable[Document]:
    """All documents. A missing path and an unusable beginning are found before a store is made.

    others: counts files of other kinds by their ending.    options: see `ReadOptions`.
    """
    from indexing.readers import ReadOptions, read_paths

    documents = read_paths(
        paths,
        ReadOptions(**options),
        on_bad=None if skipped is None else skipped.append,
        on_other=lambda path: others.update([path.suffix.lower() or path.name]),
    )
    return chain([next(documents)], documents)


def _summary(
    memory: Memory, report: AddReport, skipped: Sequence[ReadError], others: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "store": str(memory.store.path),
        "namespace": memory.namespace,
        "documents": len(report.memory_ids),
        "added": report.added,
        "duplicates": report.duplicates,
        "replaced": report.replaced,
        "stopped": report.stopped,
        "failed": report.failed,
        "skipped": [
            {"path": printable(e.path), "line": e.line, "row": e.row, "page": e.page, "message": str(e)}
            for e in skipped
        ],
        "other_files": {printable(ending): count for ending, count in sorted(others.items())},
        "failures": [
            {"passage_id": p, "error": error, "attempts": attempts} for p, error, attempts in memory.failures()
        ],
        "seconds": dict(report.seconds),
        "usage": dict(report.usage),
        "stats": memory.stats().to_dict(),
    }


def _places(skipped: Sequence[ReadError]) -> str:
    from hippomem.cli.display.report import SHOWN

    shown = "; ".join(error.place for error in skipped[:SHOWN])
    return shown + (f" and {len(skipped) - SHOWN:,} more" if len(skipped) > SHOWN else "")
