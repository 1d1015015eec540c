"""What a run tells at its end: what came in, what it cost, what failed and how to go on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from hippomem.cli.display import words
from hippomem.cli.display.lines import kind_of
from hippomem.cli.output import seconds

#: How many skipped lines and failed passages are listed for people; --json lists all.
SHOWN = 20
#: How many passages are named that failed for one reason.
EXAMPLES = 3


def print_report(summary: Mapping[str, Any], *, err: bool = False) -> None:
    """The summary of ``hippomem index`` for people. err: on stderr, where standard output is for programs."""
    for text, colour in _lines(summary):
        typer.secho(text, fg=colour, err=err)  # colours are left out where there is no terminal


def _lines(summary: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Lines, each with its colour.

    Of the summary these may be missing: ``llm`` (calls, prompt_tokens, completion_tokens, usd, reused_answers, failed,
    seconds), where no LLM was asked; ``stopped`` (why), of a run that came to its end.
    """
    skipped, failures, stats = summary["skipped"], summary["failures"], summary["stats"]
    documents, took = summary["documents"], sum(summary["seconds"].values())
    yield (
        (
            f"{documents:,} documents: {summary['added']:,} added, {summary['duplicates']:,} duplicates, "
            f"{units(skipped)} skipped, {summary['failed']:,} passages failed"
        ),
        None,
    )
    yield from _some([f"skipped {words.line(bad['message'], 1000)}" for bad in skipped], "yellow")
    if others := summary["other_files"]:
        kinds = ", ".join(f"{count:,} {ending}" for ending, count in others.items())
        yield f"  passed over files of other kinds: {words.line(kinds, 200)}", None
    pace = f", {words.per_second(documents / took)}" if documents and took >= 1 else ""
    yield f"took {seconds(summary['seconds'])}{pace}", None
    if summary.get("llm"):
        yield from ((text, None) for text in _llm(summary["llm"]))
    yield (
        (
            f"{summary['store']} [{summary['namespace']}]: {stats['passages']:,} passages, {stats['facts']:,} facts, "
            f"{stats['entities']:,} entities"
        ),
        None,
    )
    if failures:
        yield f"{len(failures):,} passages could not be read; they are found by their sentences all the same:", "red"
        yield from _some(_reasons(failures), "red")
        yield "  try these again: the same command with --retry-failed", None
    if summary.get("stopped"):
        yield f"stopped before the end: {words.line(summary['stopped'])}", "yellow"
        yield "  go on where it stopped: the same command again; what is stored is not paid for again", None


def _llm(llm: Mapping[str, Any]) -> Iterator[str]:
    calls, took = llm["calls"], llm["seconds"]
    pace = f" in {words.duration(took)}, {words.per_second(calls / took)}" if calls and took > 0 else ""
    said = [f"{calls:,} calls{pace}"]
    if llm["reused_answers"]:
        said.append(f"{llm['reused_answers']:,} answers were stored already")
    if llm["failed"]:
        said.append(f"{llm['failed']:,} passages failed")
    yield f"LLM: {'; '.join(said)}"
    cost = (
        "no price is known (--price-in with --price-out, or --prices)"
        if llm["usd"] is None
        else words.money(llm["usd"])
    )
    yield f"  {llm['prompt_tokens']:,} prompt and {llm['completion_tokens']:,} completion tokens: {cost}"


def _reasons(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each kind of reason, the most frequent first: a thousand passages fail for two or three of them."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for failure in failures:
        kinds.setdefault(_kind(failure["error"]), []).append(failure)
    told = []
    for alike in sorted(kinds.values(), key=len, reverse=True):
        ids = ", ".join(failure["passage_id"] for failure in alike[:EXAMPLES])
        more = f" and {len(alike) - EXAMPLES:,} more" if len(alike) > EXAMPLES else ""
        told.append(f"{ids}{more}: {words.line(alike[0]['error'], 200)}")
    return told


def _kind(error: str) -> str:
    """A reason without what it quotes and counts, which differs from passage to passage."""
    return kind_of(re.sub(r"'[^']*'|\"[^\"]*\"", "…", words.line(error, 1000)))[:100]


def _some(texts: Sequence[str], colour: str) -> Iterator[tuple[str, str | None]]:
    """The first `SHOWN`, and how many there are more."""
    yield from ((f"  {text}", colour) for text in texts[:SHOWN])
    if len(texts) > SHOWN:
        yield f"  … and {len(texts) - SHOWN:,} more (--json lists all)", None


def units(skipped: Sequence[Mapping[str, Any]]) -> str:
    """``2 lines and 1 file``; ``0 lines`` for nothing."""
    counted = Counter(
        next((unit for unit in ("line", "row", "page") if bad[unit] is not None), "file") for bad in skipped
    )
    named = [f"{count:,} {unit}{'' if count == 1 else 's'}" for unit, count in counted.items()]
    return " and ".join(named) or "0 lines"
