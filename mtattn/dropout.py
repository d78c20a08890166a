"""Dropout from random bytes.

torch's own dropout draws a random number for each element, one after the other; on a CPU that takes longer
than the layers around it. One 64-bit draw gives eight elements a byte each.
"""

import threading

import torch
from torch import Tensor, nn

_of_thread = threading.local()


def draw_from(generator: torch.Generator) -> None:
    """Have this thread's dropout draw from a generator of its own instead of from the one that all share."""
    _of_thread.generator = generator


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
        n = x.numel()
        draws = torch.empty((n + 7) // 8, dtype=torch.int64, device=x.device)
        draws.random_(-(2**63), None, generator=getattr(_of_thread, "generator", None))
        kept = draws.view(torch.uint8)[:n].view(x.shape) >= self.n_dropped
        return x * kept.to(x.dtype).mul_(256 / (256 - self.n_dropped))
