"""``hippomem stats``: what a store holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from hippomem.cli.options import DEFAULT_NAMESPACE, Json, Namespace, Store
from hippomem.cli.output import print_json

#: The newest runs with an LLM that are told of.
RUNS = 5


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(stats)
    app.command()(purge)


def stats(store: Store, namespace: Namespace = DEFAULT_NAMESPACE, as_json: Json = False) -> None:
    """Count what a namespace of a store holds, and what is waiting or failed."""
    from hippomem.cli.opening import open_without_model

    with open_without_model(store, namespace) as memory:
        counted, runs = memory.stats(), memory.runs(RUNS)
    if as_json:
        print_json({**counted.to_dict(), "runs": [asdict(run) for run in runs]})
        return
    typer.echo(f"{store} [{namespace}], {counted.bytes / 1e6:,.1f} MB in all namespaces")
    for name in ("memories", "passages", "facts", "entities", "mentions", "synonym_edges", "pending", "failed"):
        typer.echo(f"  {name.replace('_', ' '):<13} {getattr(counted, name):>10,}")
    if counted.llm:
        typer.echo(f"  read by an LLM in {counted.llm['runs']:,} runs: {_cost(counted.llm)}")
    for run in runs:
        how = run.outcome or ("running, or killed" if run.ended_at is None else "")
        passages = f"{run.answered:,} passages" + (f", {run.failed:,} failed" if run.failed else "")
        typer.echo(f"    {run.started_at} {run.model}: {passages}; {_cost(asdict(run))}; {how}")
    if counted.purge_due:
        typer.echo(f"  copies of forgotten text wait in unused space: hippomem purge --store {store}")
    typer.echo(f"  embedded with {counted.embedder}; schema version {counted.schema_version}")


def _cost(told: Mapping[str, Any]) -> str:
    cost = f"{told['calls']:,} calls, {told['prompt_tokens']:,} + {told['completion_tokens']:,} tokens"
    return cost if told.get("usd") is None else f"{cost}, ${told['usd']:,.4f}"


def purge(store: Store, as_json: Json = False) -> None:
    """Write a store's file anew, without any trace of what was forgotten. Small stores do that by themselves."""
    from hippomem.cli.opening import open_without_model

    with open_without_model(store, DEFAULT_NAMESPACE) as memory:
        done = memory.purge()
    if as_json:
        print_json({"purged": done})
    elif done:
        typer.echo(f"{store} holds no trace of what was forgotten.")
    else:
        typer.echo(f"Another process is reading {store}; try again when it is done.")
