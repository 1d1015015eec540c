"""``hippomem export``: a store's graph, or all it knows, as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hippomem.cli.options import DEFAULT_NAMESPACE, Json, Namespace, Store
from hippomem.cli.output import print_json
from hippomem.errors import ConfigError

if TYPE_CHECKING:
    from hippomem.memory import Memory

Format = Literal["graphml", "jsonl"]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(export)


def export(
    store: Store,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write; a file that is there is replaced.")
    ],
    format_: Annotated[
        Format,
        typer.Option("--format", help="graphml: the namespace's graph. jsonl: the canonical export of all namespaces."),
    ] = "graphml",
    namespace: Namespace = DEFAULT_NAMESPACE,
    as_json: Json = False,
) -> None:
    """Write the graph (GraphML: entity, fact and passage nodes, weighted edges) or everything (JSON Lines) to a file.

    Two stores that remember the same things give the same bytes.
    """
    from hippomem.cli.opening import open_without_model

    with open_without_model(store, namespace) as memory:
        content, counts = _graphml(memory) if format_ == "graphml" else _jsonl(memory)
    _write_whole(out, content)
    if as_json:
        print_json({"out": str(out), "format": format_, **counts})
    else:
        typer.echo(f"wrote {out}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


def _graphml(memory: Memory) -> tuple[bytes, dict[str, int]]:
    from hippomem.retrieve.interop import graphml, to_networkx

    graph = to_networkx(memory.store, memory.namespace)
    return graphml(graph), {"nodes": graph.number_of_nodes(), "edges": graph.number_of_edges()}


def _jsonl(memory: Memory) -> tuple[bytes, dict[str, int]]:
    text = memory.export()
    return text.encode("utf-8"), {"rows": text.count("\n")}


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file, or leave what was there. Raises ConfigError."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"'{path}' cannot be written: {error.strerror}; choose another --out.") from error
