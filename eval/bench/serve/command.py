"""``python -m eval bench serve``: a real server on loopback, with one client, at its maximum, at half of it, and killed."""

from __future__ import annotations

import json as json_text
import os
import platform
import random
import shutil
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.arguments import EmbedderName, Json
from eval.bench.measure import say, setting
from eval.bench.serve.material import Feed, Material, material
from eval.bench.serve.phases import SHARE, Bench, mark
from eval.bench.serve.server import serving
from eval.bench.serve.tables import lines, tables
from eval.provenance import anonymous, versions
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.errors import ConfigError

#: What carries the requests, beside what `eval.provenance` names.
_SERVER = ("fastapi", "starlette", "pydantic", "uvicorn", "h11", "httptools", "uvloop")


def serve(
    dataset: Annotated[
        Path | None, typer.Argument(metavar="[DATASET_DIR]", help="A folder in BEIR layout; generated text without it.")
    ] = None,
    passages: Annotated[int, typer.Option(metavar="N", min=20, help="Passages in the store.")] = 5000,
    connections: Annotated[int, typer.Option(metavar="N", min=1, help="Connections of the load.")] = 32,
    seconds: Annotated[float, typer.Option(metavar="S", min=1, help="Length of the load by schedule.")] = 60.0,
    adds: Annotated[float, typer.Option(metavar="SHARE", min=0, max=1, help="Adds among the requests.")] = 0.1,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Processes of the server.")] = 1,
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the store here, or take it from here; a copy is served.")
    ] = None,
    embedder: EmbedderName = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of generated text, order and schedule.")] = 0,
    json: Json = None,
) -> None:
    """Serve a store and load it: latencies of one client, the maximum rate, latencies at half of it, and kill -9.

    Latencies by schedule count from when a request was due, so that a server that stands still cannot hide it.
    """
    if json is not None:
        check_writable(json)
    made_of = material(dataset, passages, seed)
    settings: dict[str, Any] = {"passages": passages, "connections": connections, "seconds": seconds}
    settings |= {"adds": adds, "workers": workers, "seed": seed}
    settings["embedder"] = "default" if embedder is None else anonymous(embedder)
    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as name:
        folder = Path(name)
        served = folder / "serve.hippo"
        prepare(made_of, served, kept=store, embedder=embedder)
        load_average = os.getloadavg()
        bench = Bench(Feed(made_of), connections, adds, seconds, random.Random(seed))  # noqa: S311 (no secret)
        report = measured(bench, served, folder / "server.log", workers=workers, embedder=embedder)
    report = {"settings": settings, "store": made_of.described(), **report, "load_average": load_average}
    report["mark"] = mark(report)
    report["provenance"] = provenance()
    if json is not None:
        write_json(json, report)
    for table in tables(report):
        console().print(table)
    for line in lines(report):
        console().print(line)


def measured(bench: Bench, store: Path, log: Path, *, workers: int, embedder: str | None) -> dict[str, Any]:
    """All phases over the store. log: file for what the server says."""
    report: dict[str, Any] = {}
    with serving(store, log, workers=workers, embedder=embedder) as server:
        report["start_seconds"] = server.start_seconds
        say("one client")
        report["single"] = bench.single(server)
        say(f"{bench.connections} connections, as fast as they are answered")
        report["closed"] = bench.closed(server)
        rate = SHARE * report["closed"]["per_second"]
        say(f"{rate:.1f} requests a second, for {bench.seconds:.0f} s")
        report["open"] = bench.open(server, rate)
        say("a storm of adds, and kill -9")
        report["storm"] = bench.storm(server)
    with serving(store, log, workers=workers, embedder=embedder) as server:
        say(f"ready again; looking for {len(bench.acknowledged)} acknowledged adds")
        report["kept"] = bench.kept(server)
    material, asked = bench.feed.material, bench.feed.asked
    report["questions"] = {
        "asked": asked,
        "repeated": max(0, asked - len(material.questions)),
        "given_share": material.given / len(material.questions),
    }
    return report


def prepare(made_of: Material, served: Path, *, kept: Path | None, embedder: str | None) -> None:
    """Make the store that is served, or copy one that was kept: the load changes it.

    Raises ConfigError for a kept store of something else.
    """
    if kept is not None and not kept.parent.is_dir():
        raise ConfigError(f"--store '{kept}': no folder '{kept.parent}'; make it first")
    # A store made by another version is of use as long as it opens; one of other passages or vectors is not.
    record = made_of.described() | {"embedder": "default" if embedder is None else embedder}
    if kept is None or not kept.exists():
        index(made_of, served, embedder)
        if kept is not None:
            _copy(served, kept)
            write_json(_record_of(kept), record)
        return
    if not _record_of(kept).exists() or (found := _read(_record_of(kept))) != record:
        what = f"was made of {found}" if _record_of(kept).exists() else "has no record beside it"
        raise ConfigError(f"--store '{kept}' {what}, but {record} is asked for; name another file.")
    _copy(kept, served)


def index(made_of: Material, file: Path, embedder: str | None) -> None:
    """Write the store."""
    from hippomem.memory import Memory

    say(f"indexing {len(made_of.documents):,} passages")
    with Memory(file, embedder=embedder) as memory:
        memory.add_many(made_of.documents)


def _copy(store: Path, to: Path) -> None:
    """A closed store and its arrays."""
    shutil.copyfile(store, to)
    arrays = store.with_name(f"{store.name}-arrays")
    if arrays.is_dir():
        shutil.copytree(arrays, to.with_name(f"{to.name}-arrays"), dirs_exist_ok=True)


def _record_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.bench.json")


def _read(file: Path) -> Any:
    return json_text.loads(file.read_text(encoding="utf-8"))


def provenance() -> Mapping[str, Any]:
    """Versions, those of what carries the requests too, and hardware."""
    known = dict(setting())
    found = dict(versions())
    for distribution in _SERVER:
        try:
            found[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return known | {"versions": found, "machine": platform.machine(), "system": platform.system()}
