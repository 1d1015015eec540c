"""Report files: whether they can be written, asked before the hours an evaluation may take, and writing them whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hippomem.errors import ConfigError, ReadError


def check_writable(path: Path, option: str = "--json") -> None:
    """Raise ConfigError now if the report could not be written later: an evaluation may run for hours."""
    if path.is_dir():
        raise ConfigError(f"{option} '{path}' is a folder; name a file")
    _check_parent(option, path)


def check_folder(option: str, folder: Path) -> None:
    """Raise ConfigError when *folder* is no folder that can be written to, nor one that can be made."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{option} '{folder}' is a file; name a folder")
    if not folder.exists():
        _check_parent(option, folder)
    elif not os.access(folder, os.W_OK):
        raise ConfigError(f"{option} '{folder}' cannot be written to")


def _check_parent(option: str, path: Path) -> None:
    if not path.parent.is_dir():
        raise ConfigError(f"{option} '{path}': no folder '{path.parent}'; make it first")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"{option} '{path}': folder '{path.parent}' cannot be written to")


def read_report(path: Path) -> dict[str, Any]:
    """The JSON of an earlier run. Raises ReadError for a file that is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(error.strerror or str(error), path=path) from error
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}", path=path) from error
    if not isinstance(report, dict) or not isinstance(report.get("results"), dict) or not report["results"]:
        raise ReadError("holds no results; give a file that `python -m eval run ... --json FILE` wrote", path=path)
    return report


def write_json(path: Path, report: Mapping[str, Any]) -> None:
    """Write *report* whole or not at all. Raises ConfigError."""
    write_text(path, json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8, whole or not at all. Raises ConfigError."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"'{path}' cannot be written: {error.strerror or error}") from error
