"""One row of a head map looked at closely: numbers with their labels, nothing of the model."""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mtattn.heads.ranks import kendall_tau
from mtattn.heads.record import HeadName

Measure = Literal["attention", "norm", "gradient", "leave_one_out"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True)
class Attribution:
    """How much each source word had to do with one output word, by four measures.

    Attributes:
        source: the source text.
        target: the output text.
        forced: the output was given, not found by the model.
        word: the output word.
        position: its place in the output, from 1.
        pieces: what it consists of.
        log_prob: natural logarithm of its probability, the sum over its pieces.
        layer: whose attention, from 1; None = the mean over all `n_layers`.
        head: whose attention, from 1; None = the mean over all `n_heads`.
        n_layers: L.
        n_heads: H.
        n_muted: how many of the heads that layer and head name are muted; a mean leaves them out.
        columns: T source words, the last one </s>.
        attention: (T,), the attention weights; of sum 1.
        norm: (T,), the norm of what the attention adds of each word.
        gradient: (T,), |gradient x input|, the sum over the embedding's components.
        leave_one_out: (T - 1,), log_prob lost without the word, in nats; </s> is never left out.

    Raises:
        ValueError: labels and numbers do not fit.
    """

    source: str
    target: str
    forced: bool
    word: str
    position: int
    pieces: tuple[str, ...]
    log_prob: float
    layer: int | None
    head: int | None
    n_layers: int
    n_heads: int
    n_muted: int
    columns: tuple[str, ...]
    attention: NDArray[np.floating]
    norm: NDArray[np.floating]
    gradient: NDArray[np.floating]
    leave_one_out: NDArray[np.floating]

    def __post_init__(self) -> None:
        n = len(self.columns)
        for measure in MEASURES:
            expected = n - 1 if measure == "leave_one_out" else n
            if self.of(measure).shape != (expected,):
                raise ValueError(f"{measure} of shape {self.of(measure).shape} does not fit {n} columns")

    def of(self, measure: Measure) -> NDArray[np.floating]:
        """Give a measure by its name."""
        values: NDArray[np.floating] = getattr(self, measure)
        return values

    def agreement(self) -> dict[tuple[Measure, Measure], float | None]:
        """Say for each two measures whether they put the source words, </s> left out, in the same order.

        Returns:
            Kendall's τ of each pair, in the order of `MEASURES`; None where one has no order.
        """
        n_words = len(self.columns) - 1
        return {(a, b): kendall_tau(self.of(a)[:n_words], self.of(b)[:n_words]) for a, b in combinations(MEASURES, 2)}


@dataclass(frozen=True)
class RowInHead:
    """One query's way through one head, in the order of the formula.

    softmax(q Kᵀ / √d_k) V W_i^O, Vaswani et al. 2017, eq. 1 and §3.2.2. What the model computed is kept
    (q, K, V, and each head's part of the output); the steps between are computed from it.

    Attributes:
        source: the source text.
        target: the output text.
        forced: the output was given, not found by the model.
        head: which head.
        n_considered: the heads it was chosen from, as the one most sure of a token here; 1 = it was named.
        row: the query's piece.
        word: the word that the piece belongs to.
        word_pieces: all pieces of that word.
        nth_piece: which of them this one is, from 1.
        reads: the token that the decoder has read at this step; "" in the encoder.
        columns: T_k pieces, the keys.
        column_words: for each of them the word that it belongs to.
        column_members: for each of them the index of that word; the same index = the same word.
        query: q, (d_k,).
        keys: K, (T_k, d_k).
        values: V, (T_k, d_k).
        may_attend: bool (T_k,); False = masked.
        outputs: head_i W_i^O of each head of the layer, (H, d_model).
    """

    source: str
    target: str
    forced: bool
    head: HeadName
    n_considered: int
    row: str
    word: str
    word_pieces: tuple[str, ...]
    nth_piece: int
    reads: str
    columns: tuple[str, ...]
    column_words: tuple[str, ...]
    column_members: tuple[int, ...]
    query: NDArray[np.floating]
    keys: NDArray[np.floating]
    values: NDArray[np.floating]
    may_attend: NDArray[np.bool_]
    outputs: NDArray[np.floating]

    @property
    def d_k(self) -> int:
        """Numbers in a query or key."""
        return len(self.query)

    @property
    def products(self) -> NDArray[np.floating]:
        """Q Kᵀ: how well each key fits the query, (T_k,)."""
        return self.keys @ self.query

    @property
    def scores(self) -> NDArray[np.floating]:
        """Q Kᵀ / √d_k, (T_k,), -∞ where masked."""
        return np.where(self.may_attend, self.products / math.sqrt(self.d_k), -math.inf)

    @property
    def weights(self) -> NDArray[np.floating]:
        """α = softmax(scores), (T_k,), of sum 1; 0 where masked."""
        exps = np.exp(self.scores - self.scores.max())  # the softmax is the same, and nothing overflows
        return np.asarray(exps / exps.sum())

    @property
    def answer(self) -> NDArray[np.floating]:
        """α V: the mean of the values by the weights, (d_k,)."""
        return self.weights @ self.values

    @property
    def output(self) -> NDArray[np.floating]:
        """head_i W_i^O: what this head adds to the layer's output, (d_model,)."""
        return np.asarray(self.outputs[self.head.head - 1])

    @property
    def total(self) -> NDArray[np.floating]:
        """The layer's output: the sum over its heads, (d_model,)."""
        return np.asarray(self.outputs.sum(axis=0))

    @property
    def share(self) -> float:
        """Its share of the sum over heads: its output's projection on the total, by the total's length.

        The shares of all heads sum to 1; one below 0 pulls against the others. 0 where there is no total.
        """
        length = float(self.total @ self.total)
        return float(self.output @ self.total) / length if length else 0.0
