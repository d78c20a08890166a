"""What the maps of many sentences say about each head, in numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtattn.heads.record import AttentionMap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Behaviour:
    """Where the heads of one kind of attention look, each number (L, H), a mean over rows.

    A row is left out where it emits or belongs to </s>, and where it may see one key alone: it has no choice.
    The position of a query is that of its own token among the keys: in the decoder the token that the step reads;
    in cross-attention, where it has none, the place on the diagonal, t (T_src - 1) / (T_tgt - 1).

    Attributes:
        entropy: -Σ w ln w / ln n for n keys that the row may see: 0 = one key alone, 1 = even.
        confidence: the greatest weight, </s> and <s> apart (Voita et al. 2019, §4).
        distance: weighted mean of |key's position - query's|, in positions, </s> and <s> apart.
        offset: the same with its sign; negative = it looks back.
        special: share on </s>, in the decoder on <s>.
        punctuation: share on pieces without a letter or digit.
        previous: share on the position before the query's own, which cross-attention rounds.
        same: share on the query's own position.
        next: share on the position behind it.
        near: share on these three positions.
    """

    entropy: Floats
    confidence: Floats
    distance: Floats
    offset: Floats
    special: Floats
    punctuation: Floats
    previous: Floats
    same: Floats
    next: Floats
    near: Floats


def _rows_measured(attention: AttentionMap) -> NDArray[np.intp]:
    """Name the rows that count: not that of </s>, and in the decoder not the first, which may see <s> alone."""
    return np.arange(int(attention.kind == "decoder"), len(attention.rows) - 1)


def _is_punctuation(label: str) -> bool:
    return bool(label.strip("▁")) and not any(character.isalnum() for character in label)


def _row_sums(attention: AttentionMap) -> dict[str, Floats]:
    """Sum each measure over the rows of one map, (L, H) each, and count what it is to be divided by."""
    n_rows, n_columns = attention.weights.shape[2:]
    causal = attention.kind == "decoder"
    rows, columns = _rows_measured(attention), np.arange(n_columns)
    weights = attention.weights[:, :, rows].astype(np.float64)  # (L, H, R, T_k)
    n_seen = rows + 1 if causal else np.full(len(rows), n_columns)
    own = rows * (n_columns - 1) / (n_rows - 1) if attention.kind == "cross" else rows.astype(np.float64)
    offsets, steps = columns - own[:, None], columns - np.rint(own)[:, None]  # (R, T_k)
    real = columns != (0 if causal else n_columns - 1)
    marks = real & np.array([_is_punctuation(label) for label in attention.columns])
    words = weights[..., real]

    def share(where: NDArray[np.bool_]) -> Floats:
        found: Floats = (weights * where).sum(axis=(2, 3))
        return found

    return {
        "rows": np.full(weights.shape[:2], float(len(rows))),
        "on_words": words.sum(axis=(2, 3)),
        "entropy": (-(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=3) / np.log(n_seen)).sum(axis=2),
        "confidence": words.max(axis=3, initial=0).sum(axis=2),
        "distance": (words * np.abs(offsets[:, real])).sum(axis=(2, 3)),
        "offset": (words * offsets[:, real]).sum(axis=(2, 3)),
        "special": share(~real),
        "punctuation": share(marks),
        "previous": share(steps == -1),
        "same": share(steps == 0),
        "next": share(steps == 1),
        "near": share(np.abs(steps) <= 1),
    }


class Meter:
    """Measures where the heads of one kind of attention look, map by map."""

    def __init__(self) -> None:
        self._totals: dict[str, Floats] = {}

    def add(self, attention: AttentionMap) -> None:
        """Take in a sentence's map, between pieces; all maps are of one kind and one model."""
        for name, sums in _row_sums(attention).items():
            self._totals[name] = self._totals.get(name, 0) + sums

    def behaviour(self) -> Behaviour:
        """Give the measures so far, at least one map; NaN where no row or no weight on words was there to measure."""
        totals = dict(self._totals)
        rows, on_words = totals.pop("rows"), totals.pop("on_words")
        with np.errstate(invalid="ignore", divide="ignore"):
            return Behaviour(
                **{name: sums / (on_words if name in ("distance", "offset") else rows) for name, sums in totals.items()}
            )


def _relative_entropy(p: Floats, q: Floats) -> Floats:
    """Σ p log₂(p / q) over the last axis; 0 log 0 = 0, and q > 0 where p > 0."""
    ratio = np.divide(p, q, out=np.ones_like(q), where=p > 0)
    found: Floats = (p * np.log2(ratio)).sum(axis=-1)
    return found


def jensen_shannon_distance(p: Floats, q: Floats) -> Floats:
    """Say how far apart two distributions are: 0 = the same, 1 = nothing in common.

    √JSD(p, q), JSD(p, q) = ½ Σ p log₂(p / m) + ½ Σ q log₂(q / m) with m = (p + q) / 2: the square root of the
    Jensen–Shannon divergence (Lin 1991), which is a metric (Endres and Schindelin 2003).

    Args:
        p: (…, n), >= 0 and of sum 1 over the last axis.
        q: the same; p and q broadcast.

    Returns:
        (…), 0 to 1.

    Example:
        >>> one, other, even = np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5, 0.5])
        >>> [round(float(jensen_shannon_distance(one, q)), 2) for q in (one, other, even)]
        [0.0, 1.0, 0.56]
    """
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    distance: Floats = np.sqrt(divergence.clip(0, 1))  # rounding may leave it just outside
    return distance


class DiversityMeter:
    """Measures how differently the heads of one kind of attention look, map by map.

    The mean Jensen–Shannon distance of two heads' weights, over rows, pairs of heads of one layer, and layers. The
    rows are those of `Behaviour`. Clark et al. 2019, §6, compare heads by the divergence itself.
    """

    def __init__(self) -> None:
        self._total, self._n = 0.0, 0

    def add(self, attention: AttentionMap) -> None:
        """Take in a sentence's map; all maps are of one kind and one model."""
        weights = attention.weights[:, :, _rows_measured(attention)].astype(np.float64)  # (L, H, R, T_k)
        for head in range(1, attention.n_heads):
            distances = jensen_shannon_distance(weights[:, :head], weights[:, head : head + 1])  # (L, head, R)
            self._total, self._n = self._total + float(distances.sum()), self._n + distances.size

    def diversity(self) -> float:
        """Give the mean so far, 0 to 1; NaN where no row or no second head was there to compare."""
        return self._total / self._n if self._n else float("nan")
