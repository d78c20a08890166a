"""All that a stopped training needs to go on exactly: one safetensors file, no pickle.

No random state: what is random in a step comes from the seed and the step's number.
"""

import json
from dataclasses import asdict, dataclass

import torch
from safetensors.torch import save
from torch.optim.swa_utils import AveragedModel

from mtattn.errors import RunError
from mtattn.files import write_whole
from mtattn.run import CHECKPOINT, RunFolder
from mtattn.training.optimizer import Optimizer
from mtattn.transformer import Transformer
from mtattn.weights import load_tensors

_PROGRESS = "progress"


@dataclass
class Progress:
    """Where a training stands.

    Attributes:
        step: optimizer steps taken or skipped.
        n_skipped: those that were skipped, since a number was not finite.
        n_skipped_in_a_row: the last ones of them.
        epoch: epoch of the next step, from 0.
        block: block of the epoch that the next step's batch is in, from 0.
        batch: place of that batch in its block, from 0.
        n_validations: validations done on schedule.
        best_bleu: greedy BLEU on dev; -1 before the first validation.
        best_step: step that had it.
        n_worse: validations in a row since then.
        elapsed_s: seconds spent up to the last save, those before a resume included.
        validated_step: step of the last validation.
        validation_s: seconds of the last validation.
        validations_s: seconds of all validations.
        metrics_bytes: length of metrics.jsonl.
        history_bytes: length of history.jsonl; 0 in a checkpoint from before there was one.
        finished: nothing is left to do.
    """

    step: int = 0
    n_skipped: int = 0
    n_skipped_in_a_row: int = 0
    epoch: int = 0
    block: int = 0
    batch: int = 0
    n_validations: int = 0
    best_bleu: float = -1.0
    best_step: int = 0
    n_worse: int = 0
    elapsed_s: float = 0.0
    validated_step: int = 0
    validation_s: float = 0.0
    validations_s: float = 0.0
    metrics_bytes: int = 0
    history_bytes: int = 0
    finished: bool = False


def save_checkpoint(
    run: RunFolder, model: Transformer, average: AveragedModel, optimizer: Optimizer, progress: Progress
) -> None:
    """Write the checkpoint, whole or not at all.

    Raises:
        OutputError: it cannot be written; the one before still stands.
    """
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average/{name}": tensor for name, tensor in average.state_dict().items()}
    tensors |= {f"optimizer/{name}": tensor for name, tensor in optimizer.state().items()}
    # As a tensor, since safetensors writes its metadata in an order that changes.
    tensors[_PROGRESS] = torch.frombuffer(bytearray(json.dumps(asdict(progress)).encode()), dtype=torch.uint8)
    write_whole(run.path / CHECKPOINT, save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def load_checkpoint(run: RunFolder, model: Transformer, average: AveragedModel, optimizer: Optimizer) -> Progress:
    """Put model, average and optimizer back where they were.

    Returns:
        Where the training stands.

    Raises:
        RunError: the checkpoint is missing, damaged or of another model.
    """
    path = run.path / CHECKPOINT
    tensors = load_tensors(run.read(CHECKPOINT), path)
    try:
        progress = Progress(**json.loads(bytes(tensors.pop(_PROGRESS).tolist())))
        parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
        for key, tensor in tensors.items():
            part, _, name = key.partition("/")
            parts[part][name] = tensor
        model.load_state_dict(parts["model"])
        average.load_state_dict(parts["average"])
        optimizer.load_state(parts["optimizer"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"the checkpoint does not belong to this run ({error})", where=path, fix="train it anew with --force"
        ) from error
    return progress
