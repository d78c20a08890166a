"""Dropout from random bytes.

torch's own dropout draws a random number for each element, one after the other; on a CPU that takes longer
than the layers around it. One 64-bit draw gives eight elements a byte each. On a GPU torch's own is quick.
"""

import threading

import torch
from torch import Tensor, nn
from torch.nn import functional

_of_thread = threading.local()


def seed_dropout(seed: int, device: torch.device) -> None:
    """Have what this thread drops from now on depend on a seed alone.

    On a CPU, where several threads share a batch, each draws from a generator of its own.
    """
    if device.type == "cpu":
        _of_thread.generator = torch.Generator().manual_seed(seed)
    else:
        torch.manual_seed(seed)


class Dropout(nn.Module):
    """Sets elements to 0 at random in training and scales the others up, so that the mean stays.

    Srivastava et al. 2014, inverted.

    Args:
        probability: share dropped, 0 <= p < 1, rounded to a 256th.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.n_dropped = min(round(probability * 256), 255)  # of the 256 values of a byte

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of x, of any shape; in eval mode x itself comes back."""
        if not (self.training and self.n_dropped):
            return x
        if x.device.type != "cpu":
            return functional.dropout(x, self.n_dropped / 256)
        n = x.numel()
        draws = torch.empty((n + 7) // 8, dtype=torch.int64)
        draws.random_(-(2**63), None, generator=getattr(_of_thread, "generator", None))
        kept = draws.view(torch.uint8)[:n].view(x.shape) >= self.n_dropped
        return x * kept.to(x.dtype).mul_(256 / (256 - self.n_dropped))
