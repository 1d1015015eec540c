"""Values at a few places of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Sparse:
    """places: (m,) ascending, each once.    values: (m,)."""

    places: Ints
    values: Vector

    @classmethod
    def of(cls, values: dict[int, float]) -> Sparse:
        """From place → value."""
        places = np.array(sorted(values), dtype=np.int64)
        return cls(places, np.array([values[place] for place in places.tolist()], dtype=np.float64))

    def at(self, places: Ints, *, default: float = 0.0) -> Vector:
        """(n,) values at any places, *default* where there is none."""
        found = np.full(len(places), default)
        if len(self.places):
            at = np.searchsorted(self.places, places)
            at[at == len(self.places)] = 0
            here = self.places[at] == places
            found[here] = self.values[at[here]]
        return found
