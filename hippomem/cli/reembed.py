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
    from hippomem.cli.display import Display
    from hippomem.cli.opening import open_without_model

    with open_without_model(store, DEFAULT_NAMESPACE) as memory, Display() as display:
        memory.reembed(embedder, progress=display)
        counted = memory.stats()
    if as_json:
        print_json(counted.to_dict())
    else:
        typer.echo(f"{store} is embedded with {counted.embedder} now.")
