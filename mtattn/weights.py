"""A run's weights: from its files into a Transformer and back. What needs no torch of a run is in `run`."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from mtattn.config import Config
from mtattn.errors import DamagedError, RunError
from mtattn.run import CONFIG, MODEL, RunFolder
from mtattn.transformer import Transformer

Shapes = dict[str, tuple[int, ...]]

_CHECKSUM = "sha256"  # the only key of a file's metadata: several would come out in an order that changes


def new_model(config: Config, vocab_size: int) -> Transformer:
    """Build the Transformer that a config describes, with random weights."""
    sizes = config.model
    return Transformer(
        vocab_size,
        d_model=sizes.d_model,
        n_heads=sizes.n_heads,
        n_encoder_layers=sizes.n_encoder_layers,
        n_decoder_layers=sizes.n_decoder_layers,
        d_ff=sizes.d_ff,
        dropout=sizes.dropout,
        max_positions=sizes.max_positions,
    )


def load_model(run: RunFolder, vocab_size: int) -> Transformer:
    """Load a run's best weights into a Transformer in eval mode.

    Raises:
        RunError: the weights are missing, damaged, not finite, or of another model than the config's.
    """
    config, path = run.config(), run.readable(MODEL)
    # Sizes before contents, and of them the large ones first: nothing is built or read that is larger than a
    # model's weights which are there. Not on the device "meta", which allocates nothing but imports the whole
    # of torch's compiler.
    given = _read_shapes(path)
    large = _large_weights(config, vocab_size)
    _refuse_others(large, {name: shape for name, shape in given.items() if name in large}, run)
    model = new_model(config, vocab_size)
    _refuse_others({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}, given, run)
    tensors = load_tensors(path.read_bytes(), path)
    for name, tensor in tensors.items():
        problem = ""
        if tensor.dtype != torch.float32:
            problem = f"{name} is {str(tensor.dtype).removeprefix('torch.')}, not float32"
        elif not tensor.isfinite().all():
            problem = f"a weight is not a finite number, in {name}"
        if problem:
            raise RunError(problem, where=path, fix="restore the file, or train the run again")
    model.load_state_dict(tensors, assign=True)
    return model.eval()


def _read_shapes(path: Path) -> Shapes:
    """Read the shapes of a safetensors file's tensors, not the tensors themselves."""
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  no mapping
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        raise _damaged(error, path) from error


def _damaged(error: object, where: Path) -> DamagedError:
    again = "train the run anew with --force"
    if where.name == MODEL:
        again = f"bring it back with: mtattn train --run {where.parent} --resume"
    return DamagedError(f"the file is damaged ({error})", where=where, fix=f"restore it, or {again}")


def _large_weights(config: Config, vocab_size: int) -> Shapes:
    """Name weights of the model that a config describes which together are a good part of it."""
    d_model, d_ff = config.model.d_model, config.model.d_ff
    shapes: Shapes = {"embedding.weight": (vocab_size, d_model)}
    for side, n_layers in (("encoder", config.model.n_encoder_layers), ("decoder", config.model.n_decoder_layers)):
        for layer in range(n_layers):
            shapes[f"{side}.{layer}.self_attention.w_q.weight"] = (d_model, d_model)
            shapes[f"{side}.{layer}.feed_forward.w_1.weight"] = (d_ff, d_model)
    return shapes


def _refuse_others(expected: Shapes, given: Shapes, run: RunFolder) -> None:
    wrong = sorted(name for name in expected | given if expected.get(name) != given.get(name))
    if wrong:
        raise RunError(
            f"these are not the weights of the model in {CONFIG}: {wrong[0]} is "
            f"{given.get(wrong[0], 'missing')}, not {expected.get(wrong[0], 'part of it')}",
            where=run.path / MODEL,
            fix=run.of_another_version() or "restore the file, or train the run again",
        )


def load_tensors(data: bytes, where: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file's tensors.

    Raises:
        DamagedError: the file is truncated, altered or no safetensors file. A file of an older version has no
            checksum, which would tell that it was altered.
    """
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(error, where) from error
    n_header = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + n_header]).get("__metadata__") or {}
    if metadata.get(_CHECKSUM, checksum := _checksum(tensors)) != checksum:
        raise _damaged("its checksum is another", where)
    return tensors


def _checksum(tensors: dict[str, torch.Tensor]) -> str:
    """Hash names, types, shapes and contents."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy(force=True).data)
    return digest.hexdigest()


def tensors_as_bytes(tensors: dict[str, torch.Tensor]) -> bytes:
    """Give the safetensors file of tensors, which carries their checksum."""
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return save(tensors, {_CHECKSUM: _checksum(tensors)})
