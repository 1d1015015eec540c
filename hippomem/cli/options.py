"""Options that several commands share, with their help, defaults and environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_NAMESPACE = "default"

Store = Annotated[Path, typer.Option("--store", metavar="FILE", envvar="HIPPOMEM_STORE", help="The store's file.")]
Namespace = Annotated[
    str, typer.Option("--namespace", metavar="NAME", help="The tenant; memories of others are never seen.")
]
Embedder = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        metavar="SPEC",
        envvar="HIPPOMEM_EMBEDDER",
        help="Embedding model: minilm (embedded, the default), st:NAME (sentence-transformers), "
        "openai:MODEL or openai:MODEL@URL (an endpoint). A store keeps the model it was made with.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
