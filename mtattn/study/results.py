"""What a study found: the numbers of each model, and what those of one number of heads say together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mtattn.heads.record import Kind

TOLERANCE = 0.005
"""A head is spare where muting it raises the loss by no more than this share of it."""


@dataclass(frozen=True)
class ModelNumbers:
    """What was measured of one model; None = it has no such number.

    Attributes:
        run: its folder in the study's.
        n_heads: heads of each attention.
        seed: of its training.
        d_head: size of a head's queries, keys and values, d_model / n_heads.
        n_parameters: all weights.
        data_sha256: hash of the data that it was trained on.
        steps: optimizer steps.
        elapsed_s: seconds that its training took.
        tokens_per_s: source and target tokens that it was trained on in a second, the median over steps.
        part: the pairs that were translated, "test" or "dev".
        n_pairs: how many.
        bleu: beam 5, 0 to 100.
        bleu_low: lower end of the 95% interval, by the bootstrap.
        bleu_high: its upper end.
        chrf: of the same translations.
        n_gold: pairs with gold alignments.
        aligner: the cross-attention head that aligns best on every other of them.
        aer: its alignment error rate on the rest.
        diversity: for each kind of attention the mean Jensen–Shannon distance of two heads of a layer.
        n_dev: dev pairs that diversity and losses are counted on.
        loss: on them, in nats a token.
        loss_lost: for each head by how much the loss rises where it is muted.
    """

    run: str
    n_heads: int
    seed: int
    d_head: int
    n_parameters: int
    data_sha256: str
    steps: int
    elapsed_s: float
    tokens_per_s: float | None
    part: str
    n_pairs: int
    bleu: float
    bleu_low: float
    bleu_high: float
    chrf: float
    n_gold: int
    aligner: str | None
    aer: float | None
    diversity: dict[Kind, float | None]
    n_dev: int
    loss: float
    loss_lost: dict[str, float]

    @property
    def spare(self) -> float:
        """Share of its heads that can be muted, one at a time, with the loss rising by `TOLERANCE` of it at most."""
        return sum(lost <= TOLERANCE * self.loss for lost in self.loss_lost.values()) / len(self.loss_lost)


@dataclass(frozen=True)
class HeadCount:
    """What the models with one number of heads say together, each number their mean.

    Attributes:
        n_heads: the number.
        d_head: size of each head.
        n_models: how many models there are, each of another seed.
        tokens_per_s: see `ModelNumbers`; this one and those that follow.
        bleu: the same.
        low: least BLEU of these models; of a single one the lower end of its 95% interval.
        high: greatest, likewise.
        aer: see `ModelNumbers`.
        diversity: the same.
        spare: the same.
    """

    n_heads: int
    d_head: int
    n_models: int
    tokens_per_s: float | None
    bleu: float
    low: float
    high: float
    aer: float | None
    diversity: dict[Kind, float | None]
    spare: float


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def by_heads(models: Sequence[ModelNumbers]) -> list[HeadCount]:
    """Put together the models of each number of heads, the fewest heads first."""
    counts = []
    for n_heads in sorted({model.n_heads for model in models}):
        same = [model for model in models if model.n_heads == n_heads]
        scores = [model.bleu for model in same]
        low, high = (min(scores), max(scores)) if len(same) > 1 else (same[0].bleu_low, same[0].bleu_high)
        counts.append(
            HeadCount(
                n_heads=n_heads,
                d_head=same[0].d_head,
                n_models=len(same),
                tokens_per_s=_mean([model.tokens_per_s for model in same]),
                bleu=math.fsum(scores) / len(scores),
                low=low,
                high=high,
                aer=_mean([model.aer for model in same]),
                diversity={kind: _mean([model.diversity[kind] for model in same]) for kind in same[0].diversity},
                spare=math.fsum(model.spare for model in same) / len(same),
            )
        )
    return counts
