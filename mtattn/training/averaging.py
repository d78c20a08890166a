"""The average of a training's weights: what is validated and saved."""

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from mtattn.transformer import Transformer

Tensors = tuple[Tensor, ...] | list[Tensor]

STEPS_PER_UPDATE = 5
"""Weights are taken into the average so often; each step would cost a hundredth of its time and change nothing."""


def averaged(model: Transformer, share: float) -> AveragedModel:
    """Make a copy of a model whose weights become the average of the model's over its last part.

    Polynomial-decay averaging, Shamir and Zhang 2013, §4: the t-th weights enter with
    α_t = 1 / (1 + share (t - 1)), so that those of the last `share` of all t have most of the weight.

    Args:
        model: that is trained.
        share: 0 = the last weights, 1 = the mean of all.

    Returns:
        `.module` is the model, `update_parameters` takes in the weights of now.
    """

    def lerp(averages: Tensors, weights: Tensors, n_averaged: Tensor | int) -> None:
        alpha = 1 / (1 + share * int(n_averaged))
        for average, weight in zip(averages, weights, strict=True):
            average.lerp_(weight, alpha)

    return AveragedModel(model, multi_avg_fn=lerp).eval()
