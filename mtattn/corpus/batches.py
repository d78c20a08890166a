"""Token ids of many pairs in flat arrays, and batches of pairs of like length."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtattn.tokenizer import BOS, EOS, PAD

BLOCK_PAIRS = 2**20
"""So many pairs are sorted and grouped at once, in about a second."""

_RUN_PAIRS = 2**10
# Products of bfloat16 matrices on a CPU need a kernel for each shape, made in some 0.3 ms and kept until a thousand
# others are. With few different sizes of batches, their parts alike where a few threads share them, kernels are used
# again: with what else keeps shapes few (`emission_loss`, `attention`) a third more tokens a second.
_MULTIPLE, _MULTIPLE_OF_FEW, _FEW_PAIRS = 8, 2, 32
_N_IDS_AT_ONCE = 2**20


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded token ids of B pairs, as a Transformer takes them.

    Attributes:
        src: int64 (B, T_src), each row ending with </s>, padded behind.
        src_lengths: int64 (B,), real tokens of each row.
        tgt_read: int64 (B, T_tgt), what the decoder reads: <s> and the target's tokens.
        tgt_emit: int64 (B, T_tgt), what it is to emit, one ahead: the target's tokens and </s>; padded.
    """

    src: Tensor
    src_lengths: Tensor
    tgt_read: Tensor
    tgt_emit: Tensor

    @property
    def n_tokens(self) -> int:
        """Real source and target tokens, </s> included, padding not."""
        return int(self.src_lengths.sum() + (self.tgt_emit != PAD).sum())

    def to(self, device: torch.device) -> "Batch":
        """Copy the batch to a device; itself where it is there already."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


Row = Sequence[int] | NDArray[np.integer]


def pad(rows: Sequence[Row], first: int | None = None, last: int | None = None) -> Tensor:
    """Make one int64 tensor (B, T) of rows of different length, padded behind.

    Args:
        rows: token ids, B rows.
        first: put before each row.
        last: put behind each row.

    Example:
        >>> pad([[7], [8, 9]], last=2).tolist()
        [[7, 2, 0], [8, 9, 2]]
    """
    before, behind = int(first is not None), int(last is not None)
    out = np.full((len(rows), max(map(len, rows)) + before + behind), PAD, dtype=np.int64)
    for i, row in enumerate(rows):
        if first is not None:
            out[i, 0] = first
        out[i, before : before + len(row)] = row
        if last is not None:
            out[i, before + len(row)] = last
    return torch.from_numpy(out)


def make_batch(src: Sequence[Row], tgt: Sequence[Row]) -> Batch:
    """Put pairs of token ids, without <s> and </s>, into a batch."""
    return Batch(
        src=pad(src, last=EOS),
        src_lengths=torch.tensor([len(row) + 1 for row in src]),
        tgt_read=pad(tgt, first=BOS),
        tgt_emit=pad(tgt, last=EOS),
    )


def _id_type(vocab_size: int) -> Literal["H", "I"]:
    """Two bytes a token, four for a vocabulary beyond 65,536; the letter means the same to `array` and to numpy."""
    return "H" if vocab_size <= 2**16 else "I"


def write_ids(pairs: Iterable[tuple[list[int], list[int]]], vocab_size: int, file: BinaryIO) -> int:
    """Write token ids as `EncodedPairs` reads them.

    All ids, of each pair the source's and then the target's; behind them the numbers of source and target ids of each
    pair, in the same type.

    Args:
        pairs: source and target ids of each pair, without <s> and </s>, fewer than 65,536 on a side.
        vocab_size: V, above every id.
        file: is written to from where it stands.

    Returns:
        The number of pairs.
    """
    ids, lengths = array(_id_type(vocab_size)), array(_id_type(vocab_size))
    for src, tgt in pairs:
        ids.fromlist(src)
        ids.fromlist(tgt)
        lengths.append(len(src))
        lengths.append(len(tgt))
        if len(ids) > _N_IDS_AT_ONCE:
            file.write(ids)
            del ids[:]
    file.write(ids)
    file.write(lengths)
    return len(lengths) // 2


class EncodedPairs:
    """Token ids of pairs in one flat array, in memory or on disk.

    Memory has 12 bytes for each pair, whether its ids are on disk or not.

    Args:
        pairs: see `write_ids`, likewise `vocab_size`; kept in memory.
        vocab_size: V.
    """

    def __init__(self, pairs: Iterable[tuple[list[int], list[int]]], vocab_size: int) -> None:
        file = BytesIO()
        n = write_ids(pairs, vocab_size, file)
        self._lay_out(np.frombuffer(file.getbuffer(), _id_type(vocab_size)), n)

    @classmethod
    def on_disk(cls, path: Path, n: int, vocab_size: int) -> "EncodedPairs":
        """Leave n pairs in the file to which `write_ids` wrote them; the system reads what a batch takes."""
        encoded = cls((), vocab_size)
        encoded._lay_out(np.memmap(path, _id_type(vocab_size), "r").view(np.ndarray), n)
        return encoded

    def _lay_out(self, flat: NDArray[np.unsignedinteger], n: int) -> None:
        self._ids = flat[: len(flat) - 2 * n]
        self._lengths = flat[len(flat) - 2 * n :].reshape(n, 2).astype(np.uint16)  # a copy in memory
        self._starts = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(self._lengths.sum(axis=1, dtype=np.int64), out=self._starts[1:])

    def __len__(self) -> int:
        return len(self._lengths)

    def lengths(self, indices: slice | NDArray[np.int64] = slice(None)) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the source and the target tokens of these pairs, </s> included: (n,) each."""
        src, tgt = self._lengths[indices].T.astype(np.int64) + 1
        return src, tgt

    def ids(self, i: int) -> tuple[list[int], list[int]]:
        """Give source and target ids of pair i, without <s> and </s>."""
        start, end = self._starts[i : i + 2]
        middle = start + self._lengths[i, 0]
        return self._ids[start:middle].tolist(), self._ids[middle:end].tolist()

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Put the pairs of these indices into a batch."""
        chosen = np.asarray(indices)
        starts, ends = self._starts[chosen], self._starts[chosen + 1]
        borders = list(zip(starts.tolist(), (starts + self._lengths[chosen, 0]).tolist(), ends.tolist(), strict=True))
        return make_batch(
            [self._ids[start:middle] for start, middle, _ in borders],
            [self._ids[middle:end] for _, middle, end in borders],
        )


def blocks_of(n_pairs: int) -> int:
    """Say into how many blocks an epoch is divided: one for up to a million pairs."""
    return max(1, -(-n_pairs // BLOCK_PAIRS))


def _block(n_pairs: int, seed: int, epoch: int, block: int, n_blocks: int) -> NDArray[np.int64]:
    """Choose the pairs of a block: runs of neighbours, which lie together on disk, drawn anew for each epoch."""
    if n_blocks == 1:
        return np.arange(n_pairs)
    starts = np.arange(0, n_pairs, _RUN_PAIRS)
    drawn = np.random.default_rng([seed, epoch, n_blocks]).permutation(starts)  # unlike those of any block
    runs = np.array_split(drawn, n_blocks)[block]
    indices = (runs[:, None] + np.arange(_RUN_PAIRS)).ravel()
    return indices[indices < n_pairs]


def batches_of_epoch(
    pairs: EncodedPairs, batch_tokens: int, seed: int, epoch: int, block: int = 0, n_blocks: int = 1
) -> list[NDArray[np.int64]]:
    """Group pairs of like length, each pair once an epoch, in an order drawn anew for each epoch.

    Args:
        pairs: the training pairs.
        batch_tokens: source and target positions of a batch at most, padding included; a single pair
            longer than that makes a batch by itself. Several are an even number, from 32 on a multiple of eight.
        seed: seed of the run.
        epoch: number of the epoch; the same seed and epoch give the same batches.
        block: which block of the epoch, from 0: only its pairs are sorted and grouped, see `blocks_of`.
        n_blocks: how many an epoch has; each of its pairs is in one of them.

    Returns:
        The indices of each batch's pairs.
    """
    rng = np.random.default_rng([seed, epoch, block])
    indices = _block(len(pairs), seed, epoch, block, n_blocks)
    src_lengths, tgt_lengths = pairs.lengths(indices)
    # Equal lengths come together in a random order; the noise mixes neighbours from epoch to epoch.
    order = np.lexsort((rng.random(len(indices)), tgt_lengths, src_lengths + rng.integers(0, 2, len(indices))))
    src_lengths, tgt_lengths = src_lengths[order], tgt_lengths[order]
    sizes = np.arange(1, batch_tokens // 2 + 2)  # a pair has two positions at least
    batches, start = [], 0
    while start < len(order):
        near = slice(start, start + len(sizes))
        longest = np.maximum.accumulate(src_lengths[near]) + np.maximum.accumulate(tgt_lengths[near])
        n = max(1, int(np.searchsorted(longest * sizes[: len(longest)], batch_tokens, side="right")))
        if n > 1:
            n -= n % (_MULTIPLE if n >= _FEW_PAIRS else _MULTIPLE_OF_FEW)
        batches.append(indices[order[start : start + n]])
        start += n
    return [batches[i] for i in rng.permutation(len(batches))]
