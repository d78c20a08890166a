"""Guided alignment: heads of the cross-attention are taught which words translate each other (Garg et al. 2019).

One head learns it at the step that emits a word, as the maps show it; another at the step after, which has read
the word (Chen et al. 2020): that one knows what it looks for.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product, tee
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtattn.alignment.aligner import WordAligner
from mtattn.alignment.links import Links
from mtattn.config import ModelConfig
from mtattn.corpus.batches import EncodedPairs
from mtattn.corpus.pairs import Pair
from mtattn.corpus.spool import SpooledPairs
from mtattn.heads.record import HeadName, Reading
from mtattn.tokenizer import Spelling, Tokenizer, split_words
from mtattn.transformer import AttentionWeights

PieceLinks = NDArray[np.uint16]

_LEAST = 1e-9  # a weight that a softmax rounded to 0 has no logarithm


def piece_links(links: Links, src: Spelling, tgt: Spelling) -> PieceLinks:
    """Spread links between words over the pieces that spell them: each piece of one word with each of the other.

    Args:
        links: between the words.
        src: which words the source's pieces spell.
        tgt: which words the target's pieces spell.

    Returns:
        (n, 2): target piece and source piece.
    """
    src_pieces, tgt_pieces = _pieces_of_words(src), _pieces_of_words(tgt)
    between = [pair for s, t in links for pair in product(tgt_pieces[t], src_pieces[s])]
    return np.array(sorted(between), dtype=np.uint16).reshape(-1, 2)


def _pieces_of_words(spelling: Spelling) -> list[list[int]]:
    pieces: list[list[int]] = [[] for _ in spelling.words]
    for piece, word in enumerate(spelling.word_of_piece):
        pieces[word].append(piece)
    return pieces


def write_links(links: Iterable[PieceLinks], indices: Sequence[int], n_pairs: int, file: BinaryIO) -> None:
    """Write the links of the pairs of these indices as `Guidance` reads them: all links, behind them how many each has.

    Args:
        links: those of each of these pairs.
        indices: rising; the other pairs have no links.
        n_pairs: all pairs.
        file: is written to.
    """
    counts = np.zeros(n_pairs, dtype=np.uint32)
    for i, of_pair in zip(indices, links, strict=True):
        file.write(of_pair.tobytes())
        counts[i] = len(of_pair)
    file.write(counts.tobytes())


class Lesson(NamedTuple):
    """A head and the row in which it is to look at what a target piece is linked to.

    Attributes:
        head: of the cross-attention.
        reading: the row belongs to the piece that its step emits, or to the one that it reads.
    """

    head: HeadName
    reading: Reading


class Target(NamedTuple):
    """Where a head should look in a batch of n links.

    Attributes:
        row: int64 (n,), the pair.
        tgt: int64 (n,), the linked target piece, and the step that emits it; the step after reads it.
        src: int64 (n,), the source piece.
        share: float32 (n,), of that step's weight; the shares of a step sum to 1.
    """

    row: Tensor
    tgt: Tensor
    src: Tensor
    share: Tensor


class Guidance:
    """What heads are taught, and how strongly.

    Args:
        lessons: the heads.
        weight: of their loss beside the one of the emitted tokens.
        links: uint8, what `write_links` wrote of the training pairs; may lie on disk.
        n_pairs: how many these are.
    """

    def __init__(self, lessons: Sequence[Lesson], weight: float, links: NDArray[np.uint8], n_pairs: int) -> None:
        self.lessons, self.weight = lessons, weight
        border = len(links) - 4 * n_pairs
        self._links = links[:border].view(np.uint16).reshape(-1, 2)
        self._starts = np.zeros(n_pairs + 1, dtype=np.int64)
        np.cumsum(links[border:].view(np.uint32), out=self._starts[1:])

    def target(self, indices: Sequence[int] | NDArray[np.integer]) -> Target:
        """Collect the links of the pairs of these indices, as `EncodedPairs.batch` puts them into a batch."""
        of_pair = [self._links[self._starts[i] : self._starts[i + 1]] for i in indices]
        tgt, src = np.concatenate(of_pair).astype(np.int64).T
        row = np.repeat(np.arange(len(of_pair)), [len(links) for links in of_pair])
        step = row * (tgt.max(initial=0) + 1) + tgt  # a number for each target piece of the batch
        share = 1 / np.bincount(step)[step]
        return Target(*map(torch.from_numpy, (row, tgt, src, share.astype(np.float32))))

    def loss(self, weights: AttentionWeights, indices: Sequence[int] | NDArray[np.integer]) -> Tensor:
        """Say how far the heads' rows are from the links, in nats: Σ_t Σ_s G_ts log(G_ts / A_ts).

        A_t is the row of the step that emits target piece t, or reads it; G_t gives each source piece that t is linked
        to an equal share. Rows without a link are left out. It has the gradient of Garg et al. 2019 and is 0 where
        they are as near to it as can be: at A = G.

        Args:
            weights: of a pass over the batch.
            indices: the pairs of the batch.

        Returns:
            A scalar, the sum over all rows of all heads, >= 0.
        """
        target = Target(*(tensor.to(weights.cross[0].device) for tensor in self.target(indices)))
        losses = []
        for head, reading in self.lessons:
            rows = weights.cross[head.layer - 1][:, head.head - 1]  # (B, T_tgt, T_src)
            step = target.tgt if reading == "emitted" else target.tgt + 1
            given = rows[target.row, step, target.src].clamp_min(_LEAST)  # (n,)
            losses.append((target.share * (target.share / given).log()).sum())
        return torch.stack(losses).sum()


def fit_aligner(pairs: SpooledPairs | Sequence[Pair], n_pairs: int) -> WordAligner:
    """Fit an aligner on so many of the pairs at most, evenly spread."""
    n_all = len(pairs)
    n = min(n_pairs, n_all)
    chosen = (pair for i, pair in enumerate(pairs) if (i + 1) * n // n_all > i * n // n_all)
    return WordAligner.fit((split_words(pair.src), split_words(pair.tgt)) for pair in chosen)


def silver_links(
    pairs: EncodedPairs, tokenizer: Tokenizer, aligner: WordAligner, indices: Iterable[int]
) -> Iterator[PieceLinks]:
    """Align the pairs of these indices, one after the other."""
    spelled = ((tokenizer.spell(src), tokenizer.spell(tgt)) for src, tgt in map(pairs.ids, indices))
    kept, aligned = tee(spelled)
    links = aligner.align((src.words, tgt.words) for src, tgt in aligned)
    for (src, tgt), of_pair in zip(kept, links, strict=True):
        yield piece_links(of_pair, src, tgt)


def lessons_for(model: ModelConfig) -> list[Lesson]:
    """Name the heads that are taught: the last layer's first by words emitted, the first layer's last by words read."""
    lessons = [
        Lesson(HeadName("cross", model.n_decoder_layers, 1), "emitted"),
        Lesson(HeadName("cross", 1, model.n_heads), "read"),
    ]
    return lessons[:1] if lessons[0].head == lessons[1].head else lessons
