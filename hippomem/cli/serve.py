"""``hippomem serve``: the REST server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hippomem.cli.options import Embedder, Json, Store
from hippomem.cli.output import console, print_json
from hippomem.errors import ConfigError

if TYPE_CHECKING:
    from hippomem.server.settings import ServerSettings

Hosts = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="A name it is served under, besides its own; may be repeated."),
]
Origins = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", metavar="URL", help="An origin whose pages may ask it; may be repeated."),
]


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(serve)


def serve(
    store: Store,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where it listens; any but this machine only with API keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="Its port; 0 for any free one.")] = 8765,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that serve the store together.")] = 1,
    allow_host: Hosts = None,
    allow_origin: Origins = None,
    rate: Annotated[
        int, typer.Option(metavar="N", help="Requests a minute that a key may make of each worker; 0 for no limit.")
    ] = 600,
    max_body: Annotated[int, typer.Option(metavar="MB", help="The largest body of a request.")] = 16,
    no_freshness: Annotated[
        bool, typer.Option("--no-freshness", help="Rank what was said later like what it contradicts.")
    ] = False,
    embedder: Embedder = None,
    as_json: Json = False,
) -> None:
    """Serve a store over HTTP: REST under /v1, its description at /openapi.json, metrics at /metrics.

    The store is made when it is not there. SIGTERM and Ctrl-C end it when all that runs is done.
    """
    try:
        from hippomem.server.serving import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "hippomem":
            raise
        raise ConfigError(
            f"the server needs the package '{error.name}', which is not installed; pip install \"hippomem[server]\""
        ) from error
    from hippomem.server.settings import ServerSettings

    settings = ServerSettings(
        store=str(store),
        embedder=embedder,
        host=host,
        port=port,
        workers=workers,
        allow_hosts=tuple(allow_host or ()),
        allow_origins=tuple(allow_origin or ()),
        rate=rate,
        max_body=max_body * 2**20,
        freshness=not no_freshness,
    )
    run(settings, started=lambda url, pid: _say(settings, url, pid, as_json=as_json))


def _say(settings: ServerSettings, url: str, pid: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "pid": pid})
    else:
        console().print(f"Serving {settings.store} at {url} (Ctrl-C ends it)")
