"""Trained models in the formats of other engines."""

import json
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import nn

import mtattn
from mtattn.decoding.ctranslate2 import RECORD, export_record, import_ctranslate2
from mtattn.errors import OutputError
from mtattn.files import whole_folder
from mtattn.run import RunFolder
from mtattn.transformer import DecoderLayer, EncoderLayer, Transformer
from mtattn.weights import load_model

Quantization = Literal["float32", "int8"]


def to_ctranslate2(run: RunFolder, folder: Path, quantization: Quantization = "float32") -> None:
    """Write a run's model for CTranslate2, with a record of the weights that it is made of and of its own bytes.

    Args:
        run: a run with weights.
        folder: where; written whole or not at all. An export that stands there is replaced.
        quantization: float32, or int8 for the matrices, which is smaller and less exact.

    Raises:
        EngineError: CTranslate2 is not installed.
        OutputError: something that is no export stands there, or the folder cannot be written.
        RunError: a file of the run is missing or damaged.
    """
    ctranslate2 = import_ctranslate2()
    if folder.exists() and not (folder / RECORD).is_file():
        raise OutputError("something that is no export stands here", where=folder, fix="name another with --output")
    tokenizer = run.tokenizer()
    spec = _spec(load_model(run, tokenizer.vocab_size), ctranslate2.specs)
    spec.register_source_vocabulary(list(tokenizer.pieces))
    spec.register_target_vocabulary(list(tokenizer.pieces))
    record = {
        "mtattn": mtattn.__version__,
        "ctranslate2": ctranslate2.__version__,
        "quantization": quantization,
    }
    spec.validate()
    spec.optimize(quantization=quantization)
    with whole_folder(folder) as aside:
        spec.save(str(aside))
        (aside / RECORD).write_text(json.dumps(record | export_record(run, aside), indent=2) + "\n")


def _spec(model: Transformer, specs: Any) -> Any:
    """Describe a Transformer as CTranslate2 does: pre-norm, ReLU, embeddings times √d_model, tied."""
    spec = specs.TransformerSpec.from_config(
        (len(model.encoder), len(model.decoder)),
        model.n_heads,
        pre_norm=True,
        activation=specs.Activation.RELU,
    )
    embedding = model.embedding.weight.numpy(force=True)
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = spec.decoder.projection.weight = embedding
    for side, layers, norm in (
        (spec.encoder, model.encoder, model.encoder_norm),
        (spec.decoder, model.decoder, model.decoder_norm),
    ):
        # Its own encodings have all sines before all cosines.
        side.position_encodings.encodings = model.positions.numpy(force=True)
        _set_norm(side.layer_norm, norm)
        for to, layer in zip(side.layer, cast("list[EncoderLayer | DecoderLayer]", layers), strict=True):
            _set_layer(to, layer)
    return spec


def _set_layer(to: Any, layer: EncoderLayer | DecoderLayer) -> None:
    own = layer.self_attention
    _set_norm(to.self_attention.layer_norm, layer.norm_self)
    _set_linear(to.self_attention.linear[0], own.w_q, own.w_k, own.w_v)
    _set_linear(to.self_attention.linear[1], own.w_o)
    if isinstance(layer, DecoderLayer):
        cross = layer.cross_attention
        _set_norm(to.attention.layer_norm, layer.norm_cross)
        _set_linear(to.attention.linear[0], cross.w_q)
        _set_linear(to.attention.linear[1], cross.w_k, cross.w_v)
        _set_linear(to.attention.linear[2], cross.w_o)
    _set_norm(to.ffn.layer_norm, layer.norm_ff)
    _set_linear(to.ffn.linear_0, layer.feed_forward.w_1)
    _set_linear(to.ffn.linear_1, layer.feed_forward.w_2)


def _set_norm(to: Any, norm: nn.LayerNorm) -> None:
    to.gamma, to.beta = norm.weight.numpy(force=True), norm.bias.numpy(force=True)


def _set_linear(to: Any, *linears: nn.Linear) -> None:
    """Set one linear map to several of the same input, one output behind the other."""
    to.weight = torch.cat([linear.weight for linear in linears]).numpy(force=True)
    if linears[0].bias is not None:
        to.bias = torch.cat([linear.bias for linear in linears]).numpy(force=True)
