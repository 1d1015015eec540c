"""``hippomem stats``: what a store holds."""

from __future__ import annotations

import typer

from hippomem.cli.options import DEFAULT_NAMESPACE, Json, Namespace, Store
from hippomem.cli.output import print_json


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(stats)
    app.command()(purge)


def stats(store: Store, namespace: Namespace = DEFAULT_NAMESPACE, as_json: Json = False) -> None:
    """Count what a namespace of a store holds, and what is waiting or failed."""
    from hippomem.cli.opening import open_without_model

    with open_without_model(store, namespace) as memory:
        counted = memory.stats()
    if as_json:
        print_json(counted.to_dict())
        return
    typer.echo(f"{store} [{namespace}], {counted.bytes / 1e6:,.1f} MB in all namespaces")
    for name in ("memories", "passages", "facts", "entities", "mentions", "synonym_edges", "pending", "failed"):
        typer.echo(f"  {name.replace('_', ' '):<13} {getattr(counted, name):>10,}")
    if counted.purge_due:
        typer.echo(f"  copies of forgotten text wait in unused space: hippomem purge --store {store}")
    typer.echo(f"  embedded with {counted.embedder}; schema version {counted.schema_version}")


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
