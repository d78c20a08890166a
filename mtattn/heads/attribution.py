"""Which source words an output word is due to: attention weights, and three measures to hold them against."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtattn.corpus.batches import pad
from mtattn.decoding.search import forced_log_probs
from mtattn.heads.capture import Labels, capture
from mtattn.heads.projections import Array, Projections, forced_projections
from mtattn.heads.row import Attribution
from mtattn.tokenizer import BOS, EOS, Tokenizer
from mtattn.transformer import Transformer


def attribute(
    model: Transformer,
    tokenizer: Tokenizer,
    source: Sequence[int],
    target: Sequence[int],
    word: int,
    *,
    layer: int | None = None,
    head: int | None = None,
    forced: bool,
) -> Attribution:
    """Measure four ways how much each source word had to do with one word of an output.

    Args:
        model: trained.
        tokenizer: its own.
        source: token ids, without </s>.
        target: token ids as the model found them, or of a given text, without <s> and </s>.
        word: index of the output word; the last one is </s>.
        layer: whose attention, from 1; None = the mean over all.
        head: whose attention, from 1; None = the mean over all. Muted heads are left out of a mean.
        forced: the output was given.

    Raises:
        InputError: there is no such layer or head.
    """
    record = capture(model, tokenizer, source, target, forced=forced)
    columns, rows = Labels.until_eos(tokenizer, source), Labels.until_eos(tokenizer, target)
    steps = [t for t, member in enumerate(rows.words.members) if member == word]
    attention = record.words["cross"].select(layer, head).weights[word]  # (words,)
    pieces = record.pieces["cross"]
    to_words = np.eye(len(columns.words.labels))[list(columns.words.members)]  # (T_src, words)
    norms = weighted_norms(
        pieces.weights[:, :, steps], forced_projections(model, source, target, "cross"), to_words, layer, head
    )
    of_source = log_prob_of(model, source, target, steps)
    n_words = len(columns.words.labels) - 1
    lost = [of_source - log_prob_of(model, rest, target, steps) for rest in left_out(source, columns, n_words)]
    return Attribution(
        source=record.source,
        target=record.target,
        forced=forced,
        word=rows.words.labels[word],
        position=word + 1,
        pieces=tuple(rows.pieces[t] for t in steps),
        log_prob=of_source,
        layer=layer,
        head=head,
        n_layers=pieces.n_layers,
        n_heads=pieces.n_heads,
        n_muted=sum(name in pieces.muted for name in pieces.named(layer, head)),
        columns=columns.words.labels,
        attention=attention,
        norm=norms,
        gradient=np.abs(to_words.T @ gradient_times_input(model, source, target, steps)).sum(axis=-1),
        leave_one_out=np.array(lost),
    )


def weighted_norms(
    weights: NDArray[np.floating],
    blocks: Sequence[Projections],
    to_words: Array,
    layer: int | None,
    head: int | None,
) -> Array:
    """Measure the vector that the attention adds of each word, not its weight alone.

    ‖Σ α f(x)‖ with f(x) = x W^V W^O, Kobayashi et al. 2020, §2.2: a large weight on a short value adds little.
    Inside the norm the sum goes over the word's pieces and, where no head is named, over the heads,
    whose vectors the layer adds. Outside, the mean is taken over the steps and, where none is named, the layers.

    Args:
        weights: α, (L, H, steps, T_src), the steps that write the output word.
        blocks: the cross-attention, a block for each layer.
        to_words: (T_src, words), 1 where a piece belongs to a word, else 0.
        layer: from 1; None = the mean over all.
        head: from 1; None = all heads together.

    Returns:
        (words,), each >= 0.
    """
    heads = slice(None) if head is None else slice(head - 1, head)
    layers = range(len(blocks)) if layer is None else [layer - 1]
    norms = []
    for n in layers:
        transformed = blocks[n].value[heads] @ blocks[n].w_o[heads]  # f(x), (H, T_src, d_model)
        by_piece = np.einsum("hts,hsm->tsm", weights[n, heads], transformed)
        by_word = np.einsum("tsm,sw->twm", by_piece, to_words)
        norms.append(np.linalg.norm(by_word, axis=-1).mean(axis=0))  # (words,)
    return np.asarray(np.mean(norms, axis=0))


def gradient_times_input(model: Transformer, source: Sequence[int], target: Sequence[int], steps: list[int]) -> Array:
    """Multiply each source embedding with the slope of the steps' log-probability at it.

    e_s ⊙ ∂ log p / ∂e_s (Shrikumar et al. 2017, §3.1), e_s the token embedding of source token s as the encoder
    reads it, without the position that is added to it. The model is almost blind to the length of e_s, since
    layer normalisations follow: the sum over the components is near 0 whatever the token, so that it is their
    absolute values that tell.

    Args:
        model: put into eval mode.
        source: token ids, without </s>.
        target: token ids, without <s> and </s>.
        steps: the steps whose log-probabilities are summed.

    Returns:
        (T_src, d_model), </s> last, with their signs.
    """
    embedded: list[Tensor] = []  # of the source, then of the target

    def keep(module: nn.Module, args: tuple[Tensor], output: Tensor) -> Tensor:
        embedded.append(output.detach().requires_grad_())
        return embedded[-1]

    emitted = [*target, EOS]
    with torch.enable_grad(), model.eval().embedding.register_forward_hook(keep):
        hidden = model(pad([source], last=EOS), torch.tensor([len(source) + 1]), pad([target], first=BOS))
        log_probs = model.logits(hidden)[0].log_softmax(dim=-1)  # (T_tgt, V)
        log_prob = log_probs[steps, [emitted[t] for t in steps]].sum()
        (gradient,) = torch.autograd.grad(log_prob, embedded[0])  # (1, T_src, d_model)
    products = gradient[0] * embedded[0][0].detach()  # the factor √d_model of `embed` is in both and cancels
    return products.double().numpy()


def left_out(source: Sequence[int], columns: Labels, n_words: int) -> list[list[int]]:
    """Take one word's pieces out of a source, for each of its words; all other pieces stay as they were."""
    of_piece = columns.words.members[: len(source)]
    return [[i for i, member in zip(source, of_piece, strict=True) if member != word] for word in range(n_words)]


def log_prob_of(model: Transformer, source: Sequence[int], target: Sequence[int], steps: list[int]) -> float:
    """Sum the log-probabilities that some steps of a given output have, in nats."""
    (log_probs,) = forced_log_probs(model.eval(), [source], [target])
    return sum(log_probs[t] for t in steps)
