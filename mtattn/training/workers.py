"""Threads that work side by side: each takes a part of a batch, as in data-parallel training.

A step is many small operations. Threads that share each one wait for each other at every operation, and
where another program takes a core, all wait for the one that lost it. Threads with a part of the batch each
meet once a step.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mtattn.corpus.batches import Batch, EncodedPairs
from mtattn.dropout import draw_from
from mtattn.tokenizer import PAD
from mtattn.transformer import Transformer

Item = TypeVar("Item")
Result = TypeVar("Result")


def emission_loss(model: Transformer, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of the emitted tokens, in nats; padding left out.

    Args:
        model: in train mode for training, in eval mode for validation.
        batch: the pairs.
        label_smoothing: share of each target's probability that is spread over the vocabulary,
            Szegedy et al. 2016; Vaswani et al. 2017, §5.4.

    Returns:
        A scalar.
    """
    hidden = model(batch.src, batch.src_lengths, batch.tgt_read)  # (B, T_tgt, d_model)
    real = batch.tgt_emit != PAD
    logits = model.logits(hidden[real])  # (n, V): only real positions pay for the vocabulary
    return functional.cross_entropy(logits.float(), batch.tgt_emit[real], label_smoothing=label_smoothing)


class Workers:
    """A number of threads, each with one thread for its own arithmetic and random numbers of its own.

    Args:
        n: how many.
        seed: the same seed and number give the same results, whichever thread is the faster.
    """

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.generators = [torch.Generator().manual_seed(seed + k) for k in range(n)]
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
    ) -> tuple[float, int]:
        """Give the model's parameters the gradient of the mean loss of a batch, a part of it in each thread.

        Args:
            model: in train mode; its parameters' `grad` are replaced.
            pairs: the training pairs.
            indices: those of the batch.
            label_smoothing: see `emission_loss`.
            dtype: type in which matrices are multiplied.

        Returns:
            The loss, and the source and target tokens of the batch.
        """
        parameters = list(model.parameters())
        parts = [part for k in range(self.n) if len(part := indices[k :: self.n])]  # like lengths in all

        def of_part(part: np.ndarray, generator: torch.Generator) -> tuple[float, int, int, Sequence[Tensor]]:
            draw_from(generator)
            batch = pairs.batch(part)
            with torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32):
                loss = emission_loss(model, batch, label_smoothing)
            gradients = torch.autograd.grad(loss, parameters)
            return loss.item(), int((batch.tgt_emit != PAD).sum()), batch.n_tokens, gradients

        done = list(self._pool.map(of_part, parts, self.generators))
        n_emitted = sum(n for _, n, _, _ in done)
        for parameter in parameters:
            parameter.grad = None
        for _, n, _, gradients in done:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                share = gradient * (n / n_emitted)
                parameter.grad = share if parameter.grad is None else parameter.grad.add_(share)
        return sum(loss * n for loss, n, _, _ in done) / n_emitted, sum(n_tokens for _, _, n_tokens, _ in done)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
