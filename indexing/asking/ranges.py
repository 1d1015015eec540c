"""Numbers that are not known yet, and means of a sample with their errors."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

#: How sure a range is: that the mean of all is within it in 95 of 100 cases.
_SURE = 0.95


@dataclass(frozen=True, slots=True)
class Range:
    """A number that is not known yet. 0 <= low <= likely <= high."""

    low: float
    likely: float
    high: float

    def __mul__(self, factor: float) -> Range:
        return Range(self.low * factor, self.likely * factor, self.high * factor)

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def at_least(self, other: Range) -> Range:
        """The larger of both, at each end."""
        return Range(max(self.low, other.low), max(self.likely, other.likely), max(self.high, other.high))

    def to_dict(self) -> dict[str, float]:
        """Plain JSON types."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    def times(self, other: Range) -> Range:
        """The product of both; their errors are independent, so they add up as squares do."""
        likely = self.likely * other.likely
        if not likely:
            return Range(0.0, 0.0, 0.0)
        below = math.hypot(1 - self.low / self.likely, 1 - other.low / other.likely)
        above = math.hypot(self.high / self.likely - 1, other.high / other.likely - 1)
        return Range(max(0.0, likely * (1 - below)), likely, likely * (1 + above))

    def widened(self, below: float, above: float) -> Range:
        """With other ends: each times a factor."""
        return Range(self.low * below, self.likely, self.high * above)


def ratio(values: NDArray[np.float64], sizes: NDArray[np.float64], *, of: float = math.inf) -> Range:
    """The sum of *values* over the sum of *sizes*, (n,) each, and its error as an estimate for all.

    of: the sum of the sizes of all that the sample is drawn from; what has been looked at leaves nothing open.
    With less than two values there is no telling: then the range is a point.

    >>> ratio(np.array([10.0, 30.0]), np.array([1.0, 3.0])).to_dict()
    {'low': 10.0, 'likely': 10.0, 'high': 10.0}
    """
    total = float(sizes.sum())
    if not total:
        return Range(0.0, 0.0, 0.0)
    likely = float(values.sum()) / total
    if len(sizes) < 2:
        return Range(likely, likely, likely)
    variance = float(np.square(values - likely * sizes).sum()) / (len(sizes) - 1)
    unseen = max(0.0, 1 - total / of)
    quantile = float(stdtrit(len(sizes) - 1, (1 + _SURE) / 2))  # Student's: a trial may be of ten calls
    error = quantile * math.sqrt(variance * unseen / len(sizes)) / float(sizes.mean())
    return Range(max(0.0, likely - error), likely, likely + error)
