"""The package as a whole: what it exports, how it is imported, and that its tables are complete."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hippomem
from hippomem import errors
from hippomem.errors import EDGE, HippomemError, ReadError, StoreMissingError, edge

ROOT = Path(__file__).resolve().parent.parent

SPY = """
import importlib.abc, sys


class Spy(importlib.abc.MetaPathFinder):
    asked = set()

    def find_spec(self, name, path=None, target=None):
        self.asked.add(name.split(".")[0])
        return None


sys.meta_path.insert(0, Spy())
"""


def fresh(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "first", ["hippomem", "indexing", "hippomem.memory", "indexing.pipeline", "hippomem.retrieve.hippomem"]
)
def test_each_package_can_be_imported_first(first: str) -> None:
    """Whichever half of the house is imported first, the other half follows without a cycle."""
    assert (
        fresh(f"import {first}; from hippomem import Memory; import indexing.pipeline; print(Memory.__name__)")
        == "Memory\n"
    )


def test_importing_hippomem_costs_nothing() -> None:
    """The front door loads no library at all until a name is used."""
    asked = fresh(
        f"{SPY}\nimport hippomem\nprint(sorted(Spy.asked & {{'numpy', 'scipy', 'openai', 'onnxruntime', 'torch'}}))"
    )
    assert asked == "[]\n"


def test_opening_a_store_does_not_reach_for_torch() -> None:
    """A memory can be opened, filled and searched without torch or sentence-transformers being asked for even once."""
    code = f"""{SPY}
from hippomem import Memory
from hippomem.store import Store
from hippomem.testing import HashEmbedder
Store.open(":memory:").close()
with Memory(":memory:", embedder=HashEmbedder()) as memory:
    memory.add("Ada lives in Rome.")
    assert memory.search("Where does Ada live?")[0].rank == 1
assert not [name for name in sys.modules if name.startswith(("indexing.asking", "hippomem.models.pacing"))]
print(sorted(Spy.asked & {{"torch", "sentence_transformers", "transformers", "onnxruntime", "openai"}}))
"""
    assert fresh(code) == "[]\n"


def test_all_is_what_is_exported() -> None:
    """``__all__`` names exactly what can be had, and each name is the object of its home module."""
    assert sorted(hippomem.__all__) == sorted({*hippomem._HOME, "__version__"})
    for name in hippomem.__all__:
        assert getattr(hippomem, name) is not None
    assert dir(hippomem) == sorted(hippomem.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = hippomem.Nothing


def error_classes() -> list[type[HippomemError]]:
    """Every error class of the project."""
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, HippomemError)]


@pytest.mark.parametrize("cls", error_classes(), ids=lambda cls: cls.__name__)
def test_every_error_has_its_edge_its_place_and_its_words(cls: type[HippomemError]) -> None:
    """Each class is in the table, is drawn in the tree below its parent, and says when it arises."""
    assert cls in EDGE
    assert cls.__doc__
    assert errors.__doc__ is not None
    tree = errors.__doc__
    lines = [line for line in tree.splitlines() if re.search(rf"\b{cls.__name__}\b", line.split("  (")[0])]
    assert lines, f"{cls.__name__} is missing from the tree"
    parent = cls.__mro__[1]
    if parent is not Exception:
        before = tree[: tree.index(lines[0])].splitlines()
        depth = len(lines[0]) - len(lines[0].lstrip(" │├└─"))
        above = next(line for line in reversed(before) if line and len(line) - len(line.lstrip(" │├└─")) < depth)
        assert re.search(rf"\b{parent.__name__}\b", above), f"{cls.__name__} is drawn below {above.strip()}"


def test_the_table_holds_nothing_else_and_families_share_an_exit_code() -> None:
    """Exit codes tell the family; a class that is none of ours counts as unexpected."""
    assert set(EDGE) == set(error_classes())
    for cls, at in EDGE.items():
        family = next((c for c in cls.__mro__ if HippomemError in c.__bases__), HippomemError)
        assert at.exit_code == EDGE[family].exit_code
        assert 400 <= at.http_status < 600
        assert at.mcp_code in (-32602, -32603) or -32019 <= at.mcp_code <= -32003  # others are the protocol's
    assert edge(KeyError()).exit_code == 1
    assert edge(StoreMissingError()).http_status == 404


def test_a_read_error_says_where() -> None:
    """File and line stand before the message, and can be read by a program."""
    error = ReadError("is no JSON.", path="a.jsonl", line=3)
    assert str(error) == "a.jsonl, line 3: is no JSON."
    assert (error.path, error.line) == (Path("a.jsonl"), 3)
    assert str(ReadError("no such file.", path="a.jsonl")) == "a.jsonl: no such file."


@pytest.mark.skipif(not (ROOT / "CHANGELOG.md").is_file(), reason="no CHANGELOG.md here")
def test_the_changelog_opens_with_this_version() -> None:
    """The newest release in the changelog is the version of the package."""
    found = re.search(
        r"^## \[?v?(\d+\.\d+\.\d+\S*?)\]?(?:\s|$)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert found is not None
    assert found.group(1) == hippomem.__version__
