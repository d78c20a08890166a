"""Says whether two measures put things in the same order: Kendall's τ, Spearman's ρ."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def kendall_tau(x: NDArray[np.floating], y: NDArray[np.floating]) -> float | None:
    """Compare the order of x with that of y, over all pairs of places.

    τ_b = (concordant - discordant) / √(pairs untied in x · pairs untied in y), Kendall 1945.

    Args:
        x: (n,).
        y: (n,).

    Returns:
        1 for the same order, -1 for the reverse; None where x or y has no two different values.

    Example:
        >>> kendall_tau(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
        0.3333333333333333
    """
    i, j = np.triu_indices(len(x), 1)
    order_x, order_y = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])  # (pairs,), of -1, 0 and 1
    untied = np.sqrt(np.square(order_x).sum() * np.square(order_y).sum())
    return float((order_x * order_y).sum() / untied) if untied else None


def ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Rank values from the smallest, 0; equal ones share the mean of their ranks.

    Example:
        >>> ranks([30, 10, 30, 20]).tolist()
        [2.5, 0.0, 2.5, 1.0]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank: NDArray[np.float64] = np.cumsum(counts) - (counts + 1) / 2
    return mean_rank[place]


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Say how far two lists order the same things alike: Spearman's ρ, -1 to 1; NaN where one is all the same.

    Example:
        >>> rank_correlation([1, 2, 3, 4], [10, 30, 20, 1000])
        0.8
    """
    x, y = (ranks(values) - np.mean(ranks(values)) for values in (a, b))
    scale = np.sqrt((x @ x) * (y @ y))
    return float((x @ y) / scale) if scale else float("nan")
