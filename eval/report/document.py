"""The report document: one Markdown text from the JSON of a run, with its plots beside it, and an HTML page made of both."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.breakdown import BYS
from eval.metrics import ALWAYS
from eval.report import plots, tables
from eval.report.cases import case
from eval.report.files import write_text
from eval.report.markdown import details, listed, plain, table
from eval.report.page import page

RESULTS, MARKDOWN, HTML = "results.json", "report.md", "report.html"

Report = Mapping[str, Any]

#: File name -> (how it is drawn, what it shows).
PLOTS = {
    "recall-at-5.svg": (plots.bars, f"Recall at {ALWAYS} with its 95% interval"),
    "recall-curves.svg": (plots.recall_curves, "Recall at k against k"),
    "quality-latency.svg": (plots.against_latency, f"Recall at {ALWAYS} against the time of a query"),
    "quality-index.svg": (plots.against_index_time, f"Recall at {ALWAYS} against the time to index"),
    "quality-tokens.svg": (plots.against_tokens, f"Recall at {ALWAYS} against LLM tokens spent on indexing"),
}


def write_document(report: Report, folder: Path) -> Path:
    """Write ``report.md``, ``report.html`` and the plots into *folder*, and return the page's path.

    The same JSON gives the same bytes. Raises ConfigError when a file cannot be written.
    """
    drawn = draw(report)
    text = markdown(report, drawn)
    for name, picture in drawn.items():
        write_text(folder / name, picture)
    write_text(folder / MARKDOWN, text)
    write_text(folder / HTML, page(text, drawn, title=_title(report)))
    return folder / HTML


def draw(report: Report) -> dict[str, str]:
    """File name -> SVG of every plot that has something to show."""
    with plots.drawing():
        figures = {name: make(report["results"]) for name, (make, _) in PLOTS.items()}
        return {name: plots.svg(figure) for name, figure in figures.items() if figure is not None}


def markdown(report: Report, drawn: Mapping[str, str]) -> str:
    """The document. drawn: plots by file name; those missing are left out."""
    results = report["results"]
    sections = [f"# {plain(_title(report))}", _opening(report)]
    sections += ["## Quality", *_pictures(drawn, "recall-at-5.svg"), *_headlines(report)]
    sections += [*_pictures(drawn, "recall-curves.svg")]
    sections += _section("Significance", _significance(report))
    sections += _section("By kind of question", _breakdowns(report))
    sections += ["## Cost", *_pictures(drawn, "quality-latency.svg", "quality-index.svg", "quality-tokens.svg")]
    sections += [part for name, entries in results.items() for part in _costs(name, entries)]
    sections += _section("Failure cases", _failures(report))
    sections += _section("Notes", _notes(report))
    sections += _section("Provenance", _provenance(report))
    return "\n\n".join(sections) + "\n"


def _title(report: Report) -> str:
    labels = list(dict.fromkeys(label for entries in report["results"].values() for label in entries))
    return f"Evaluation of {listed(labels)}"


def _opening(report: Report) -> str:
    results = report["results"]
    first = [next(iter(entries.values())) for entries in results.values()]
    questions = sum(entry["questions"] for entry in first)
    return (
        f"{len(results)} {'set' if len(results) == 1 else 'sets'}, {questions:,} questions. Recall and all-recall "
        f"(every gold passage among the first {ALWAYS}: all@{ALWAYS}) are percentages, MRR and nDCG lie between 0 and 1. "
        f"The spans beside figures are 95% bootstrap intervals over questions."
    )


def _section(title: str, parts: list[str]) -> list[str]:
    return [f"## {title}", *parts] if parts else []


def _pictures(drawn: Mapping[str, str], *names: str) -> list[str]:
    return [f"![{PLOTS[name][1]}]({name})" for name in names if name in drawn]


def _headlines(report: Report) -> list[str]:
    parts = []
    if report.get("mean"):
        parts += [f"### Mean over {len(report['results'])} sets, each counting once", tables.headline(report["mean"])]
    for name, entries in report["results"].items():
        entry = next(iter(entries.values()))
        counts = f"{entry['questions']:,} questions, {entry['passages']:,} passages"
        parts += [f"### {plain(name)}", counts, tables.headline(entries)]
    return parts


def _significance(report: Report) -> list[str]:
    parts = []
    if text := tables.significance(report.get("mean_comparisons", [])):
        parts += [f"### Mean over {len(report['results'])} sets", text]
    for name, comparisons in report.get("comparisons", {}).items():
        if text := tables.significance(comparisons):
            parts += [f"### {plain(name)}", text]
    lead = (
        "Paired two-sided randomisation tests over the same questions; differences are in percentage points. "
        "Holm's correction counts all retrievers that are held against the same one by the same metric."
    )
    return [lead, *parts] if parts else []


def _breakdowns(report: Report) -> list[str]:
    parts = []
    for name, entries in report["results"].items():
        if texts := [text for by in BYS if (text := tables.by_label(entries, by))]:
            parts += [f"### {plain(name)}", *texts]
    return [f"Recall@{ALWAYS} / all@{ALWAYS}, percent.", *parts] if parts else []


def _costs(name: str, entries: tables.Entries) -> list[str]:
    folded = "\n\n".join(
        [
            "Query, median milliseconds:",
            tables.stages(entries, "query_ms_by_stage", 2),
            "Indexing, seconds; retrievers that share a store have its cost each:",
            tables.stages(entries, "index_seconds", 2),
        ]
    )
    parts = [tables.query_costs(entries), tables.index_costs(entries), details("by stage", folded)]
    return [f"### {plain(name)}", *parts]


def _failures(report: Report) -> list[str]:
    parts = []
    for name, entries in report["results"].items():
        for label, entry in entries.items():
            if cases := [case(failure) for failure in entry.get("failures", [])]:
                parts += [f"### {plain(name)}, {plain(label)}", *cases]
    lead = (
        f"Questions whose gold passages are not all among the first {ALWAYS}, the worst first. ✓ marks a gold passage."
    )
    return [lead, *parts] if parts else []


def _notes(report: Report) -> list[str]:
    notes = [
        f"- {plain(name)}, {plain(label)}: {plain(entry['note'])}"
        for name, entries in report["results"].items()
        for label, entry in entries.items()
        if entry.get("note")
    ]
    return ["\n".join(notes)] if notes else []


def _provenance(report: Report) -> list[str]:
    """Everything the JSON says of where the figures come from, nested values a row each, and the command."""
    known = report.get("provenance", {})
    rows = []
    for key, value in known.items():
        if key == "arguments":
            continue
        if isinstance(value, Mapping):
            rows += [[plain(f"{key.replace('_', ' ')}: {name}"), plain(str(inner))] for name, inner in value.items()]
        else:
            rows.append([plain(key.replace("_", " ")), plain(_shown(value))])
    command = "python -m eval " + shlex.join(map(str, known.get("arguments", [])))
    return [f"````sh\n{command}\n````", table(["what", "value"], rows, words=2)] if rows else []


def _shown(value: Any) -> str:
    """A value of the provenance in words; a dash for what was not given."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return tables.MISSING if value is None else str(value)
