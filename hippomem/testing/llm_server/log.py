"""What a server served, a line a chat request, written when it is served: a record that outlives killed clients."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Served:
    """One chat request, when its answer was written to an open connection (or, for silence, when it began).

    passages: the ids of those it asked about.    outcome: "valid", "busy" (more calls than allowed), "unknown" (a
    passage that is not of the corpus), or the name of the fault.    at: Unix time, seconds.
    """

    passages: Sequence[str]
    outcome: str
    at: float
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Log:
    """Lines in a file, each written through at once; nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        # Unbuffered, in one write a line: a reader may come at any time.
        self._file = None if path is None else path.open("ab", buffering=0)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, passages: Sequence[str], outcome: str, prompt_tokens: int = 0, completion_tokens: int = 0) -> None:
        """Add a line."""
        if self._file is not None:
            line = Served(list(passages), outcome, time.time(), prompt_tokens, completion_tokens)
            self._file.write(json.dumps(asdict(line)).encode() + b"\n")


def read_log(path: Path) -> list[Served]:
    """All lines so far, in order; one that is being written is left out."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [Served(**json.loads(line)) for line in whole.splitlines()]
