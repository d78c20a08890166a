"""Takes the attention weights of a pass through the model: eval mode, float32, before dropout."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mtattn.corpus.batches import pad
from mtattn.heads.record import AttentionMap, Groups, HeadRecord, Kind
from mtattn.heads.switches import muted_heads
from mtattn.tokenizer import BOS, BOS_LABEL, EOS, EOS_LABEL, Tokenizer
from mtattn.transformer import AttentionWeights, Transformer


@torch.inference_mode()
def forced_weights(
    model: Transformer, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> AttentionWeights:
    """Have the model write given outputs, and keep what its heads attend to.

    Args:
        model: put into eval mode.
        sources: B sources' token ids, without </s>.
        targets: B outputs' token ids, without <s> and </s>.

    Returns:
        The weights of the padded batch, each kind a list over layers, where the model lies.
    """
    model.eval()
    weights, device = AttentionWeights(), model.device
    src_lengths = torch.tensor([len(source) + 1 for source in sources], device=device)
    model(pad(sources, last=EOS).to(device), src_lengths, pad(targets, first=BOS).to(device), weights)
    return weights


@dataclass(frozen=True)
class Labels:
    """The names of T positions: of each piece, and of the word that it belongs to."""

    pieces: tuple[str, ...]
    words: Groups

    @classmethod
    def until_eos(cls, tokenizer: Tokenizer, ids: Sequence[int]) -> "Labels":
        """Name a source's tokens, or those that an output's steps emit: the ids and </s>."""
        spelling = tokenizer.spell(ids)
        words = Groups.of(spelling.words, spelling.word_of_piece, last=EOS_LABEL)
        return cls((*tokenizer.labels(ids), EOS_LABEL), words)

    @classmethod
    def from_bos(cls, tokenizer: Tokenizer, ids: Sequence[int]) -> "Labels":
        """Name the tokens that an output's steps read: <s> and the ids."""
        spelling = tokenizer.spell(ids)
        words = Groups.of(spelling.words, spelling.word_of_piece, first=BOS_LABEL)
        return cls((BOS_LABEL, *tokenizer.labels(ids)), words)


def piece_map(kind: Kind, layers: list[Tensor], i: int, rows: Labels, columns: Labels) -> AttentionMap:
    """Cut sentence i out of a batch's weights and name its rows and columns.

    Args:
        kind: which attention.
        layers: L tensors (B, H, T_q, T_k), padded.
        i: which sentence of the batch.
        rows: its queries.
        columns: its keys.

    Returns:
        The map between pieces; `merged(rows.words, columns.words)` gives the one between words.
    """
    n_rows, n_columns = len(rows.pieces), len(columns.pieces)
    weights = torch.stack([layer[i, :, :n_rows, :n_columns] for layer in layers])  # (L, H, n_rows, n_columns)
    return AttentionMap(kind, rows.pieces, columns.pieces, weights.cpu().numpy())


def labels_of(tokenizer: Tokenizer, source: Sequence[int], target: Sequence[int]) -> dict[Kind, tuple[Labels, Labels]]:
    """Name the rows and columns of each kind of attention.

    Row t of the cross- and decoder attention is the step that emits output token t, the last one </s>;
    that step reads token t - 1, so the decoder's columns begin with <s>.
    """
    src, emitted = Labels.until_eos(tokenizer, source), Labels.until_eos(tokenizer, target)
    return {"cross": (emitted, src), "encoder": (src, src), "decoder": (emitted, Labels.from_bos(tokenizer, target))}


def capture(
    model: Transformer, tokenizer: Tokenizer, source: Sequence[int], target: Sequence[int], *, forced: bool
) -> HeadRecord:
    """Record what the heads attend to while the model writes an output.

    Args:
        model: trained.
        tokenizer: its own.
        source: token ids, without </s>.
        target: token ids as the model found them, or of a given text, without <s> and </s>.
        forced: the output was given.

    Returns:
        The record, between pieces and between words; see `labels_of` for its rows and columns. It knows which heads
        of the model are muted.
    """
    weights = forced_weights(model, [source], [target])
    labels, muted = labels_of(tokenizer, source, target), muted_heads(model)
    pieces = {
        kind: replace(
            piece_map(kind, getattr(weights, kind), 0, *labels[kind]),
            muted=frozenset(name for name in muted if name.kind == kind),
        )
        for kind in labels
    }
    words = {kind: pieces[kind].merged(rows.words, columns.words) for kind, (rows, columns) in labels.items()}
    return HeadRecord(tokenizer.decode(source), tokenizer.decode(target), forced, pieces, words)
