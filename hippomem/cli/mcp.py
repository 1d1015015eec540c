"""``hippomem mcp``: the memory as tools for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hippomem.cli.options import DEFAULT_NAMESPACE, Embedder, Store
from hippomem.cli.output import print_json

PORT = 8766


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(mcp)


def mcp(
    store: Store,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            metavar="NAME",
            help="The only tenant that is served; with --http by default what a key reaches.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", help="Remember for this user, and find only what is this user's."),
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP at /mcp, instead of standard input and output.")
    ] = False,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where --http listens.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port of --http; 0 for any free one.")
    ] = PORT,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name that --http is served under; may be repeated."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="An origin whose pages may ask --http; may be repeated."),
    ] = None,
    rate: Annotated[
        int, typer.Option(metavar="N", min=0, help="Requests a minute that --http takes with each key; 0 for no limit.")
    ] = 600,
    embedder: Embedder = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the entry for a host's configuration, as JSON, and serve nothing.")
    ] = False,
) -> None:
    """Serve the memory to a model over the Model Context Protocol: on standard input and output, or with --http.

    The store is made when it is not there. Needs: pip install "hippomem[mcp]"
    """
    from hippomem.cli.opening import checked
    from hippomem.server.mcp.installed import require_mcp

    require_mcp()
    path = store.expanduser()  # hosts start servers without a shell
    namespace = None if namespace is None else checked(namespace, "--namespace")
    user = None if user is None else checked(user, "--user")
    if as_json:
        print_json(
            _entry(path, namespace, user, embedder, url=f"http://{_bracketed(host)}:{port}/mcp" if http else None)
        )
        return
    from hippomem.server.mcp import running

    if http:
        running.serve_http(
            path,
            embedder=embedder,
            namespace=namespace,
            user=user,
            host=host,
            port=port,
            allowed_hosts=allow_host or [],
            allowed_origins=allow_origin or [],
            rate=rate,
        )
    else:
        running.serve_stdio(path, embedder=embedder, namespace=namespace or DEFAULT_NAMESPACE, user=user)


def _entry(
    path: Path, namespace: str | None, user: str | None, embedder: str | None, *, url: str | None
) -> dict[str, Any]:
    """What a host wants to know: how to start this server, with nothing left to the host's PATH; or where it is."""
    import shutil
    import sys

    if url is not None:
        return {"mcpServers": {"hippomem": {"type": "http", "url": url}}}
    found = shutil.which("hippomem")
    command = [found] if found is not None else [sys.executable, "-m", "hippomem.cli"]
    options = {"--store": str(path.absolute()), "--namespace": namespace, "--user": user, "--embedder": embedder}
    given = [word for name, value in options.items() if value is not None for word in (name, value)]
    return {"mcpServers": {"hippomem": {"command": command[0], "args": [*command[1:], "mcp", *given]}}}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
