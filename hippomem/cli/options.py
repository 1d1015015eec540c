"""Options that several commands share, with their help, defaults and environment variables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

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


def gathering(
    command: Callable[..., None], name: str, options: Sequence[inspect.Parameter], made_of: Callable[..., Any]
) -> Callable[..., None]:
    """*command* with *options* besides its own; its parameter *name* gets what *made_of* makes of them, given by keyword.

    options: keyword parameters with a default, annotated as typer reads them.
    """
    own = inspect.signature(command, eval_str=True)
    parameters = [parameter for parameter in own.parameters.values() if parameter.name != name]
    parameters += options

    @wraps(command)
    def run(**arguments: Any) -> None:
        given = {option.name: arguments.pop(option.name) for option in options}
        command(**arguments, **{name: made_of(**given)})

    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
