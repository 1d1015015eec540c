"""Progress for programs: JSON Lines.

Each line is an object with ``event`` and ``at`` (ISO 8601, UTC). In the order in which they come:

============  =====================================================================================================
``stage``     ``what``, ``done``, ``total`` (0: not known), ``rate`` (a second; null: not known), ``left`` (seconds; null)
``llm``       ``wanted``, ``answered``, ``failed``, ``in_flight``, ``limit``, ``retries``, ``calls``,
              ``prompt_tokens``, ``completion_tokens``, ``usd`` (null: no price known), ``rate``, ``left``
``paused``    ``because``: the LLM is not asked for now.    ``resumed``: it is again.
``failed``    ``passage_id``, ``error``: one passage; `--retry-failed` asks again
``finished``  the summary that `--json` prints.    ``stopped``: ``error``, instead of it, when the run ended before its end
============  =====================================================================================================

``stage`` (of each stage) and ``llm`` come at most once a second, only when something changed, and once more at the end;
the others come as they happen. The last line is ``finished`` or ``stopped``; one that is neither was killed.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import typer

from hippomem.cli.display.board import Stage, View
from hippomem.cli.display.lines import kind_of
from hippomem.errors import ConfigError

#: Seconds between two events of one kind.
EVERY = 1.0


class Events:
    """Writes views and what happens to a file, line by line. May be used from several threads.

    target: the file, overwritten; "-" for standard output. Raises ConfigError for one that cannot be written.
    """

    def __init__(self, target: str) -> None:
        self._is_ours = target != "-"
        try:
            self._out: TextIO | None = open(target, "w", encoding="utf-8") if self._is_ours else sys.stdout  # noqa: PTH123, SIM115
        except OSError as error:
            raise ConfigError(
                f"--events '{target}' cannot be written: {error.strerror or error}; name another file."
            ) from error
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._pause = ""
        self._failed: set[str] = set()

    def show(self, view: View, *, is_last: bool = False) -> None:
        """Tell what changed, as often as is allowed. is_last: whatever was told when."""
        for stage in view.stages:
            counts = {"what": stage.what, "done": stage.done, "total": stage.total}
            self._now_and_then(view.now, "stage", stage, counts, stage.is_done or is_last)
        asking = view.asking
        if asking is None:
            return
        status = asking.status
        facts = {
            "wanted": status.wanted,
            "answered": status.answered,
            "failed": status.failed,
            "in_flight": status.in_flight,
            "limit": status.limit,
            "retries": status.retries,
            **status.usage.to_dict(),
            "usd": status.usd,
        }
        self._now_and_then(view.now, "llm", asking.stage, facts, is_last)
        because = asking.paused_because
        if because and kind_of(because) != kind_of(self._pause):
            self.tell("paused", because=because)
        elif self._pause and not because:
            self.tell("resumed")
        self._pause = because

    def _now_and_then(self, now: float, event: str, stage: Stage, facts: dict[str, Any], is_last: bool) -> None:
        at, told = self._told.get(stage.what, (-EVERY, {}))
        if facts == told or (now - at < EVERY and not is_last):
            return
        self._told[stage.what] = now, facts
        pace = {"rate": stage.rate, "left": stage.left}
        self.tell(event, **facts, **{name: None if value is None else round(value, 3) for name, value in pace.items()})

    def failed(self, passage_id: str, error: str) -> None:
        """Tell that a passage failed; once for each."""
        if passage_id not in self._failed:
            self._failed.add(passage_id)
            self.tell("failed", passage_id=passage_id, error=error)

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Tell the summary, and before it the failures of this store that were not told yet."""
        for failure in summary.get("failures", ()):
            self.failed(failure["passage_id"], failure["error"])
        self.tell("finished", **summary)

    def tell(self, event: str, **facts: Any) -> None:
        """Write one line. Who reads may go away, and the disk may be full: then no more is written, and the run goes on."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = json.dumps(
            {"event": event, "at": at, **facts}
        )  # ASCII: half a surrogate pair cannot be written otherwise
        with self._lock:
            if self._out is None:
                return
            try:
                self._out.write(row + "\n")
                self._out.flush()
            except (OSError, ValueError) as error:
                self._drop()
                typer.echo(f"note: events end here, they cannot be written any more: {error}", err=True)

    def _drop(self) -> None:
        out, self._out = self._out, None
        if out is not None and self._is_ours:
            with suppress(OSError):
                out.close()

    def close(self) -> None:
        """Close the file; standard output stays open."""
        with self._lock:
            self._drop()
