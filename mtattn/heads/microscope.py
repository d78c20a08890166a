"""Follows one query through one head, with the numbers that the model computed."""

from collections.abc import Sequence

import numpy as np

from mtattn.attention import causal_mask
from mtattn.heads.capture import Labels, labels_of
from mtattn.heads.projections import forced_projections
from mtattn.heads.record import AttentionMap, HeadName
from mtattn.heads.row import RowInHead
from mtattn.tokenizer import BOS_LABEL, EOS_LABEL, Tokenizer
from mtattn.transformer import Transformer


def most_sure(attention: AttentionMap, row: int, heads: Sequence[HeadName]) -> HeadName:
    """Choose the head that gives most of a row's weight to one token.

    <s> and </s> do not count, on which heads rest that have nothing to ask, except where the row sees
    nothing else.

    Args:
        attention: between pieces.
        row: which query.
        heads: at least one; the first of equals is taken.
    """
    weights = attention.weights[:, :, row]  # (L, H, T_k)
    real = weights[..., [label not in (BOS_LABEL, EOS_LABEL) for label in attention.columns]]
    best = (real if real.any() else weights).max(axis=-1)  # (L, H)
    return max(heads, key=lambda name: float(best[name.layer - 1, name.head - 1]))


def look(
    model: Transformer,
    tokenizer: Tokenizer,
    source: Sequence[int],
    target: Sequence[int],
    head: HeadName,
    row: int,
    *,
    n_considered: int,
    forced: bool,
) -> RowInHead:
    """Take the numbers of one row of one head.

    Args:
        model: trained.
        tokenizer: its own.
        source: token ids, without </s>.
        target: token ids as the model found them, or of a given text, without <s> and </s>.
        head: which head; the model has it.
        row: index of the query's piece.
        n_considered: the heads that it was chosen from.
        forced: the output was given.

    Returns:
        The row, between pieces; its weights are those of the head's map.
    """
    rows, columns = labels_of(tokenizer, source, target)[head.kind]
    block = forced_projections(model, source, target, head.kind)[head.layer - 1]
    member, i = rows.words.members[row], head.head - 1
    pieces_of_word = [t for t, other in enumerate(rows.words.members) if other == member]
    n_columns = len(columns.pieces)
    # One sentence has no padding to mask; the decoder must not see what it has yet to write.
    may_attend = causal_mask(n_columns)[0, 0, row].numpy() if head.kind == "decoder" else np.ones(n_columns, dtype=bool)
    return RowInHead(
        source=tokenizer.decode(source),
        target=tokenizer.decode(target),
        forced=forced,
        head=head,
        n_considered=n_considered,
        row=rows.pieces[row],
        word=rows.words.labels[member],
        word_pieces=tuple(rows.pieces[t] for t in pieces_of_word),
        nth_piece=pieces_of_word.index(row) + 1,
        reads="" if head.kind == "encoder" else Labels.from_bos(tokenizer, target).pieces[row],
        columns=columns.pieces,
        column_words=tuple(columns.words.labels[word] for word in columns.words.members),
        column_members=columns.words.members,
        query=block.query[i, row],
        keys=block.key[i],
        values=block.value[i],
        may_attend=may_attend,
        outputs=np.einsum("hd,hdm->hm", block.answer[:, row], block.w_o),
    )
