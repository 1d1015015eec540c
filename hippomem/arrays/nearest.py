"""The passages nearest to a query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import PASSAGES, Picture
from hippomem.graph.similarity import quantised_products


def nearest(picture: Picture, query: NDArray[np.float32], k: int, *, exact: bool = False) -> NDArray[np.int64]:
    """Places of the *k* passages of the highest cosine with *query* (d,), best first, ties by order."""
    a = picture.arrays
    places = np.flatnonzero(a.passage_alive[: int(a.counts[PASSAGES])])
    cosines = quantised_products(a.passage_vector, a.passage_scale, query, places)
    if 0 < k < len(places):
        cut = np.partition(cosines, len(places) - k)[len(places) - k]
        keep = cosines >= cut
        places, cosines = places[keep], cosines[keep]
    return places[np.lexsort((a.passage_order[places], -cosines))][:k]
