"""The choice: which setting is best on some sets, and which would have been chosen without one of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DECIMALS = 9  # means that differ by rounding alone are equal

Figures = NDArray[np.float64]


def choose(recall_5: Figures, recall_2: Figures) -> int:
    """The row with the best mean recall@5 over the columns; ties by recall@2, then by order.

    recall_5, recall_2: (settings, sets), a set's mean over its questions each; each set counts once, at least one.

    >>> choose(np.array([[50.0, 70.0], [80.0, 50.0]]), np.zeros((2, 2)))
    1
    """
    by_5, by_2 = (np.round(figures.mean(axis=1), DECIMALS) for figures in (recall_5, recall_2))
    return int(np.lexsort((np.arange(len(by_5)), -by_2, -by_5))[0])


def leave_one_out(recall_5: Figures, recall_2: Figures) -> list[int]:
    """For each set (column) the row that is chosen on all the others; at least two sets.

    The defaults are left out by the caller: whoever chose them had all the sets in view.
    """
    others = [np.arange(recall_5.shape[1]) != held_out for held_out in range(recall_5.shape[1])]
    return [choose(recall_5[:, kept], recall_2[:, kept]) for kept in others]
