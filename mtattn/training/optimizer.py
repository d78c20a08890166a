"""The optimizer and the learning rate over the course of a training."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mtattn.config import TrainingConfig
from mtattn.training.workers import Workers
from mtattn.transformer import Transformer


def learning_rate_factor(position: float, warmup: float) -> float:
    """Scale the peak learning rate: rising from 0 in a straight line, then falling to 0 in another.

    Args:
        position: 0 at the start of the training, 1 at its end.
        warmup: share of the training in which the rate rises.

    Returns:
        0 to 1.

    Example:
        >>> [learning_rate_factor(x, 0.2) for x in (0.1, 0.2, 0.6, 1.0)]
        [0.5, 1.0, 0.5, 0.0]
    """
    if position < warmup:
        return position / warmup
    return max(0.0, (1 - position) / (1 - warmup))


def orthogonalized(matrices: Tensor, dtype: torch.dtype = torch.float32, n_steps: int = 5) -> Tensor:
    """Move each matrix near the closest one whose singular values are all 1, by Newton–Schulz steps.

    X ← a X + (b A + c A²) X with A = X Xᵀ and the coefficients of Jordan et al. 2024 ("Muon"), which
    bring the singular values into about 0.7 to 1.2 quickly instead of to 1 slowly.

    Args:
        matrices: float32 (n, rows, columns): n matrices at once, since many small products are slow.
        dtype: type in which they are multiplied.
        n_steps: Newton–Schulz steps.

    Returns:
        float32 (n, rows, columns).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)).to(dtype)
    for _ in range(n_steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum whose step is orthogonalized, for the matrices of a network (Jordan et al. 2024).

    torch.optim.Muon does the same in bfloat16 and one matrix at a time, which takes seconds a step on a
    CPU without bfloat16 units; here it is in the type that suits the CPU, each thread's matrices of one shape together.

    Args:
        params: matrices.
        lr: learning rate.
        momentum: share of the momentum kept from step to step.
        weight_decay: share of a weight, times lr, that is taken off at each step.
        dtype: type in which matrices are multiplied.
        workers: threads that share the work; None = this one alone.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
        workers: Workers | None = None,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._dtype = dtype
        self._workers = workers

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step with the gradients that the matrices have."""
        for group in self.param_groups:
            same_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                same_shape[parameter.shape].append(parameter)
                if not self.state[parameter]:
                    self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
            if self._workers is None:
                for parameters in same_shape.values():
                    self._move(parameters, group)
            else:
                n = self._workers.n
                parts = [parameters[k::n] for parameters in same_shape.values() for k in range(min(n, len(parameters)))]
                self._workers.map(partial(self._move, group=group), parts)

    @torch.no_grad()
    def _move(self, parameters: Sequence[nn.Parameter], group: dict[str, Any]) -> None:
        """Take the step of some matrices of one shape."""
        updates = []
        for parameter in parameters:
            assert parameter.grad is not None
            momentum = self.state[parameter]["momentum_buffer"]
            momentum.lerp_(parameter.grad, 1 - group["momentum"])
            updates.append(parameter.grad.lerp(momentum, group["momentum"]))  # Nesterov
        rows, columns = parameters[0].shape
        # A tall matrix's step is longer, so that it moves each output as much as a square one's.
        length = group["lr"] * max(1, rows / columns) ** 0.5
        for parameter, step in zip(parameters, orthogonalized(torch.stack(updates), self._dtype), strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(step, alpha=-length)


class Optimizer:
    """Muon for the layers' matrices and AdamW for the rest, or AdamW for all, on one schedule.

    Args:
        model: what is trained.
        config: which optimizer, its rates, and the length of the warm-up.
        dtype: type in which matrices are multiplied.
        workers: threads that share the work; None = this one alone.
    """

    def __init__(
        self,
        model: Transformer,
        config: TrainingConfig,
        dtype: torch.dtype = torch.float32,
        workers: Workers | None = None,
    ) -> None:
        self._warmup = config.warmup
        self._names = {id(parameter): name for name, parameter in model.named_parameters()}
        matrices, decayed, others = [], [], []
        for name, parameter in model.named_parameters():
            if parameter.dim() < 2:
                others.append(parameter)  # norms and biases are not pulled towards 0
            elif config.optimizer == "muon" and name != "embedding.weight":
                matrices.append(parameter)
            else:
                decayed.append(parameter)
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [
                    {"params": decayed, "weight_decay": config.weight_decay},
                    {"params": others, "weight_decay": 0.0},
                ],
                lr=config.learning_rate,
                betas=(0.9, 0.98),
                eps=1e-9,
                fused=True,
            )
        ]
        if matrices:
            self._optimizers.append(
                Muon(
                    matrices,
                    lr=config.muon_learning_rate,
                    weight_decay=config.weight_decay,
                    dtype=dtype,
                    workers=workers,
                )
            )
        self._peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in self._optimizers]

    def step(self, position: float) -> float:
        """Take one step with the learning rate of this position of the training.

        Args:
            position: 0 at the start of the training, 1 at its end.

        Returns:
            AdamW's learning rate.
        """
        factor = learning_rate_factor(position, self._warmup)
        for optimizer, peaks in zip(self._optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            optimizer.step()
            optimizer.zero_grad()
        return float(self._peaks[0][0] * factor)

    def state(self) -> dict[str, Tensor]:
        """Give all that the next step depends on, under `parameter/what` names."""
        return {
            f"{self._names[id(parameter)]}/{what}": value
            for optimizer in self._optimizers
            for parameter, values in optimizer.state.items()
            for what, value in values.items()
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave.

        Raises:
            ValueError: it is of another model.
        """
        owners = {
            self._names[id(parameter)]: (optimizer, parameter)
            for optimizer in self._optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }
        others = owners.keys() ^ {key.rpartition("/")[0] for key in state}
        if others:
            raise ValueError(f"the optimizer's state is of other parameters: {min(others)}")
        for key, value in state.items():
            name, _, what = key.rpartition("/")
            optimizer, parameter = owners[name]
            if value.dim() and value.shape != parameter.shape:  # a number of steps has no dimension
                raise ValueError(f"the optimizer's {what} of {name} has shape {tuple(value.shape)}")
            optimizer.state[parameter][what] = value.to(parameter.device)
