"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of the output when there is no terminal to ask, and the most that is used of a wide one.
WIDTH = 100


def print_json(data: Mapping[str, Any]) -> None:
    """One JSON object on stdout; letters of every script as they are where the stream can carry them."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
    typer.echo(json.dumps(data, ensure_ascii=not is_utf8, indent=2))


def console(*, plain: bool = False, err: bool = False) -> Console:
    """The console for people, at most `WIDTH` columns wide. plain: no colours or text styles.    err: on stderr."""
    from rich.console import Console

    made = Console(
        highlight=False, emoji=False, markup=False, soft_wrap=False, force_terminal=False if plain else None, stderr=err
    )
    made.width = min(WIDTH, made.width) if made.is_terminal else WIDTH
    return made


def complain(message: str, word: str) -> None:
    """A message on stderr, led by *word*: ``error: …``."""
    typer.echo(f"{word}: {message}", err=True)


def first_line(text: str, width: int) -> str:
    """The beginning of a text on one line of at most *width* characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1].rstrip() + "…"


def seconds(stages: Mapping[str, float]) -> str:
    """Wall time as people read it: ``6.6 s (store 0.0, extract 0.2, embed 6.4)``."""
    parts = ", ".join(f"{name} {value:.1f}" for name, value in stages.items())
    return f"{sum(stages.values()):.1f} s" + (f" ({parts})" if parts else "")
