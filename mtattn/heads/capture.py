"""Takes the attention weights of a pass through the model: eval mode, float32, before dropout."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtattn.corpus.batches import pad
from mtattn.heads.record import AttentionMap, Groups, HeadRecord
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
        The weights of the padded batch, each kind a list over layers.
    """
    model.eval()
    weights = AttentionWeights()
    src_lengths = torch.tensor([len(source) + 1 for source in sources])
    model(pad(sources, last=EOS), src_lengths, pad(targets, first=BOS), weights)
    return weights


def sentence_weights(layers: list[Tensor], i: int, n_rows: int, n_columns: int) -> NDArray[np.float32]:
    """Cut sentence i out of a batch's weights: float32 (L, H, n_rows, n_columns)."""
    return torch.stack([layer[i, :, :n_rows, :n_columns] for layer in layers]).numpy()


def capture(
    model: Transformer, tokenizer: Tokenizer, source: Sequence[int], target: Sequence[int], *, forced: bool
) -> HeadRecord:
    """Record what the heads attend to while the model writes an output.

    Row t of the cross- and decoder attention is the step that emits output token t, the last one </s>;
    that step reads token t - 1, so the decoder's columns begin with <s>.

    Args:
        model: trained.
        tokenizer: its own.
        source: token ids, without </s>.
        target: token ids as the model found them, or of a given text, without <s> and </s>.
        forced: the output was given.

    Returns:
        The record, between pieces and between words.
    """
    weights = forced_weights(model, [source], [target])
    n_src, n_tgt = len(source) + 1, len(target) + 1
    src, tgt = tokenizer.spell(source), tokenizer.spell(target)
    src_labels = (*tokenizer.labels(source), EOS_LABEL)
    emitted_labels = (*tokenizer.labels(target), EOS_LABEL)
    read_labels = (BOS_LABEL, *tokenizer.labels(target))
    src_words = Groups.of(src.words, src.word_of_piece, last=EOS_LABEL)
    emitted_words = Groups.of(tgt.words, tgt.word_of_piece, last=EOS_LABEL)
    read_words = Groups.of(tgt.words, tgt.word_of_piece, first=BOS_LABEL)
    cross = AttentionMap("cross", emitted_labels, src_labels, sentence_weights(weights.cross, 0, n_tgt, n_src))
    encoder = AttentionMap("encoder", src_labels, src_labels, sentence_weights(weights.encoder, 0, n_src, n_src))
    decoder = AttentionMap("decoder", emitted_labels, read_labels, sentence_weights(weights.decoder, 0, n_tgt, n_tgt))
    return HeadRecord(
        source=src.text,
        target=tgt.text,
        forced=forced,
        pieces={"cross": cross, "encoder": encoder, "decoder": decoder},
        words={
            "cross": cross.merged(emitted_words, src_words),
            "encoder": encoder.merged(src_words, src_words),
            "decoder": decoder.merged(emitted_words, read_words),
        },
    )
