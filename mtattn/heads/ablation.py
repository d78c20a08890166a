"""How much a model needs each head: by the gradient of a gate on it, and by muting it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mtattn.corpus.batches import pad
from mtattn.corpus.pairs import Pair
from mtattn.decoding.search import TorchSearch
from mtattn.decoding.translator import Translator
from mtattn.evaluation import BleuLost, Bootstrap
from mtattn.heads.record import HeadName, Kind
from mtattn.heads.samples import Encoded, encoded_batches
from mtattn.heads.switches import Switches, attentions, head_names, switched
from mtattn.tokenizer import BOS, EOS, PAD, Tokenizer
from mtattn.transformer import Transformer

OnProgress = Callable[[int], None]


def token_losses(model: Transformer, pairs: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each token of given outputs, </s> included, in nats.

    Args:
        model: in eval mode.
        pairs: B sources and outputs.

    Returns:
        float (B, T_tgt), 0 at padding, and the tokens of each output, int (B,).
    """
    sources, targets = [src for src, _ in pairs], [tgt for _, tgt in pairs]
    src_lengths = torch.tensor([len(source) + 1 for source in sources])
    hidden = model(pad(sources, last=EOS), src_lengths, pad(targets, first=BOS))  # (B, T_tgt, d_model)
    emitted = pad(targets, last=EOS)
    logits = model.logits(hidden).flatten(0, 1)  # (B · T_tgt, V)
    losses = functional.cross_entropy(logits, emitted.flatten(), ignore_index=PAD, reduction="none")
    return losses.view_as(emitted), torch.tensor([len(target) + 1 for target in targets])


@torch.inference_mode()
def mean_loss(model: Transformer, pairs: Sequence[Encoded]) -> float:
    """Mean cross-entropy of the tokens of given outputs, in nats a token."""
    total = n_tokens = 0.0
    for batch in encoded_batches(pairs):
        losses, lengths = token_losses(model, [pairs[i] for i in batch])
        total, n_tokens = total + losses.sum().item(), n_tokens + lengths.sum().item()
    return total / n_tokens


def gradient_importance(
    model: Transformer, pairs: Sequence[Encoded], on_progress: OnProgress
) -> dict[Kind, NDArray[np.float64]]:
    """Say how much the loss would change if a head's answers were a little weaker.

    I_h = E_x |∂L(x) / ∂ξ_h| for a gate ξ_h = 1 on the answers of head h (Michel et al. 2019, §4.1). L(x) is
    the mean cross-entropy of one sentence's tokens; a gate a sentence gives all sentences' gradients at once.

    Args:
        model: in eval mode.
        pairs: the sentences x.
        on_progress: called with the number of pairs done since the call before.

    Returns:
        For each kind of attention float (L, H), >= 0, in nats; not normalised.
    """
    layers = attentions(model)
    totals = {kind: np.zeros((len(of_kind), model.n_heads)) for kind, of_kind in layers.items()}
    try:
        for batch in encoded_batches(pairs):
            gates = []
            for of_kind in layers.values():
                for attention in of_kind:
                    attention.gate = torch.ones(len(batch), model.n_heads, requires_grad=True)  # (B, H)
                    gates.append(attention.gate)
            losses, lengths = token_losses(model, [pairs[i] for i in batch])
            gradients = iter(torch.autograd.grad((losses.sum(dim=1) / lengths).sum(), gates))
            for kind, of_kind in layers.items():
                for layer in range(len(of_kind)):
                    totals[kind][layer] += next(gradients).abs().sum(dim=0).numpy()
            on_progress(len(batch))
    finally:
        for of_kind in layers.values():
            for attention in of_kind:
                attention.gate = None
    return {kind: total / len(pairs) for kind, total in totals.items()}


def normalised_by_layer(importance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each layer's importances (L, H) by their Euclidean length, as Michel et al. 2019 do (§4.1)."""
    lengths: NDArray[np.float64] = np.linalg.norm(importance, axis=1, keepdims=True)
    return importance / np.where(lengths > 0, lengths, 1)


@dataclass(frozen=True)
class Ablation:
    """What a model loses without one head.

    Attributes:
        head: which.
        loss: by how much the loss rises, in nats a token.
        bleu: by how much BLEU falls; None where nothing was translated.
    """

    head: HeadName
    loss: float
    bleu: BleuLost | None


@dataclass(frozen=True)
class Baseline:
    """A model with all its heads: its loss in nats a token, and its BLEU where something was translated."""

    loss: float
    bleu: float | None


def ablate(
    model: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[Encoded],
    translated: Sequence[Pair],
    on_progress: OnProgress,
) -> tuple[Baseline, list[Ablation]]:
    """Mute each head of a model by itself.

    Args:
        model: in eval mode.
        tokenizer: its own.
        pairs: whose loss is measured.
        translated: pairs whose sources are translated greedily, for BLEU; may be none.
        on_progress: called with the number of heads done since the call before.

    Returns:
        The model with all heads, and what it loses without each.
    """
    translator = Translator(TorchSearch(model), tokenizer)
    sources = [pair.src for pair in translated]

    def translations() -> list[str]:
        return [one.translations[0].text for one in translator.translate(sources, beam=1)]

    loss = mean_loss(model, pairs)
    bootstrap = Bootstrap(translations(), [pair.tgt for pair in translated]) if translated else None
    ablations = []
    for name in head_names(model):
        with switched(model, Switches(mute=(name,))):
            bleu = bootstrap.lost(translations()) if bootstrap else None
            ablations.append(Ablation(name, mean_loss(model, pairs) - loss, bleu))
        on_progress(1)
    return Baseline(loss, bootstrap.bleu if bootstrap else None), ablations
