"""All that a stopped training needs to go on exactly: one safetensors file, no pickle.

The best weights are in it too, and model.safetensors is written from it: no other file is needed to agree with it.
The checkpoint before stays beside it until the training is finished.

No random state: what is random in a step comes from the seed and the step's number.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from mtattn.errors import DamagedError, RunError
from mtattn.files import write_whole
from mtattn.run import CHECKPOINT, MODEL, PREVIOUS, RunFolder
from mtattn.training.optimizer import Optimizer
from mtattn.transformer import Transformer
from mtattn.weights import load_tensors, tensors_as_bytes

Note = Callable[[str], None]
Tensors = dict[str, Tensor]

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
        best_bleu: greedy BLEU on dev of the best validation; -1 before the first one.
        best_loss: its loss on dev, the lower of two of equal BLEU; infinite before the first one.
        best_step: step of that validation.
        n_worse: validations in a row since BLEU rose.
        begun_s: seconds spent before the first step.
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
    best_loss: float = math.inf
    best_step: int = 0
    n_worse: int = 0
    begun_s: float = 0.0
    elapsed_s: float = 0.0
    validated_step: int = 0
    validation_s: float = 0.0
    validations_s: float = 0.0
    metrics_bytes: int = 0
    history_bytes: int = 0
    finished: bool = False


def save_checkpoint(
    run: RunFolder,
    model: Transformer,
    average: AveragedModel,
    optimizer: Optimizer,
    best: Tensors,
    progress: Progress,
) -> None:
    """Write the checkpoint, whole or not at all, then the best weights that it has into their own file.

    Raises:
        OutputError: one cannot be written; the one before still stands.
    """
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average/{name}": tensor for name, tensor in average.state_dict().items()}
    tensors |= {f"optimizer/{name}": tensor for name, tensor in optimizer.state().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
    # As a tensor, since safetensors writes its metadata in an order that changes.
    tensors[_PROGRESS] = torch.frombuffer(bytearray(json.dumps(asdict(progress)).encode()), dtype=torch.uint8)
    write_whole(run.path / CHECKPOINT, tensors_as_bytes(tensors), before=run.path / PREVIOUS)
    write_best(run, best)


def write_best(run: RunFolder, best: Tensors) -> None:
    """Have model.safetensors hold the best weights of the checkpoint, which a kill, or damage, may have kept it from.

    Args:
        run: the folder.
        best: empty before the first validation.

    Raises:
        OutputError: it cannot be written.
    """
    path, data = run.path / MODEL, tensors_as_bytes(best)
    if best and not (path.is_file() and path.read_bytes() == data):
        write_whole(path, data)


def restore_best(run: RunFolder) -> None:
    """Bring model.safetensors back from the checkpoint of a finished run.

    Raises:
        RunError: the checkpoint is missing, damaged or without them.
        OutputError: it cannot be written.
    """
    path = run.path / CHECKPOINT
    tensors = load_tensors(run.read(CHECKPOINT), path)
    best = {key.removeprefix("best/"): tensor for key, tensor in tensors.items() if key.startswith("best/")}
    if not best:
        raise RunError(f"it has no weights to bring {MODEL} back from", where=path, fix="train anew with --force")
    write_best(run, best)


def mend_checkpoint(run: RunFolder, note: Note) -> None:
    """Put the checkpoint before in place of one that is damaged, or that a kill left out.

    Args:
        run: the folder, of which one of the two is there.
        note: told what is wrong and what is done.

    Raises:
        RunError: neither can be used.
    """
    path, previous = run.path / CHECKPOINT, run.path / PREVIOUS
    try:
        if path.exists():
            load_tensors(run.read(CHECKPOINT), path)
            return
    except DamagedError as error:
        try:
            load_tensors(run.read(PREVIOUS), previous)
        except RunError:  # then there is nothing better
            raise error from None
        note(f"{path}: {error.what}; going on from {PREVIOUS}, the checkpoint before, which takes its place")
    previous.replace(path)


def load_checkpoint(
    run: RunFolder, model: Transformer, average: AveragedModel, optimizer: Optimizer
) -> tuple[Progress, Tensors]:
    """Put model, average and optimizer back where they were.

    Returns:
        Where the training stands, and the best weights so far.

    Raises:
        RunError: the checkpoint is missing, damaged or of another model.
    """
    path = run.path / CHECKPOINT
    tensors = load_tensors(run.read(CHECKPOINT), path)
    try:
        progress = Progress(**json.loads(bytes(tensors.pop(_PROGRESS).tolist())))
        parts: dict[str, Tensors] = {"model": {}, "average": {}, "optimizer": {}, "best": {}}
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
    best = parts["best"]
    if progress.best_step and not best:  # of an older version
        best = load_tensors(run.read(MODEL), run.path / MODEL)
    return progress, best
