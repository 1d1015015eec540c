"""Logs: one JSON object a line on stderr, from this project and from uvicorn alike."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

#: What a log call may add to its line (``extra=``).
_EXTRA = ("request_id", "error")
#: Places of a trace that are told, the innermost.
_FRAMES = 12


class JsonFormatter(logging.Formatter):
    """A record as JSON: time, level, logger, message; of an exception its class and where it came through.

    The exception's own words are left out: they may repeat a text that somebody wants forgotten.
    A message that is a JSON object already gives its own fields.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
        }
        line.update(_fields(record.getMessage()))
        line.update({name: getattr(record, name) for name in _EXTRA if hasattr(record, name)})
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
            line["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(message: str) -> dict[str, Any]:
    if message.startswith("{"):
        try:
            fields = json.loads(message)
        except ValueError:
            fields = None
        if isinstance(fields, dict):
            return fields
    return {"message": message}


def log_config(level: str = "INFO") -> dict[str, Any]:
    """For `logging.config.dictConfig`, in the parent and in every worker."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "hippomem.server.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "loggers": {
            name: {"handlers": ["stderr"], "level": level, "propagate": False}
            for name in ("hippomem", "uvicorn", "mcp")
        },
    }
