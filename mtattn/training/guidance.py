"""Guided alignment: heads of the cross-attention are taught which words translate each other (Garg et al. 2019).

One head learns it at the step that emits a word, as the maps show it; another at the step after, which has read
the word (Chen et al. 2020): that one knows what it looks for.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import tee
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtattn.alignment.aligner import WordAligner
from mtattn.alignment.links import Links
from mtattn.config import ModelConfig
from mtattn.corpus.batches import EncodedPairs
from mtattn.heads.record import HeadName, Reading
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
        (n, 2): target piece and source piece.
    """
    linked = np.zeros((len(tgt.words), len(src.words)), dtype=bool)
    for src_word, tgt_word in links:
        linked[tgt_word, src_word] = True
    linked = linked[np.ix_(tgt.word_of_piece, src.word_of_piece)]  # (target pieces, source pieces)
    return np.argwhere(linked).astype(np.uint16)


def write_links(links: Iterable[PieceLinks], file: BinaryIO) -> None:
    """Write the links of pairs as `Guidance` reads them: all links, and behind them how many each pair has."""
    counts = array("I")
    for of_pair in links:
        file.write(of_pair.tobytes())
        counts.append(len(of_pair))
    file.write(counts)


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
        links: those of each training pair, from `piece_links`, in the order of the pairs; kept in memory.
    """

    def __init__(self, lessons: Sequence[Lesson], weight: float, links: Iterable[PieceLinks]) -> None:
        file = BytesIO()
        kept = list(links)
        write_links(kept, file)
        self.lessons, self.weight = lessons, weight
        self._lay_out(np.frombuffer(file.getbuffer(), np.uint8), len(kept))

    @classmethod
    def on_disk(cls, lessons: Sequence[Lesson], weight: float, path: Path, n_pairs: int) -> "Guidance":
        """Leave the links of so many pairs in the file to which `write_links` wrote them."""
        guidance = cls(lessons, weight, ())
        guidance._lay_out(np.memmap(path, np.uint8, "r").view(np.ndarray), n_pairs)
        return guidance

    def _lay_out(self, flat: NDArray[np.uint8], n_pairs: int) -> None:
        border = len(flat) - 4 * n_pairs
        self._links = flat[:border].view(np.uint16).reshape(-1, 2)
        self._starts = np.zeros(n_pairs + 1, dtype=np.int64)
        np.cumsum(flat[border:].view(np.uint32), out=self._starts[1:])

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


def lessons_for(model: ModelConfig) -> list[Lesson]:
    """Name the heads that are taught: the last layer's first by words emitted, the first layer's last by words read."""
    lessons = [
        Lesson(HeadName("cross", model.n_decoder_layers, 1), "emitted"),
        Lesson(HeadName("cross", 1, model.n_heads), "read"),
    ]
    return lessons[:1] if lessons[0].head == lessons[1].head else lessons
