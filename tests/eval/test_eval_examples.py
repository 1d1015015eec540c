"""The examples in the harness's docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from eval import bootstrap

ROOT = Path(bootstrap.__file__).parent
MODULES = sorted(
    ".".join(("eval", *path.relative_to(ROOT).with_suffix("").parts))
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_true(module: str) -> None:
    """Every ``>>>`` line of a module gives what stands below it."""
    done = doctest.testmod(import_module(module))
    assert (done.failed, done.attempted > 0) == (0, True)
