"""``python -m eval bench``: the benchmarks by name."""

from __future__ import annotations

import typer

from eval.bench.adding import adding
from eval.bench.encode import encode
from eval.bench.index import index
from eval.bench.llm.command import llm
from eval.bench.memory.command import memory
from eval.bench.ppr import ppr
from eval.bench.query import query
from eval.bench.scale.command import scale
from eval.bench.serve.command import serve

bench = typer.Typer(help="Times by stage, and ratios to other backends in the same run.")


@bench.callback()
def _benchmarks() -> None:
    """Times by stage, and ratios to other backends in the same run."""


bench.command("index")(index)
bench.command("adding")(adding)
bench.command("scale")(scale)
bench.command("memory")(memory)
bench.command("ppr")(ppr)
bench.command("encode")(encode)
bench.command("query")(query)
bench.command("serve")(serve)
bench.command("llm")(llm)
