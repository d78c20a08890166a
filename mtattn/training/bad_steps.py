"""Steps whose loss or gradient is no finite number: found, traced to their pairs, counted."""

import math
from collections.abc import Iterable
from itertools import islice

import torch

from mtattn.corpus.batches import EncodedPairs
from mtattn.text import counted
from mtattn.tokenizer import Tokenizer
from mtattn.training.workers import StepLoss, emission_loss
from mtattn.transformer import Transformer

MOST_IN_A_ROW = 5
"""So many end a training: each step has another batch, so that after a few of them it is the weights that are bad,
and no further step mends those."""

_N_PAIRS_TOLD, _N_CHARACTERS_TOLD = 3, 60


def not_finite(loss: StepLoss, gradient_norm: float) -> str:
    """Name what of a step is no finite number, "" where all is.

    Example:
        >>> not_finite(StepLoss(2.5, 0.0, 90), math.inf)
        'the gradient'
    """
    numbers = {"the loss": loss.emission, "the alignments' loss": loss.alignment, "the gradient": gradient_norm}
    return next((name for name, number in numbers.items() if not math.isfinite(number)), "")


def is_told(n: int) -> bool:
    """Say whether the n-th skipped step of a training is told: ever more seldom.

    Example:
        >>> [n for n in range(1, 100) if is_told(n)]
        [1, 2, 4, 8, 16, 32, 64]
    """
    return n & (n - 1) == 0


def are_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Say whether every number in these tensors is finite."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


@torch.no_grad()
def trace(model: Transformer, pairs: EncodedPairs, indices: Iterable[int], tokenizer: Tokenizer) -> str:
    """Say which pairs of a batch have a loss that is no finite number, each pair by itself.

    Args:
        model: put into eval mode meanwhile, so that nothing random is drawn.
        pairs: all pairs.
        indices: those of the batch.
        tokenizer: turns them back into text.

    Returns:
        Half a sentence for a message.
    """
    trains, chosen = model.training, list(indices)
    model.eval()
    bad = [i for i in chosen if not emission_loss(model, pairs.batch([i]).to(model.device)).isfinite()]
    model.train(trains)
    if not bad:
        return "each pair of its batch has a finite loss by itself"
    if len(bad) == len(chosen) > 1:
        return "each pair of its batch has such a loss by itself: the weights are at fault, not the pairs"
    texts = [f"“{_text(pairs, i, tokenizer)}”" for i in islice(bad, _N_PAIRS_TOLD)]
    more = ", …" if len(bad) > _N_PAIRS_TOLD else ""
    return f"traced to {counted(len(bad), 'pair')} of the {len(chosen):,} in its batch: {', '.join(texts)}{more}"


def _text(pairs: EncodedPairs, i: int, tokenizer: Tokenizer) -> str:
    batch = pairs.batch([i])
    sides = [tokenizer.decode(ids[0].tolist()) for ids in (batch.src, batch.tgt_emit)]
    return " → ".join(f"{side[:_N_CHARACTERS_TOLD]}…" if len(side) > _N_CHARACTERS_TOLD else side for side in sides)
