"""Random constants near the defaults: the settings among which a cross-validation chooses."""

from __future__ import annotations

import zlib
from dataclasses import fields, replace

import numpy as np

from hippomem.retrieve.weights import Weights

SPREAD = 2.0  # a constant is drawn from its default ÷ SPREAD to its default × SPREAD
#: Not drawn: they trade time for depth, and more of them is never meant to be worse.
FIXED = frozenset({"candidates", "covered"})
#: In (0, 1): p / (1 − p) is drawn instead, which keeps them there.
PROBABILITIES = frozenset({"damping"})


def draw(count: int, *, seed: int, default: Weights = Weights()) -> list[Weights]:
    """*count* settings, each constant of *default* times 2^u, u uniform in [−1, 1] and drawn for each by itself.

    Drawn are all fields of `Weights` that are numbers, but `FIXED`. Whole numbers are rounded, at least 1; what is 0 is
    switched off and stays so; a negative number stays negative. Each field has draws of its own: more settings leave the
    first ones as they are, and a field that is added or taken away leaves the others.

    >>> draw(2, seed=0) == draw(3, seed=0)[:2]
    True
    """
    columns: dict[str, list[float]] = {}
    for field in fields(default):
        value = getattr(default, field.name)
        if field.name in FIXED or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        rng = np.random.default_rng([seed, zlib.crc32(field.name.encode())])
        factors = SPREAD ** rng.uniform(-1.0, 1.0, size=count)
        columns[field.name] = [scaled(field.name, value, float(factor)) for factor in factors]
    return [replace(default, **{name: column[row] for name, column in columns.items()}) for row in range(count)]  # type: ignore[arg-type]


def scaled(name: str, value: float, factor: float) -> float:
    """One constant, *factor* times as large: its odds for a probability, a whole number if it is one.

    >>> scaled("damping", 0.5, 2.0), scaled("seed_facts", 8, 0.55), scaled("seed_facts", 1, 0.5), scaled("own", 0.0, 2.0)
    (0.6666666666666666, 4, 1, 0.0)
    """
    if value == 0:
        return value
    if isinstance(value, int):
        return max(1, round(value * factor))
    if name in PROBABILITIES:
        odds = factor * value / (1.0 - value)
        return odds / (1.0 + odds)
    return value * factor
