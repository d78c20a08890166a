"""The statistical word aligner: learns from sentence pairs, aligns any."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtattn.alignment.hmm import UNKNOWN, Cells, Counts, Direction, Floats, Ids
from mtattn.alignment.links import Links

WordPair = tuple[Sequence[str], Sequence[str]]
"""The words of a source sentence and of its translation."""

_N_DIAGONAL, _N_HMM = 3, 5  # rounds of expectation maximisation
_PAIRS_AT_ONCE = 20_000
_LEAST_BELIEF = 0.25  # 0.2 to 0.3 had the lowest error rate against alignments made by hand


class Block(NamedTuple):
    """All pairs of one shape.

    Attributes:
        members: (n,), which pairs they are.
        src: (n, I), ids of their source words.
        tgt: (n, J), of their target words.
    """

    members: Ids
    src: Ids
    tgt: Ids


def blocks_of(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Block]:
    """Put pairs of word ids of one shape together; pairs with a blank side are left out."""
    members: dict[tuple[int, int], list[int]] = {}
    for n, (src, tgt) in enumerate(pairs):
        if src and tgt:
            members.setdefault((len(src), len(tgt)), []).append(n)
    return [
        Block(np.array(found), *(np.array([pairs[n][side] for n in found]) for side in (0, 1)))
        for _, found in sorted(members.items())
    ]


class WordAligner:
    """Aligns the words of sentence pairs. Made by `fit`.

    Words are compared in small letters. The same pairs in the same order give the same aligner.
    """

    def __init__(self, src_ids: dict[str, int], tgt_ids: dict[str, int], cooccurring: Ids) -> None:
        self._ids = (src_ids, tgt_ids)
        self._cooccurring = cooccurring
        self._forward = Direction(len(cooccurring), len(tgt_ids) + 1)
        self._backward = Direction(len(cooccurring), len(src_ids) + 1)

    @classmethod
    def fit(cls, pairs: Iterable[WordPair]) -> "WordAligner":
        """Learn from sentence pairs, each given as the words of both sides; one of them at least has words on both."""
        src_ids: dict[str, int] = {}
        tgt_ids: dict[str, int] = {}
        blocks = blocks_of(
            [
                (
                    [src_ids.setdefault(word.lower(), len(src_ids) + 1) for word in src],
                    [tgt_ids.setdefault(word.lower(), len(tgt_ids) + 1) for word in tgt],
                )
                for src, tgt in pairs
            ]
        )
        n_tgt = len(tgt_ids) + 1
        keys = [_keys(block, n_tgt).ravel() for block in blocks]
        aligner = cls(src_ids, tgt_ids, np.unique(np.concatenate(keys)))
        cells = [aligner._cells(block) for block in blocks]
        for round_ in range(_N_DIAGONAL + _N_HMM):
            aligner._learn(blocks, cells, with_jumps=round_ >= _N_DIAGONAL)
        return aligner

    def _cells(self, block: Block) -> Cells:
        """Find which of the co-occurring pairs of words each cell (n, I, J) is, K where it is none of them."""
        keys = _keys(block, len(self._ids[1]) + 1)
        found = np.searchsorted(self._cooccurring, keys)
        known = self._cooccurring.take(found, mode="clip") == keys
        return np.where(known, found, len(self._cooccurring)).astype(np.int32)

    def _posteriors(self, block: Block, cells: Cells, jump_counts: Sequence[Counts | None]) -> tuple[Floats, Floats]:
        """Say how probable each link is, by each direction: (n, I, J) each."""
        forward = self._forward.posterior(cells, block.tgt, jump_counts[0])
        backward = self._backward.posterior(cells.transpose(0, 2, 1), block.src, jump_counts[1])
        return forward, backward.transpose(0, 2, 1)

    def _learn(self, blocks: list[Block], cells: list[Cells], *, with_jumps: bool) -> None:
        """Go one round of expectation maximisation."""
        jump_counts = [np.zeros_like(self._forward.jumps) for _ in range(2)] if with_jumps else [None, None]
        links, src_nulls, tgt_nulls = [], [], []
        for block, of_block in zip(blocks, cells, strict=True):
            forward, backward = self._posteriors(block, of_block, jump_counts)
            links.append(forward * backward)
            tgt_nulls.append(1 - forward.sum(axis=1))
            src_nulls.append(1 - backward.sum(axis=2))
        counts = _sums(cells, links, len(self._cooccurring))
        n_src, n_tgt = (len(ids) + 1 for ids in self._ids)
        given_src, given_tgt = np.divmod(self._cooccurring, n_tgt)
        tgt_from_none = _sums([block.tgt for block in blocks], tgt_nulls, n_tgt)
        src_from_none = _sums([block.src for block in blocks], src_nulls, n_src)
        self._forward.learn(counts, given_src, tgt_from_none, jump_counts[0])
        self._backward.learn(counts, given_tgt, src_from_none, jump_counts[1])

    def align(self, pairs: Iterable[WordPair]) -> Iterator[Links]:
        """Link the words that both directions together hold to belong together.

        Args:
            pairs: the words of both sides; also ones that it was not fitted on.

        Yields:
            The links of each pair, in order: those whose posteriors are a quarter or more, on average.
        """
        rest = iter(pairs)
        while chunk := list(islice(rest, _PAIRS_AT_ONCE)):
            yield from self._align(chunk)

    def _align(self, pairs: Sequence[WordPair]) -> list[Links]:
        result: list[Links] = [[] for _ in pairs]
        src_ids, tgt_ids = self._ids
        blocks = blocks_of(
            [
                (
                    [src_ids.get(word.lower(), UNKNOWN) for word in src],
                    [tgt_ids.get(word.lower(), UNKNOWN) for word in tgt],
                )
                for src, tgt in pairs
            ]
        )
        ignored = [np.zeros_like(self._forward.jumps) for _ in range(2)]
        for block in blocks:
            forward, backward = self._posteriors(block, self._cells(block), ignored)
            members, srcs, tgts = np.nonzero(forward + backward >= 2 * _LEAST_BELIEF)
            for n, src, tgt in zip(block.members[members].tolist(), srcs.tolist(), tgts.tolist(), strict=True):
                result[n].append((src, tgt))
        return result


def _keys(block: Block, n_tgt: int) -> Ids:
    """Give each pair of words of each sentence pair a number of its own: (n, I, J)."""
    keys: Ids = block.src[:, :, None] * n_tgt + block.tgt[:, None, :]
    return keys


def _sums(ids: Sequence[NDArray[np.integer]], amounts: Sequence[Floats], size: int) -> Counts:
    """Add up amounts for each id below `size`."""
    flat = [np.concatenate([of_block.ravel() for of_block in blocks]) for blocks in (ids, amounts)]
    total: Counts = np.bincount(flat[0], flat[1], size).astype(np.float64)
    return total
