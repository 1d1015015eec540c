"""The command tree itself: help, version, usage errors, start-up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hippomem.cli import app, main


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its name, those of a group as "group command"."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


COMMANDS: dict[str, Any] = dict(commands(get_command(app)))
ROOT = Path(__file__).resolve().parents[2]


def parameters() -> Iterator[Any]:
    """Every argument and option of every command."""
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if parameter.name != "help":
                yield pytest.param(parameter, id=f"{name}-{parameter.name}")


def test_every_contracted_command_is_there() -> None:
    """The commands of the contract exist."""
    assert set(COMMANDS) == {
        "index",
        "search",
        "answer",
        "add",
        "get",
        "update",
        "forget",
        "list",
        "history",
        "recall",
        "stats",
        "check",
        "export",
        "reembed",
        "purge",
        "demo",
        "serve",
        "mcp",
        "keys create",
        "keys list",
        "keys revoke",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    """A command has a help text that is a sentence."""
    assert (COMMANDS[name].help or "").partition("\n")[0].rstrip().endswith(".")


@pytest.mark.parametrize("parameter", list(parameters()))
def test_every_parameter_has_help(parameter: Any) -> None:
    """An argument or option says what it is for."""
    assert (parameter.help or "").rstrip().endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_json(name: str) -> None:
    """A program can ask any command for JSON."""
    assert "--json" in {option for parameter in COMMANDS[name].params for option in parameter.opts}


@pytest.mark.parametrize("arguments", [["nosuch"], ["search", "q", "--k", "many"], ["search", "q"], ["index"], []])
def test_usage_errors_are_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the command line cannot mean ends with 2 and says so."""
    monkeypatch.delenv("HIPPOMEM_STORE", raising=False)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err or captured.out


def test_version_and_help_are_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` and ``--help`` answer and succeed."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hippomem ")
    assert main(["--help"]) == 0
    assert "Exit codes" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    """``hippomem --help`` imports neither arrays nor models nor the database nor the pipeline, so it answers at once."""
    script = (
        "import sys\nfrom hippomem.cli import main\nmain(['index', '--help'])\n"
        "heavy = {'numpy', 'scipy', 'onnxruntime', 'networkx', 'openai', 'sqlite3', 'rich', 'hippomem.models', 'indexing'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_run_without_an_llm_loads_nothing_of_what_asks_one(tmp_path: Path) -> None:
    """``hippomem index`` as most use it."""
    corpus = tmp_path / "c.jsonl"
    corpus.write_text('{"_id": "a", "text": "Ada Lovelace wrote letters."}\n', encoding="utf-8")
    script = (
        "import sys\nfrom hippomem.cli import main\n"
        f"main(['index', {str(corpus)!r}, '--store', {str(tmp_path / 's.hippo')!r}])\n"
        "print(sorted({'indexing.asking.extractor', 'hippomem.models.pacing', 'openai'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
