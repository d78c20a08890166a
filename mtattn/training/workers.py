"""Threads that work side by side: each takes a part of a batch, as in data-parallel training.

A step is many small operations. Threads that share each one wait for each other at every operation, and
where another program takes a core, all wait for the one that lost it. Threads with a part of the batch each
meet once a step, and once more where each takes Muon's step of a part of the matrices.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mtattn.corpus.batches import Batch, EncodedPairs
from mtattn.dropout import seed_dropout
from mtattn.tokenizer import PAD
from mtattn.training.guidance import Guidance
from mtattn.training.team import Team
from mtattn.transformer import AttentionWeights, Transformer

Item = TypeVar("Item")
Result = TypeVar("Result")


def emission_loss(
    model: Transformer, batch: Batch, label_smoothing: float = 0.0, weights: AttentionWeights | None = None
) -> Tensor:
    """Mean cross-entropy of the emitted tokens, in nats; padding left out.

    Args:
        model: in train mode for training, in eval mode for validation.
        batch: the pairs.
        label_smoothing: share of each target's probability that is spread over the vocabulary,
            Szegedy et al. 2016; Vaswani et al. 2017, §5.4.
        weights: filled with all attention weights where given.

    Returns:
        A scalar.
    """
    hidden = model(batch.src, batch.src_lengths, batch.tgt_read, weights)  # (B, T_tgt, d_model)
    # Padding too, a few positions in a hundred: without it each batch has a shape of its own, see `corpus.batches`.
    logits = model.logits(hidden).flatten(0, 1)  # (B · T_tgt, V)
    return functional.cross_entropy(
        logits.float(), batch.tgt_emit.flatten(), ignore_index=PAD, label_smoothing=label_smoothing
    )


class StepLoss(NamedTuple):
    """What a batch showed.

    Attributes:
        emission: see `emission_loss`.
        alignment: see `Guidance.loss`, for each emitted token; 0 without guidance.
        n_tokens: source and target tokens.
    """

    emission: float
    alignment: float
    n_tokens: int


class Workers:
    """A number of threads, each with one thread for its own arithmetic.

    Args:
        n: how many.
        team: processes that share each batch; None = this one alone.
    """

    def __init__(self, n: int, team: Team | None = None) -> None:
        self.n = n
        self._team = team or Team()
        self._pool = ThreadPoolExecutor(n, initializer=torch.set_num_threads, initargs=(1,))

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Call a function on each item, side by side; results come in the order of the items."""
        return list(self._pool.map(function, items))

    def gradients(
        self,
        model: Transformer,
        pairs: EncodedPairs,
        indices: np.ndarray,
        *,
        label_smoothing: float,
        dtype: torch.dtype,
        seed: Sequence[int],
        guidance: Guidance | None = None,
    ) -> StepLoss:
        """Give the model's parameters the gradient of the mean loss of a batch, a part of it in each thread.

        Dropout draws from the seed and the number of the part alone: it depends neither on the steps before nor
        on which thread is the faster.

        Args:
            model: in train mode; its parameters' `grad` are replaced.
            pairs: the training pairs.
            indices: those of the batch.
            label_smoothing: see `emission_loss`.
            dtype: type in which matrices are multiplied.
            seed: numbers of this step, not negative.
            guidance: what heads are taught besides; its loss, too, is a mean over the emitted tokens.
        """
        parameters, device = list(model.parameters()), model.device
        team = self._team

        def of_part(k: int) -> tuple[StepLoss, int, Sequence[Tensor]]:
            # Every n-th pair: like lengths in all parts.
            part = indices[k :: self.n * team.size]
            batch = pairs.batch(part).to(device)
            n_emitted = int((batch.tgt_emit != PAD).sum())
            weights = AttentionWeights() if guidance else None
            seed_dropout(int(np.random.SeedSequence([*seed, k]).generate_state(1)[0]), device)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32):
                loss = emission_loss(model, batch, label_smoothing, weights)
            taught, alignment = loss, 0.0
            if guidance and weights:
                from_links = guidance.loss(weights, part) / n_emitted
                taught, alignment = loss + guidance.weight * from_links, from_links.item()
            gradients = torch.autograd.grad(taught, parameters)
            return StepLoss(loss.item(), alignment, batch.n_tokens), n_emitted, gradients

        first = team.rank * self.n
        done = self.map(of_part, range(first, min(first + self.n, len(indices))))
        sums = [[part.emission * n, part.alignment * n, n, part.n_tokens] for part, n, _ in done]
        totals = torch.tensor(sums, dtype=torch.float64).reshape(-1, 4).sum(dim=0)
        summed = [torch.zeros_like(parameter) for parameter in parameters]
        for _, n, gradients in done:
            for total, gradient in zip(summed, gradients, strict=True):
                total.add_(gradient, alpha=n)
        team.add_up([totals])
        team.add_up(summed)
        emission, alignment, n_emitted, n_tokens = totals.tolist()
        for parameter, total in zip(parameters, summed, strict=True):
            parameter.grad = total.div_(n_emitted)
        return StepLoss(emission / n_emitted, alignment / n_emitted, int(n_tokens))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
