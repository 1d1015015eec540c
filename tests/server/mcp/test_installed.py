"""Without the mcp package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hippomem.errors import ConfigError
from hippomem.server.mcp.installed import require_mcp

ROOT = Path(__file__).resolve().parents[3]
#: Hides packages from a fresh process, then runs the command.
HIDDEN = """
import sys
from importlib.abc import MetaPathFinder

class Hide(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hide())
from hippomem.cli import main
sys.exit(main(["mcp", "--store", {store!r}]))
"""


@pytest.mark.parametrize(
    ("hidden", "named"), [(("mcp",), "mcp"), (("uvicorn",), "uvicorn"), (("mcp", "uvicorn"), "mcp and uvicorn")]
)
def test_the_command_says_which_extra_brings_what_is_missing(
    hidden: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    """Exit code 2, one line with the command to run, no traceback, and no store is made."""
    store = tmp_path / "notes.hippo"
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN.format(hidden=hidden, store=str(store))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{named}, which" in done.stderr
    assert 'pip install "hippomem[mcp]"' in done.stderr
    assert not store.exists()


def test_with_all_there_nothing_is_said() -> None:
    """The check passes where the tests run."""
    require_mcp()


def test_it_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those who call it from Python."""
    monkeypatch.setattr("hippomem.server.mcp.installed.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"hippomem\[mcp\]"):
        require_mcp()
