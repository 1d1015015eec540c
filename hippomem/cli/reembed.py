"""``hippomem reembed``: move a store to another embedding model."""

from __future__ import annotations

import typer

from hippomem.cli.options import DEFAULT_NAMESPACE, Embedder, Json, Store
from hippomem.cli.output import print_json


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(reembed)


def reembed(store: Store, embedder: Embedder = None, as_json: Json = False) -> None:
    """Make all vectors of a store again, in every namespace, with the model named by --embedder.

    Texts, facts and names stay as they are; no LLM is asked. A killed run is finished by the same command.
    """
    from hippomem.cli.opening import open_without_model
    from hippomem.cli.progress import Bars

    with open_without_model(store, DEFAULT_NAMESPACE) as memory, Bars() as bars:
        memory.reembed(embedder, progress=bars)
        counted = memory.stats()
    if as_json:
        print_json(counted.to_dict())
    else:
        typer.echo(f"{store} is embedded with {counted.embedder} now.")
