"""Token ids of many pairs in flat arrays, and batches of pairs of like length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtattn.tokenizer import BOS, EOS, PAD


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


class EncodedPairs:
    """Token ids of pairs, two bytes a token (four for a vocabulary beyond 65,536), without Python lists.

    Args:
        pairs: source and target ids of each pair, without <s> and </s>.
        vocab_size: V, above every id.
    """

    def __init__(self, pairs: Iterable[tuple[list[int], list[int]]], vocab_size: int) -> None:
        dtype = np.uint16 if vocab_size <= 2**16 else np.uint32
        self._sides: list[np.ndarray] = []
        self._offsets: list[np.ndarray] = []
        chunks: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for pair in pairs:
            for chunk, ids in zip(chunks, pair, strict=True):
                chunk.append(np.array(ids, dtype=dtype))
        for chunk in chunks:
            self._sides.append(np.concatenate(chunk) if chunk else np.zeros(0, dtype))
            self._offsets.append(np.cumsum([0] + [len(ids) for ids in chunk]))

    def __len__(self) -> int:
        return len(self._offsets[0]) - 1

    def lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """Count the source and the target tokens of each pair, </s> included: int64 (n,) each."""
        return np.diff(self._offsets[0]) + 1, np.diff(self._offsets[1]) + 1

    def batch(self, indices: Sequence[int] | np.ndarray) -> Batch:
        """Put the pairs of these indices into a batch."""
        src, tgt = (
            [side[offsets[i] : offsets[i + 1]] for i in indices]
            for side, offsets in zip(self._sides, self._offsets, strict=True)
        )
        return make_batch(src, tgt)


def batches_of_epoch(pairs: EncodedPairs, batch_tokens: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Group pairs of like length, each pair once, in an order drawn anew for each epoch.

    Args:
        pairs: the training pairs.
        batch_tokens: source and target positions of a batch at most, padding included; a single pair
            longer than that makes a batch by itself.
        seed: seed of the run.
        epoch: number of the epoch; the same seed and epoch give the same batches.

    Returns:
        The indices of each batch's pairs.
    """
    rng = np.random.default_rng([seed, epoch])
    src_lengths, tgt_lengths = pairs.lengths()
    # Equal lengths come together in a random order; the noise mixes neighbours from epoch to epoch.
    order = np.lexsort((rng.random(len(pairs)), tgt_lengths, src_lengths + rng.integers(0, 2, len(pairs))))
    batches, start, longest_src, longest_tgt = [], 0, 0, 0
    for n, i in enumerate(order):
        longest_src, longest_tgt = max(longest_src, src_lengths[i]), max(longest_tgt, tgt_lengths[i])
        if n > start and (longest_src + longest_tgt) * (n - start + 1) > batch_tokens:
            batches.append(order[start:n])
            start, longest_src, longest_tgt = n, src_lengths[i], tgt_lengths[i]
    if start < len(order):
        batches.append(order[start:])
    return [batches[i] for i in rng.permutation(len(batches))]
