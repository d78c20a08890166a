"""Says whether two measures put things in the same order."""

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
