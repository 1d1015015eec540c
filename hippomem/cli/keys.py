"""``hippomem keys``: API keys of a store's servers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from hippomem.cli.options import Json, Store
from hippomem.cli.output import complain, print_json


class Rights(StrEnum):
    """What a key may do; each with those before it."""

    read = "read"
    write = "write"
    admin = "admin"


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    keys = typer.Typer(help="Make, list and revoke the API keys of a store's servers.", no_args_is_help=True)
    keys.command()(create)
    keys.command(name="list")(list_keys)
    keys.command()(revoke)
    app.add_typer(keys, name="keys")


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what the key is for.")],
    store: Store,
    rights: Annotated[
        Rights,
        typer.Option(help="read: search and read. write: also add, change, forget. admin: also whole namespaces."),
    ] = Rights.write,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", metavar="NAME", help="A namespace it reaches; may be repeated. Not given: all."),
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="From when on it is refused, e.g. 2027-06-30 (UTC).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an API key and print it: this once, for the store keeps only its hash.

    From the first key on, servers of this store let nobody in without one. The store is made when it is not there.
    """
    from hippomem.cli.opening import checked
    from hippomem.server.access.keys import Keys
    from hippomem.store import Store as Opened

    name = checked(name, "the name")
    reached = None if not namespace else [checked(each, "--namespace") for each in namespace]
    with Opened.open(store) as opened:
        keys = Keys(opened)
        key_id, token = keys.create(name, rights.value, reached, expires_at)
        made = keys.get(key_id)
    if as_json:
        print_json({**made.to_dict(), "key": token})
        return
    typer.echo(token)
    where = "every namespace" if made.namespaces is None else ", ".join(sorted(made.namespaces))
    until = "until it is revoked" if made.expires_at is None else f"until {made.expires_at}"
    complain(f"'{name}' may {rights.value} in {where} {until}. The key is not shown again.", f"key {key_id}")


def list_keys(store: Store, as_json: Json = False) -> None:
    """List the API keys of a store, oldest first: what they may do, and whether they are still good."""
    from hippomem.server.access.keys import Keys, utc_now
    from hippomem.store import Store as Opened

    with Opened.open(store, create=False) as opened:
        found = Keys(opened).list()
    now = utc_now()
    if as_json:
        print_json({"keys": [{**key.to_dict(), "state": key.state(now)} for key in found]})
        return
    if not found:
        typer.echo(f"'{store}' has no API key; `hippomem keys create NAME --store {store}` makes one.")
    for key in found:
        where = "every namespace" if key.namespaces is None else ", ".join(sorted(key.namespaces))
        until = f", until {key.expires_at}" if key.expires_at and key.state(now) == "active" else ""
        typer.echo(f"{key.key_id}  {key.state(now):<7}  {key.rights:<5}  {key.name}  ({where}{until})")


def revoke(
    key_ids: Annotated[
        list[str], typer.Argument(metavar="KEY_ID...", help="Key ids, as `hippomem keys list` shows them.")
    ],
    store: Store,
    as_json: Json = False,
) -> None:
    """Revoke API keys for good: servers refuse them from their next request on. All or none; an unknown id is an error."""
    from hippomem.cli.opening import checked
    from hippomem.server.access.keys import Keys
    from hippomem.store import Store as Opened

    with Opened.open(store, create=False) as opened:
        keys = Keys(opened)
        revoked = keys.revoke(*(checked(key_id, "the key id") for key_id in key_ids))
        is_left = keys.any()
    if as_json:
        print_json({"revoked": revoked, "keys_left": is_left})
        return
    typer.echo(f"revoked {revoked} key{'s' * (revoked != 1)}.")
    if not is_left:
        complain("no key is left: a server on 127.0.0.1 lets anyone on this machine in again, others nobody.", "note")
