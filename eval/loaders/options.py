"""What a conversion can be told, and which formats listen to it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from hippomem.errors import ConfigError

Unit = Literal["turn", "session"]
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True)
class Options:
    """limit: the first so many questions that are kept. The others are None (or False) where they are not given.

    split: name of the judgements.    unit: what a passage is.    pooled: one store for all questions.
    aliases: other names of answers.    corpus: the passages.    openie: recorded extraction.
    """

    limit: int | None = None
    split: str | None = None
    unit: Unit | None = None
    pooled: bool = False
    aliases: Path | None = None
    corpus: Path | None = None
    openie: Path | None = None

    def check(self, name: str, understood: frozenset[str]) -> None:
        """Raise ConfigError for an option that is given and that format *name* would pass over."""
        for option in fields(self):
            if option.name != "limit" and option.name not in understood and getattr(self, option.name):
                has = ", ".join(f"--{other}" for other in sorted(understood)) or "none but --limit"
                raise ConfigError(f"--{option.name} has no effect on format '{name}', whose options are {has}")
