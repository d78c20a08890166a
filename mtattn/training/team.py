"""Processes that train one model together, as `torchrun` starts them."""

import os
from collections.abc import Sequence

import torch
from torch import Tensor, distributed

from mtattn.errors import MtattnError


class Team:
    """The processes that train one model together, seen from this one; alone where `torchrun` did not start it.

    Each takes a part of every batch and their gradients are added up, so that all keep the same weights. The
    first one leads: it alone validates, writes the run folder and decides when to stop.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
        size_here: how many of them are on this machine.
        rank_here: number of this process among those.
    """

    def __init__(self) -> None:
        self.rank, self.size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        self.size_here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self.rank_here = int(os.environ.get("LOCAL_RANK", "0"))
        if self.size > 1:
            try:
                # NCCL sums GPUs' gradients, where each process has a GPU of its own.
                own_gpus = torch.cuda.device_count() >= self.size_here
                distributed.init_process_group("cpu:gloo,cuda:nccl" if own_gpus else "gloo")
            except ValueError as error:
                raise MtattnError(
                    f"WORLD_SIZE={self.size}, but the processes cannot find each other ({error})",
                    fix="start them with torchrun, or unset WORLD_SIZE",
                ) from error

    @property
    def leads(self) -> bool:
        """Whether this is the first process."""
        return self.rank == 0

    def wait_for_leader(self) -> None:
        """Go on when the first process has come to its own call of `wait_for_leader`."""
        self.agree([0.0])

    def agree(self, values: Sequence[float]) -> list[float]:
        """Take the first process' values in all of them."""
        if self.size == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(shared, src=0)
        return [float(value) for value in shared]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one dtype by their sums over all processes, the same bytes in each."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def close(self) -> None:
        """Leave the team."""
        if self.size > 1:
            distributed.destroy_process_group()
