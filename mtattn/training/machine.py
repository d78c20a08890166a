"""What of the machine a training uses: its device, its threads, its number format, its memory."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mtattn.config import TrainingConfig
from mtattn.errors import ConfigError, RunError
from mtattn.surroundings import available_cores
from mtattn.training.team import Team


@dataclass(frozen=True)
class Computing:
    """What one process computes with.

    Attributes:
        device: where the model is.
        n_threads: threads that share a batch; on a GPU one, which feeds it.
        dtype: type in which matrices are multiplied, but for those of `attention`; weights are float32 always.
    """

    device: torch.device
    n_threads: int
    dtype: torch.dtype

    @property
    def precision(self) -> str:
        """The dtype as settings name it."""
        return str(self.dtype).removeprefix("torch.")


def keep_freed_memory() -> None:
    """Have the C library keep freed memory for the next tensor instead of giving it back to the system.

    By default each large tensor is new memory that the system clears page by page; keeping it made a step
    a tenth to a seventh faster. Each thread keeps an arena of its own: with one for all, two threads were a
    quarter slower. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mmap_threshold, trim_threshold = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    mallopt(mmap_threshold, 2**30)
    mallopt(trim_threshold, 2**31 - 1)


def cpu_has_bfloat16() -> bool:
    """Say whether this CPU multiplies bfloat16 matrices in hardware, from what it lists of itself."""
    try:
        flags = Path("/proc/cpuinfo").read_text(errors="replace").split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def choose_device(name: str, team: Team) -> torch.device:
    """Find the device of this process; of several GPUs each process of the machine takes its own.

    Args:
        name: cpu, cuda, mps, or auto = an NVIDIA GPU where there is one, else Apple's, else the CPU.
        team: the processes that train together.

    Raises:
        ConfigError: the machine, or this build of PyTorch, does not have the device that is named.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in present.items() if there)
    elif not present[name]:
        raise ConfigError(
            f"PyTorch {torch.__version__} finds no {name} device here",
            where=f"--device {name}",
            fix=f"install the PyTorch build for {name}, or train on another: --device cpu",
        )
    return torch.device(name, team.rank_here % torch.cuda.device_count()) if name == "cuda" else torch.device(name)


def choose_computing(
    config: TrainingConfig, manifest: dict[str, Any], team: Team, note: Callable[[str], None]
) -> Computing:
    """Settle device, threads and precision, and say which.

    Args:
        config: what is wanted.
        manifest: of a run that is gone on with: what was chosen then holds; empty for a new one.
        team: the processes that train together; those of one machine share its cores.
        note: told what was chosen and why.

    Raises:
        ConfigError: the device is not there.
        RunError: a run that is gone on with was begun on a device that is not there, or by another number of
            processes.
    """
    if manifest.get("processes", team.size) != team.size:
        raise RunError(
            f"the run was begun by {manifest['processes']} processes, not {team.size}",
            fix="go on with as many: torchrun --nproc-per-node N -m -- mtattn train ...",
        )
    try:
        device = choose_device(manifest.get("device", config.device), team)
    except ConfigError as error:
        if "device" not in manifest:
            raise
        raise RunError(
            f"the run was begun on {manifest['device']}, which is not here ({error.what})",
            fix="go on with it where it was begun, or train a new run",
        ) from error
    on_cpu = device.type == "cpu"
    threads = config.threads or max(1, available_cores() // team.size_here) if on_cpu else 1
    threads = int(manifest.get("threads", threads))
    if "precision" in manifest:
        bfloat16, why = manifest["precision"] == "bfloat16", "as before"
    elif config.precision != "auto":
        bfloat16, why = config.precision == "bfloat16", "as set"
    elif on_cpu:
        bfloat16 = cpu_has_bfloat16()
        why = f"the CPU lists {'its' if bfloat16 else 'no'} bfloat16 units"
    else:
        bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        why = f"the GPU has {'' if bfloat16 else 'no '}bfloat16 units"
    # The leader's choice holds for all: their parts of a batch and their weights must fit.
    agreed = team.agree([threads, bfloat16])
    computing = Computing(device, int(agreed[0]), torch.bfloat16 if agreed[1] else torch.float32)
    processes = f"{team.size} processes, each with " if team.size > 1 else ""
    units = f"{threads} thread{'s' if threads > 1 else ''}" if on_cpu else str(device)
    note(f"{processes}{units}, {computing.precision} ({why})")
    return computing
