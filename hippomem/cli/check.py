"""``hippomem check``: whether a store is as it was written."""

from __future__ import annotations

import typer

from hippomem.cli.options import Json, Store
from hippomem.cli.output import print_json
from hippomem.errors import StoreError


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(check)


def check(store: Store, as_json: Json = False) -> None:
    """Read all of a store, and the files beside it; say what is damaged, and remove files that the next search makes anew.

    Exit code 4 when the store itself is damaged.
    """
    from hippomem.arrays.checking import check as check_store
    from hippomem.store import Store as Opened

    with Opened.open(store, create=False) as opened:
        report = check_store(opened)
    if as_json:
        print_json(report.to_dict())
    else:
        typer.echo(f"{store}, schema version {report.schema_version}")
        for line in report.damage:
            typer.echo(f"  {line}")
        if report.is_sound:
            typer.echo("  the database is sound")
        if report.generations:
            typer.echo(
                f"  the arrays beside it are sound ({report.generations} folder{'s' * (report.generations != 1)})"
            )
        for line in report.removed:
            typer.echo(f"  removed, to be made anew by the next search: {line}")
        for line in report.left:
            typer.echo(f"  cannot be used and cannot be removed: {line}")
    if not report.is_sound:
        raise StoreError(f"'{store}' is damaged; restore a backup, or export what can still be read into a new store.")
