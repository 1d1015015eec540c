"""``python -m eval bench scale``: what a store of N generated passages costs, phase by phase, each in its own process."""

from __future__ import annotations

import json as json_text
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.bench.measure import ratio, say, setting
from eval.bench.scale.corpus import VERSION
from eval.bench.scale.order import Order, Phase, run_phase
from eval.bench.scale.tables import tables
from eval.provenance import versions
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.errors import ConfigError

#: Processes that open the store before it is asked.
OPENED = 3


def scale(
    passages: Annotated[int, typer.Option(metavar="N", min=20, help="Passages generated.")],
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the indexed store here, or take it from here.")
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="Questions asked.")] = 200,
    exact: Annotated[int, typer.Option(min=0, help="Questions compared with the exact answer.")] = 50,
    adds: Annotated[int, typer.Option(min=0, help="Passages added one by one, and forgotten again.")] = 200,
    reference: Annotated[
        int, typer.Option(metavar="N", min=0, help="Size of a smaller store to compare with; 0 for none.")
    ] = 10_000,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Ask, add and forget at most so long in each phase.")
    ] = 600.0,
    seed: Annotated[int, typer.Option(help="Of the generated corpus.")] = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures.")] = None,
) -> None:
    """Index, open, ask, add to and forget from a store of N generated passages; print what each costs.

    Text and encoder are made up and fast, so that the time is the product's own; its share of the encoder is left out.
    """
    if json is not None:
        check_writable(json)
    with _folder(store) as (folder, file):
        big = Measured(file, passages, seed, patience)
        small = Measured(folder / "reference.hippo", reference, seed, patience) if 0 < reference < passages else None
        report: dict[str, Any] = {"passages": passages, "seed": seed, "corpus": VERSION}
        report["index"] = big.indexed(kept=store is not None)
        report["files_after_indexing"] = big.files()
        report["open"] = [big.phase("open") for _ in range(OPENED)]
        report["query"] = big.phase("query", queries)
        report["files"] = big.files()
        if exact:
            report["exact"] = big.phase("exact", exact)
        if small is not None:
            report["reference"] = {"passages": reference, "index": small.indexed(kept=False)}
            report["reference"]["query"] = small.phase("query", queries)
        if adds:
            if small is not None:
                report["reference"]["change"] = small.phase("change", adds)
            report["change"] = big.phase("change", adds)
        report["ratio"] = ratios(report)
    report["provenance"] = setting()
    if json is not None:
        write_json(json, report)
    for table in tables(report):
        console().print(table)


class Measured:
    """A store file under measurement. Each phase says on standard error that it begins."""

    def __init__(self, file: Path, passages: int, seed: int, patience: float) -> None:
        self.file, self.passages, self.seed, self.patience = file, passages, seed, patience
        self.record = file.with_name(f"{file.name}.bench.json")

    def phase(self, phase: Phase, count: int = 0) -> dict[str, Any]:
        """The figures of one phase."""
        say(f"{phase}: {self.passages:,} passages")
        return run_phase(Order(phase, str(self.file.resolve()), self.passages, self.seed, count, self.patience))

    def indexed(self, *, kept: bool) -> dict[str, Any]:
        """The figures of indexing, made now or, for a kept store, once. Raises ConfigError for a store of another make."""
        made_of = {"passages": self.passages, "seed": self.seed, "corpus": VERSION, "hippomem": versions()["hippomem"]}
        if kept and self.record.exists():
            record = json_text.loads(self.record.read_text(encoding="utf-8"))
            figures: dict[str, Any] = record.pop("index")
            if record != made_of:
                raise ConfigError(
                    f"--store '{self.file}' was made of {record}, but {made_of} is asked for; name another file."
                )
            if not self.file.exists():
                raise ConfigError(f"--store '{self.file}' is gone; remove '{self.record}' to index it anew.")
            return figures
        if self.file.exists():
            raise ConfigError(
                f"--store '{self.file}' is no store that this benchmark finished; remove it, or name another file."
            )
        figures = self.phase("index")
        if kept:
            write_json(self.record, {**made_of, "index": figures})
        return figures

    def files(self) -> dict[str, int]:
        """Bytes of the store's file ("store") and of whatever lies beside it under a name that begins with its own."""
        found = {}
        for path in sorted(self.file.parent.glob(f"{self.file.name}*")):
            if path != self.record:
                parts = [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]
                found[f"store{path.name[len(self.file.name) :]}"] = sum(part.stat().st_size for part in parts)
        return found


def ratios(report: dict[str, Any]) -> dict[str, float | None]:
    """The large store against the small one, and the exact search against the default one."""
    found = {}
    if "exact" in report:
        seconds = report["exact"]["seconds"]
        found["exact_query"] = ratio(seconds["exact"]["p50"], seconds["default"]["p50"])
    small = report.get("reference", {})
    if small:
        found["query"] = ratio(report["query"]["plain"]["total"]["p50"], small["query"]["plain"]["total"]["p50"])
        rates = [some["index"]["passages_per_second"] for some in (small, report)]
        found["index_per_passage"] = ratio(*rates)
    if "change" in small:
        for what in ("add", "forget"):
            found[what] = ratio(report["change"][what]["p50"], small["change"][what]["p50"])
    return found


@contextmanager
def _folder(store: Path | None) -> Iterator[tuple[Path, Path]]:
    """A temporary folder, and the file of the store: in it, or where it is to be kept."""
    if store is not None and not store.parent.is_dir():
        raise ConfigError(f"--store '{store}': no folder '{store.parent}'; make it first")
    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as folder:
        yield Path(folder), Path(folder) / "scale.hippo" if store is None else store
