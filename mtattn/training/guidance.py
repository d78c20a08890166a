"""Guided alignment: one cross-attention head is taught which words translate each other (Garg et al. 2019)."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import tee
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtattn.alignment.aligner import WordAligner
from mtattn.alignment.links import Links
from mtattn.corpus.batches import EncodedPairs
from mtattn.heads.record import HeadName
from mtattn.tokenizer import PAD, Spelling, Tokenizer
from mtattn.transformer import AttentionWeights

PieceLinks = NDArray[np.uint16]

_PAIRS_AT_ONCE = 1_000
_LEAST = 1e-9  # a weight that a softmax rounded to 0 has no logarithm


def piece_links(links: Links, src: Spelling, tgt: Spelling) -> PieceLinks:
    """Spread links between words over the pieces that spell them: each piece of one word with each of the other.

    Args:
        links: between the words.
        src: which words the source's pieces spell.
        tgt: which words the target's pieces spell.

    Returns:
        (n, 3): target piece, source piece, and how many links that target piece has.
    """
    linked = np.zeros((len(tgt.words), len(src.words)), dtype=bool)
    for src_word, tgt_word in links:
        linked[tgt_word, src_word] = True
    linked = linked[np.ix_(tgt.word_of_piece, src.word_of_piece)]  # (target pieces, source pieces)
    row, column = np.nonzero(linked)
    return np.stack([row, column, linked.sum(axis=1)[row]], axis=1).astype(np.uint16)


class Target(NamedTuple):
    """Where the head should look in a batch of n links.

    Attributes:
        row: int64 (n,), the pair.
        tgt: int64 (n,), the step that emits the linked target piece.
        src: int64 (n,), the source piece.
        share: float32 (n,), of that step's weight; the shares of a step sum to 1.
    """

    row: Tensor
    tgt: Tensor
    src: Tensor
    share: Tensor


class Guidance:
    """What one head is taught, and how strongly.

    Args:
        head: the head of the cross-attention.
        weight: of its loss beside the one of the emitted tokens.
        links: those of each training pair, from `piece_links`, in the order of the pairs.
    """

    def __init__(self, head: HeadName, weight: float, links: Iterable[PieceLinks]) -> None:
        self.head, self.weight = head, weight
        kept = list(links)
        self._offsets = np.cumsum([0, *map(len, kept)])
        self._links = np.concatenate([np.zeros((0, 3), dtype=np.uint16), *kept])

    def target(self, indices: Sequence[int] | NDArray[np.integer]) -> Target:
        """Collect the links of the pairs of these indices, as `EncodedPairs.batch` puts them into a batch."""
        of_pair = [self._links[self._offsets[i] : self._offsets[i + 1]] for i in indices]
        links = torch.from_numpy(np.concatenate(of_pair).astype(np.int64))
        row = torch.repeat_interleave(torch.tensor([len(links) for links in of_pair]))
        return Target(row, links[:, 0], links[:, 1], 1 / links[:, 2].float())

    def loss(self, weights: AttentionWeights, indices: Sequence[int] | NDArray[np.integer]) -> Tensor:
        """Say how far the head's rows are from the links, in nats: Σ_t Σ_s G_ts log(G_ts / A_ts).

        A_t is the row of the step that emits target piece t; G_t gives each source piece that t is linked to an equal
        share. Rows without a link are left out. It has the gradient of Garg et al. 2019 and is 0 where they are
        as near to it as can be: at A = G.

        Args:
            weights: of a pass over the batch.
            indices: the pairs of the batch.

        Returns:
            A scalar, the sum over all rows, >= 0.
        """
        target = self.target(indices)
        rows = weights.cross[self.head.layer - 1][:, self.head.head - 1]  # (B, T_tgt, T_src)
        given = rows[target.row, target.tgt, target.src].clamp_min(_LEAST)  # (n,)
        return (target.share * (target.share / given).log()).sum()


def spelled(pairs: EncodedPairs, tokenizer: Tokenizer, indices: Sequence[int]) -> Iterator[tuple[Spelling, Spelling]]:
    """Turn pairs of these indices back into words."""
    for start in range(0, len(indices), _PAIRS_AT_ONCE):
        batch = pairs.batch(indices[start : start + _PAIRS_AT_ONCE])
        n_tgt = (batch.tgt_emit != PAD).sum(dim=1)
        sides = ((batch.src, batch.src_lengths), (batch.tgt_emit, n_tgt))
        rows = [
            [ids[: n - 1] for ids, n in zip(side.tolist(), lengths.tolist(), strict=True)] for side, lengths in sides
        ]
        for src, tgt in zip(*rows, strict=True):
            yield tokenizer.spell(src), tokenizer.spell(tgt)


def fit_aligner(pairs: EncodedPairs, tokenizer: Tokenizer, n_pairs: int) -> WordAligner:
    """Fit an aligner on so many of the pairs at most, evenly spread."""
    n = min(n_pairs, len(pairs))
    indices = [i * len(pairs) // n for i in range(n)]
    return WordAligner.fit((src.words, tgt.words) for src, tgt in spelled(pairs, tokenizer, indices))


def silver_links(pairs: EncodedPairs, tokenizer: Tokenizer, aligner: WordAligner) -> Iterator[PieceLinks]:
    """Align all pairs, in their order."""
    kept, aligned = tee(spelled(pairs, tokenizer, range(len(pairs))))
    links = aligner.align((src.words, tgt.words) for src, tgt in aligned)
    for (src, tgt), of_pair in zip(kept, links, strict=True):
        yield piece_links(of_pair, src, tgt)
