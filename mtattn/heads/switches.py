"""Switches heads of a model off or makes them attend evenly, so that one sees what they are for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch

from mtattn.attention import MultiHeadAttention
from mtattn.decoding.hypothesis import DEFAULT_LENGTH_PENALTY, Hypothesis
from mtattn.decoding.search import TorchSearch
from mtattn.errors import InputError
from mtattn.heads.record import HeadName, Kind
from mtattn.transformer import DecoderLayer, EncoderLayer, Transformer


def attentions(model: Transformer) -> dict[Kind, list[MultiHeadAttention]]:
    """Give a model's attentions, each kind a list over layers."""
    encoder, decoder = cast("list[EncoderLayer]", model.encoder), cast("list[DecoderLayer]", model.decoder)
    return {
        "cross": [layer.cross_attention for layer in decoder],
        "encoder": [layer.self_attention for layer in encoder],
        "decoder": [layer.self_attention for layer in decoder],
    }


def head_names(model: Transformer) -> list[HeadName]:
    """Name all heads of a model, kind by kind and layer by layer."""
    return [
        HeadName(kind, layer, head)
        for kind, layers in attentions(model).items()
        for layer in range(1, len(layers) + 1)
        for head in range(1, model.n_heads + 1)
    ]


def muted_heads(model: Transformer) -> frozenset[HeadName]:
    """Name the heads of a model that are muted now."""
    return frozenset(
        name
        for name in head_names(model)
        if (gate := attentions(model)[name.kind][name.layer - 1].gate) is not None
        and not gate[..., name.head - 1].any()
    )


@dataclass(frozen=True)
class Switches:
    """What is changed in which heads.

    Attributes:
        mute: these give no answer, as if their columns of W^O were 0.
        only: of the kinds of attention that are named here, all other heads are muted; none = no head is.
        uniform: these attend evenly to all keys that they may see.

    Raises:
        InputError: a head is to be muted and kept.
    """

    mute: tuple[HeadName, ...] = ()
    only: tuple[HeadName, ...] = ()
    uniform: tuple[HeadName, ...] = ()

    def __post_init__(self) -> None:
        for name in self.mute:
            if name in self.only:
                raise InputError("this head is to be muted and kept", where=str(name), fix="name it once")

    def named(self) -> dict[str, list[str]]:
        """Name the heads of each switch."""
        return {"mute": [*map(str, self.mute)], "only": [*map(str, self.only)], "uniform": [*map(str, self.uniform)]}

    def check(self, model: Transformer) -> None:
        """Refuse heads that a model does not have.

        Raises:
            InputError: it has no such head; the message tells which there are.
        """
        for name in self.mute + self.only + self.uniform:
            n_layers = len(attentions(model)[name.kind])
            if name.layer > n_layers or name.head > model.n_heads:
                last = HeadName(name.kind, n_layers, model.n_heads)
                raise InputError(
                    "the model has no such head",
                    where=str(name),
                    fix=f"name one of {name.kind}.1.1 to {last}: layers 1 to {n_layers}, heads 1 to {model.n_heads}",
                )

    def muted(self, model: Transformer) -> list[HeadName]:
        """Name the heads of a model that are muted, those that `only` leaves out among them."""
        kinds = {name.kind for name in self.only}
        return [
            name for name in head_names(model) if name in self.mute or (name.kind in kinds and name not in self.only)
        ]


@contextmanager
def switched(model: Transformer, switches: Switches) -> Iterator[None]:
    """Change a model's heads for a while; its weights stay as they are.

    Args:
        model: translates and attends otherwise until the context is left.
        switches: what is changed, besides what a context around this one has changed already.

    Raises:
        InputError: the model has no such head.
    """
    switches.check(model)
    layers = attentions(model)
    before = [(attention, attention.gate, attention.uniform) for of_kind in layers.values() for attention in of_kind]
    try:
        for attention, gate, uniform in before:  # copies: the context around this one gets its own back
            attention.gate = None if gate is None else gate.clone()
            attention.uniform = None if uniform is None else uniform.clone()
        for name in switches.muted(model):
            attention = layers[name.kind][name.layer - 1]
            if attention.gate is None:
                attention.gate = torch.ones(model.n_heads, device=model.device)
            attention.gate[..., name.head - 1] = 0
        for name in switches.uniform:
            attention = layers[name.kind][name.layer - 1]
            if attention.uniform is None:
                attention.uniform = torch.zeros(model.n_heads, dtype=torch.bool, device=model.device)
            attention.uniform[name.head - 1] = True
        yield
    finally:
        for attention, gate, uniform in before:
            attention.gate, attention.uniform = gate, uniform


class SwitchedSearch(TorchSearch):
    """Searches as a model does whose heads are changed; in between the model is as it was.

    Args:
        model: a trained Transformer; put into eval mode.
        switches: what is changed while it searches.

    Raises:
        InputError: the model has no such head.
    """

    def __init__(self, model: Transformer, switches: Switches) -> None:
        super().__init__(model)
        switches.check(model)
        self.switches = switches

    def __call__(
        self, sources: Sequence[Sequence[int]], beam: int, alpha: float = DEFAULT_LENGTH_PENALTY
    ) -> list[list[Hypothesis]]:
        """Find each source's hypotheses, see `Search`."""
        with switched(self.model, self.switches):
            return super().__call__(sources, beam, alpha)
