"""The formats that ``convert`` knows: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.loaders import beir, hipporag, hotpotqa, locomo, longmemeval, musique, own, two_wiki
from eval.loaders.model import Conversion
from eval.loaders.options import Options
from hippomem.errors import ConfigError, InputError

Loader = Callable[[Sequence[Path], Options], Conversion]


@dataclass(frozen=True, slots=True)
class Format:
    """load: files to a conversion.    options: the names, without dashes, of those it understands beside limit."""

    load: Loader
    options: frozenset[str] = frozenset()


FORMATS: Mapping[str, Format] = {
    "musique": Format(musique.load),
    "2wiki": Format(two_wiki.load, frozenset({"aliases"})),
    "hotpotqa": Format(hotpotqa.load),
    "locomo": Format(locomo.load),
    "longmemeval": Format(longmemeval.load, frozenset({"unit", "pooled"})),
    "hipporag": Format(hipporag.load, frozenset({"corpus", "openie"})),
    "beir": Format(beir.load, frozenset({"split"})),
    "own": Format(own.load, frozenset({"corpus"})),
}


def convert(name: str, files: Sequence[Path], options: Options) -> Conversion:
    """Read *files* as format *name*.

    Raises ConfigError for an unknown format and an option that it does not understand, ReadError for what cannot be
    read, InputError when no question has a relevant passage: ``eval run`` could not use it.
    """
    if name not in FORMATS:
        raise ConfigError(f"format '{name}' is unknown; choose from {', '.join(FORMATS)}")
    options.check(name, FORMATS[name].options)
    conversion = FORMATS[name].load(files, options)
    if not conversion.counts["gold"]:
        why = "".join(f"; {count} {reason}" for reason, count in conversion.left_out.items())
        shown = ", ".join(f"'{path.name}'" for path in files)
        raise InputError(f"no question of {shown} has a relevant passage{why}; is it a file of format '{name}'?")
    return conversion
