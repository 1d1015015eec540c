"""The README is true: its code runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hippomem import Memory
from hippomem.cli import app
from hippomem.testing import HashEmbedder, LoopbackServer

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of the README in one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example prints the passage that the question needs, with a path, and forgets it again."""
    monkeypatch.chdir(tmp_path)
    example = blocks("python")[0]
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "Gull Rock Observatory | Comet Sorrel > " in printed
    assert b"Perihelion" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_the_agents_example_prints_the_block_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word, and what it forgets is gone."""
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[1], "README.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out in README
    assert b"Lyon" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_the_example_with_an_llm_has_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is added, and its triple is there."""
    answer = '{"entities": ["Comet Sorrel", "Gull Rock"], "triples": [[0, "was discovered at", 1]]}'
    monkeypatch.chdir(tmp_path)
    with LoopbackServer(lambda _: answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        exec(compile(blocks("python")[2], "README.md", "exec"), {})  # noqa: S102
        assert len(server.requests) == 1
    with Memory("notes.hippo") as memory:
        assert "was discovered at" in memory.export()


@pytest.mark.parametrize("number", range(3, len(blocks("python"))))
def test_the_examples_for_frameworks_run(number: int) -> None:
    """Each over a memory that is open."""
    with Memory(embedder=HashEmbedder()) as memory:
        memory.add("Anna works at Gull Rock Observatory.", user="anna")
        exec(compile(blocks("python")[number], "README.md", "exec"), {"memory": memory})  # noqa: S102


def test_every_command_shown_exists() -> None:
    """Each `hippomem …` line names a command, and options that it has."""
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    shown = [
        line.partition(" #")[0] for block in blocks("sh") for line in block.splitlines() if line.startswith("hippomem ")
    ]
    assert shown
    for line in shown:
        _, name, *arguments = shlex.split(line)
        command = commands[name]
        if hasattr(command, "commands"):  # a group: its command is named next
            command, *arguments = command.commands[arguments[0]], *arguments[1:]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known, line


def test_links_lead_somewhere() -> None:
    """Each relative link is a file of the project."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_the_commands_of_the_readme() -> None:
    """The two commands that CI reads out of the README are there, each the one line of its block."""
    for name in ("demo", "test"):
        block = README.partition(f"<!-- ci:{name} -->\n```sh\n")[2].partition("```")[0]
        assert len(block.splitlines()) == 1
        assert block.startswith("python -m pip install")
