"""A run's weights: from its files into a Transformer and back. What needs no torch of a run is in `run`."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from mtattn.config import Config
from mtattn.errors import RunError
from mtattn.files import write_whole
from mtattn.run import CONFIG, MODEL, RunFolder
from mtattn.transformer import Transformer

Shapes = dict[str, tuple[int, ...]]


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
    path = run.path / MODEL
    tensors = load_tensors(run.read(MODEL), path)
    config = run.config()
    sizes = config.model
    given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    # What decides the size comes first, so that none is built that is larger than its weights. Not on the
    # device "meta", which allocates nothing but imports the whole of torch's compiler.
    claimed: Shapes = {"embedding.weight": (vocab_size, sizes.d_model)}
    for side, n_layers in (("encoder", sizes.n_encoder_layers), ("decoder", sizes.n_decoder_layers)):
        claimed[f"{side}.{n_layers - 1}.feed_forward.w_1.weight"] = (sizes.d_ff, sizes.d_model)
    _refuse_others(claimed, {name: shape for name, shape in given.items() if name in claimed}, path)
    model = new_model(config, vocab_size)
    _refuse_others({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}, given, path)
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise RunError("a weight is not a finite number", where=path, fix="train the run again")
    model.load_state_dict(tensors, assign=True)
    return model.eval()


def _refuse_others(expected: Shapes, given: Shapes, where: Path) -> None:
    wrong = sorted(name for name in expected | given if expected.get(name) != given.get(name))
    if wrong:
        raise RunError(
            f"these are not the weights of the model in {CONFIG}: {wrong[0]} is "
            f"{given.get(wrong[0], 'missing')}, not {expected.get(wrong[0], 'part of it')}",
            where=where,
        )


def load_tensors(data: bytes, where: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file's tensors.

    Raises:
        RunError: the file is truncated or no safetensors file.
    """
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise RunError(f"the file is damaged ({error})", where=where) from error


def save_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write tensors to a safetensors file, whole or not at all."""
    write_whole(path, save({name: tensor.contiguous() for name, tensor in tensors.items()}))
