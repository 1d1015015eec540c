"""The command ``tokens`` of ``python -m eval``."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from eval.arguments import DatasetDirs, Json
from eval.dataset import OPENIE, check_names, set_name, sha256_of
from eval.provenance import versions
from eval.report.console import console
from eval.report.outputs import Outputs
from eval.tokens.count import SCHEMES, Count, count, passages_of, recorded_of
from eval.tokens.vocabulary import ENCODING, counter

#: HippoRAG 2 with its own two prompts (an example each) over MuSiQue's 11,656 passages: 9.2M tokens in, 3.0M out
#: (arXiv 2502.14802, cost table). Other passages and another tokenizer: for the order of magnitude.
REFERENCE = {"name": "HippoRAG 2, as published", "calls": 2.0, "prompt": 9.2e6 / 11656, "completion": 3.0e6 / 11656}


def tokens(datasets: DatasetDirs, json: Json = None) -> None:
    """Count the calls and tokens a passage that each way of asking an LLM takes, without asking one.

    Answers are what ``openie.jsonl`` holds, written as each way asks for them, and read back: every passage must give the
    same triples again. Sets without a recording show prompts only. Tokens are cl100k_base's.
    """
    check_names(datasets)
    outputs = Outputs(json)
    outputs.check()
    counted = counter()
    report: dict[str, Any] = {
        "encoding": ENCODING,
        "reference": REFERENCE,
        "sets": {},
        "versions": versions(),
        "sha256": {},
    }
    out = console()
    for folder in datasets:
        name = set_name(folder)
        passages = passages_of(folder)
        recorded = recorded_of(folder, passages)
        counts = {label: count(scheme, passages, recorded, counted) for label, scheme in SCHEMES.items()}
        figures = {label: _figures(each) for label, each in counts.items() if each is not None}
        report["sets"][name] = {"passages": len(passages), "recorded": recorded is not None, "schemes": figures}
        report["sha256"][name] = sha256_of(folder, [folder], ("corpus.jsonl", OPENIE))
        out.print(_table(name, len(passages), figures))
    outputs.write(report)


def _figures(counted: Count) -> dict[str, float | int | None]:
    """A passage, but for ``same``."""
    return {
        "calls": counted.calls / counted.passages,
        "prompt": counted.prompt / counted.passages,
        "completion": None if counted.completion is None else counted.completion / counted.passages,
        "estimate_over_count": counted.estimated / counted.prompt,
        "same": counted.same,
    }


def _table(name: str, passages: int, figures: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=Text(f"{name}: {passages} passages, a passage"), title_justify="left")
    table.add_column("way of asking", no_wrap=True)
    for column in ("calls", "prompt", "completion", "read back the same", "estimate / prompt"):
        table.add_column(column, justify="right", no_wrap=True)
    for label, row in figures.items():
        completion = "-" if row["completion"] is None else f"{row['completion']:.0f}"
        same = "-" if row["same"] is None else f"{row['same']} of {passages}"
        estimate = f"{row['estimate_over_count']:.3f}"
        table.add_row(label, f"{row['calls']:.2f}", f"{row['prompt']:.0f}", completion, same, estimate)
    cited = REFERENCE
    table.add_row(str(cited["name"]), "2.00", f"{cited['prompt']:.0f}", f"{cited['completion']:.0f}", "-", "-")
    return table
