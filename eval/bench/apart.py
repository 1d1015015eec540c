"""Having work done in a process of its own, whose memory and opening are measured by themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hippomem.errors import HippomemError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def run_apart(module: str, order: DataclassInstance, what: str) -> dict[str, Any]:
    """The figures that ``python -m module`` writes as JSON when it is given *order* as JSON on standard input.

    Its progress goes to standard error. what: named in the error. Raises HippomemError if the process fails.
    """
    done = subprocess.run(  # noqa: S603  (a module of this project)
        [sys.executable, "-m", module],
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    if done.returncode:
        raise HippomemError(f"{what} ended with exit code {done.returncode}; its own error is above.")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
