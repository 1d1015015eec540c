"""Draw reasons for people: the seeds, the facts, and the path as a chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hippomem.cli.output import first_line

if TYPE_CHECKING:
    from rich.text import Text

    from hippomem.types import FactEvidence, PathStep, Seed

#: Shares below this are left out: they say nothing to a reader.
_LEAST_SHARE = 0.01
_FACT_CHARACTERS = 240


def seeds_line(seeds: Sequence[Seed]) -> Text:
    """``Comet Sorrel 48% · Jonah Sorrel 20%``: where the walk started, with each seed's share."""
    from rich.text import Text

    shown = [
        Text.assemble(
            (seed.name, "cyan"), (" (passage)" if seed.kind == "passage" else "", "dim"), f" {seed.weight:.0%}"
        )
        for seed in seeds
        if seed.weight >= _LEAST_SHARE
    ]
    return Text(" · ").join(shown)


def chain(path: Sequence[PathStep], *, link: str = "│", end: str = "▸") -> list[Text]:
    """One line a step: names stand out, the facts that join them hang between them.

    ::

        Petrel
        │ "Launched in 2004, the Petrel has been under the command of captain Ilse Varnholt since 2016."
        Ilse Varnholt
        ▸ Ilse Varnholt (passage)
    """
    from rich.text import Text

    lines = []
    for step in path:
        if step.kind == "fact":
            lines.append(Text.assemble((f"{link} ", "dim"), f"“{first_line(step.text, _FACT_CHARACTERS)}”"))
        elif step.kind == "passage":
            lines.append(Text.assemble((f"{end} ", "green"), (step.text, "bold green"), (" (passage)", "dim")))
        else:
            lines.append(Text(step.text, "bold cyan"))
    return lines


def fact_line(fact: FactEvidence) -> Text:
    """``0.71 “…”``: the cosine between the question and a fact, and the fact."""
    from rich.text import Text

    return Text.assemble((f"{fact.score:.2f} ", "dim"), f"“{first_line(fact.text, _FACT_CHARACTERS)}”")
