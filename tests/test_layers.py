"""The arrows of the architecture: each floor knows only the floors below it, and no two files import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Floors from the ground up; files and folders of `hippomem` are named without it. What shares a floor is independent.
FLOORS: list[set[str]] = [
    {"errors", "types"},
    {"text", "demo"},
    {"graph", "models"},
    {"store"},
    {"arrays"},
    {"retrieve"},
    {"answer", "indexing"},
    {"memory"},
    {"service"},
    {"integrations", "server"},
    {"cli", "testing"},
    {"eval"},
]
#: Lower floors that are none of a part's business all the same: reading and writing meet in the memory only.
NEVER = {"indexing": {"retrieve", "arrays"}}


def modules() -> dict[str, Path]:
    """Module name → file, of everything that is ours."""
    found = {}
    for package in ("hippomem", "indexing", "eval"):
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def floor_name(module: str) -> str:
    """The part of the house that a module belongs to."""
    parts = module.split(".")
    return parts[0] if parts[0] != "hippomem" else (parts[1] if len(parts) > 1 else "hippomem")


def is_type_checking(node: ast.stmt) -> bool:
    """Whether this is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(module: str, *, when: str) -> Iterator[str]:
    """Our own modules that a module imports. when: "loading" (at module level, TYPE_CHECKING left out), or "ever"."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if when == "loading" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if when == "loading" and isinstance(node, ast.stmt) and is_type_checking(node):
            assert isinstance(node, ast.If)
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute here"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in MODULES:
                    yield whole
                elif node.module in MODULES:
                    yield str(node.module)
        waiting.extend(ast.iter_child_nodes(node))


def test_every_part_of_the_house_has_a_floor() -> None:
    """A new folder or file at the top must be placed before it is used."""
    placed = set().union(*FLOORS) | {"hippomem"}
    assert {floor_name(module) for module in MODULES} <= placed


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_knows_only_the_floors_below_it(module: str) -> None:
    """No import, not even inside a function or for types, points upwards or to another part of the same floor."""
    mine = floor_name(module)
    if mine == "hippomem":  # the lazy front door names what it exports, for type checkers only
        assert list(imports(module, when="loading")) == []
        return
    below: set[str] = set()
    for floor in FLOORS:
        if mine in floor:
            break
        below |= floor
    allowed = below - NEVER.get(mine, set()) - {"testing"} | {mine, "hippomem"}
    if mine in ("eval", "testing"):
        allowed |= {"testing"}
    wrong = {other for other in imports(module, when="ever") if floor_name(other) not in allowed}
    assert not wrong, f"{module} imports {sorted(wrong)}"


def test_no_import_cycle_between_files() -> None:
    """Files import each other in one direction, counting what is imported while loading."""
    graph = {module: set(imports(module, when="loading")) - {module} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, " → ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in sorted(graph[module]):
                visit(other, [*path, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])


def test_graph_opens_no_file_and_store_ranks_nothing() -> None:
    """The graph is arithmetic on arrays: it imports neither sqlite3 nor pathlib; the store imports no scipy."""
    for module, path in MODULES.items():
        words = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        }
        if floor_name(module) == "graph":
            assert not words & {"sqlite3", "pathlib", "os", "io"}, module
        if floor_name(module) == "store":
            assert not words & {"scipy"}, module
        if floor_name(module) in ("text", "types", "errors", "graph"):
            assert not words & {"sqlite3", "onnxruntime", "openai"}, module
