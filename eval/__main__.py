"""``python -m eval``: measure retrievers on data sets in BEIR layout."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from eval.ablate import ablate
from eval.bench.command import bench
from eval.commands import report, run
from eval.crossval.command import crossval
from eval.loaders.command import convert_command
from eval.qa_command import qa
from eval.share.command import share
from eval.tokens.command import tokens
from hippomem.errors import EDGE, ConfigError, HippomemError, edge

app = typer.Typer(name="eval", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

app.add_typer(bench, name="bench")
app.command("run")(run)
app.command("report")(report)
app.command("ablate")(ablate)
app.command("crossval")(crossval)
app.command("convert")(convert_command)
app.command("qa")(qa)
app.command("share")(share)
app.command("tokens")(tokens)

# Newer typer brings its own copy of click, so the base of all usage errors is found from one that typer exports.
_UsageProblem: type[Exception] = next(cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException")


@app.callback()
def _commands() -> None:
    """Measure retrievers on data sets in BEIR layout."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or the code of the error's class (see `hippomem.errors.EDGE`)."""
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="python -m eval", standalone_mode=False)
    except HippomemError as error:
        return _fail(str(error), edge(error).exit_code)
    except _UsageProblem as error:
        return _fail(getattr(error, "format_message", error.__str__)(), EDGE[ConfigError].exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    return status if isinstance(status, int) else 0


def _fail(message: str, exit_code: int) -> int:
    typer.echo(f"error: {message}", err=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
