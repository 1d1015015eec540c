"""The command line: each file is a group of commands, and each command only translates to `hippomem.Memory`.

Nothing heavy is imported here: commands import what they need when they run, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import hippomem
from hippomem.cli import answer, check, demo, export, index, keys, memories, reembed, search, serve, stats
from hippomem.cli.output import complain
from hippomem.errors import HippomemError, edge

#: What a shell reports for a process ended by Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130


class Commands(TyperGroup):
    """The command tree; Ctrl-C ends a command with 130 and without a traceback, whatever version of typer runs it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command named on the command line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            # A command that can be resumed says so in the message.
            complain(str(stop) or "interrupted; what was stored before stays stored.", "interrupted")
            raise typer.Exit(INTERRUPTED) from stop


app = typer.Typer(
    name="hippomem",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hippomem {hippomem.__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 unexpected, 2 usage or configuration, 3 input, 4 store, 5 indexing, 6 retrieval, "
    "7 model, 8 access, 130 interrupted."
)
def _hippomem(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A long-term memory in one file: index texts into a graph, ask multi-hop questions, see why. Needs no LLM."""


for group in (index, search, answer, memories, stats, check, export, reembed, demo, keys, serve):
    group.register(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own); returns the exit code.

    Errors that hippomem raises on purpose are one line on stderr and the code of `hippomem.errors.EDGE`.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a letter shows "?" instead
            stream.reconfigure(errors="replace")
    try:
        get_command(app)(args=None if argv is None else list(argv), prog_name="hippomem")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except HippomemError as error:
        complain("\n".join([str(error), *getattr(error, "__notes__", ())]), "error")
        return edge(error).exit_code
    return 0
