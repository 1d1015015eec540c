"""Where a run's figures go besides the terminal: a JSON file, a folder with the report document, both, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from eval.extras import METRICS, REPORT, check_extra
from eval.report.console import console
from eval.report.document import RESULTS, write_document
from eval.report.files import check_folder, check_writable, write_json


@dataclass(frozen=True, slots=True)
class Outputs:
    """json: a file.    report: a folder. None leaves one out."""

    json: Path | None = None
    report: Path | None = None

    def check(self) -> None:
        """Raise ConfigError now if the figures could not be taken or written later: an evaluation may run for hours."""
        check_extra(*METRICS, *(REPORT if self.report is not None else ()))
        if self.json is not None:
            check_writable(self.json)
        if self.report is not None:
            check_folder("--report", self.report)

    def write(self, report: Mapping[str, Any]) -> None:
        """Write the figures so far, as JSON."""
        if self.json is not None:
            write_json(self.json, report)
        if self.report is not None:
            self.report.mkdir(exist_ok=True)
            write_json(self.report / RESULTS, report)

    def finish(self, report: Mapping[str, Any]) -> None:
        """Write the document, of a report with at least one set, and say where its page is."""
        if self.report is not None:
            page = write_document(report, self.report)
            console(stderr=True).print(Text(f"report: {page}", style="dim"))
