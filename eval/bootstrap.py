"""How sure a mean over questions is: percentile intervals, and a paired test between two retrievers.

Both are resampled from the questions alone and seeded, so the same answers give the same digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.95
EXACT_UP_TO = 12  # 2 ** 12 sign patterns are fewer than the random ones, so small sets are enumerated
_BLOCK = 500  # resamples at once: bounds memory to _BLOCK × questions numbers


def percentile_interval(
    values: NDArray[np.float64], *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> NDArray[np.float64]:
    """Bootstrap percentile interval of the mean of each column (Efron 1979).

    Draws n of the n questions with replacement, *resamples* times, and takes the (1 ± level)/2 quantiles of the means.
    All columns share the draws; so do two retrievers on the same questions, for the same seed.

    values: (n, m), one row a question, one column a metric; n ≥ 1.    Returns (m, 2): low, high, low ≤ high.

    >>> percentile_interval(np.array([[1.0], [1.0]]), seed=0)
    array([[1., 1.]])
    """
    return _quantiles(_means(values, seed, resamples), level)


def stratified_interval(
    strata: Sequence[NDArray[np.float64]], *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> NDArray[np.float64]:
    """Bootstrap percentile interval of the mean over strata (sets), each counting once, of the means of each column.

    Every stratum's rows are drawn by themselves, by draws of their own: the interval is about other questions of these
    sets, not about other sets.    strata: at least one (n_i, m).    Returns (m, 2): low, high.

    >>> stratified_interval([np.array([[1.0]]), np.array([[3.0]])], seed=0)
    array([[2., 2.]])
    """
    seeds = np.random.SeedSequence(seed).spawn(len(strata))
    means = np.mean([_means(rows, own, resamples) for rows, own in zip(strata, seeds, strict=True)], axis=0)
    return _quantiles(means, level)


def _means(values: NDArray[np.float64], seed: int | np.random.SeedSequence, resamples: int) -> NDArray[np.float64]:
    """(resamples, m) means of rows drawn with replacement."""
    rng = np.random.default_rng(seed)
    n = len(values)
    means = []
    for start in range(0, resamples, _BLOCK):
        rows = min(_BLOCK, resamples - start)
        drawn = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        means.append(counts @ values / n)
    return np.concatenate(means)


def _quantiles(means: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    tail = (1.0 - level) / 2.0
    interval: NDArray[np.float64] = np.quantile(means, [tail, 1.0 - tail], axis=0).T
    return interval


def paired_randomisation(
    a: NDArray[np.float64], b: NDArray[np.float64], *, seed: int, rounds: int = RESAMPLES
) -> float:
    """Two-sided p-value that *a* and *b* are equally good (Fisher's randomisation test).

    Under that hypothesis the sign of each question's difference d = a − b is a coin toss: p is the share of sign
    patterns with |Σ ± d| ≥ |Σ d|. All 2ⁿ patterns for n ≤ 12 questions; else random ones: p = (1 + hits)/(1 + rounds).

    a, b: (n,), the same questions in the same order, n ≥ 1.    Returns p in (0, 1].

    >>> paired_randomisation(np.array([1.0, 1.0, 1.0]), np.zeros(3), seed=0)  # +++ and --- of 8 patterns
    0.25
    """
    return float(randomisation((a - b)[:, None], seed=seed, rounds=rounds)[0])


def randomisation(differences: NDArray[np.float64], *, seed: int, rounds: int = RESAMPLES) -> NDArray[np.float64]:
    """`paired_randomisation` of many pairs at once: their columns share the tosses, which are what takes time.

    differences: (n, m), one column a pair.    Returns (m,).
    """
    n = len(differences)
    bars = np.abs(differences.sum(axis=0)) - 1e-9  # sums in another order differ by rounding, far less than this
    if n <= EXACT_UP_TO:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        exact: NDArray[np.float64] = np.mean(np.abs(signs @ differences) >= bars, axis=0)
        return exact
    rng = np.random.default_rng(seed)
    hits = np.zeros(differences.shape[1])
    for start in range(0, rounds, _BLOCK):
        tosses = 2.0 * rng.integers(0, 2, size=(min(_BLOCK, rounds - start), n)) - 1.0
        hits += np.count_nonzero(np.abs(tosses @ differences) >= bars, axis=0)
    return (1.0 + hits) / (1.0 + rounds)
