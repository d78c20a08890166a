from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import mtattn.corpus.batches as batches_room
from mtattn.corpus.batches import EncodedPairs, batches_of_epoch, blocks_of, make_batch, pad, write_ids
from mtattn.corpus.lengths import batches_by_length
from mtattn.tokenizer import BOS, EOS, PAD

ROWS = st.lists(st.integers(4, 99), max_size=6)
PAIRS = st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=40)


def encoded(pairs: list[tuple[list[int], list[int]]], vocab_size: int = 100) -> EncodedPairs:
    return EncodedPairs(iter(pairs), vocab_size)


def corpus(n: int = 3_000) -> EncodedPairs:
    """Make pairs with lengths like those of sentences, a target nearly as long as its source."""
    rng = np.random.default_rng(0)
    lengths = np.minimum(2 + rng.poisson(9, n), 40)
    return encoded([([5] * int(m), [6] * max(1, int(m + rng.integers(-2, 3)))) for m in lengths])


def positions(pairs: EncodedPairs, batch: np.ndarray) -> int:
    src, tgt = pairs.lengths()
    return int((src[batch].max() + tgt[batch].max()) * len(batch))


@given(
    rows=st.lists(ROWS, min_size=1, max_size=6),
    first=st.sampled_from([None, BOS]),
    last=st.sampled_from([None, EOS]),
)
def test_padding_stands_behind(rows: list[list[int]], first: int | None, last: int | None) -> None:
    padded = pad(rows, first=first, last=last)
    whole = [([] if first is None else [first]) + row + ([] if last is None else [last]) for row in rows]
    size = max(map(len, whole))
    assert padded.dtype == torch.int64
    assert padded.shape == (len(rows), size)
    assert padded.tolist() == [row + [PAD] * (size - len(row)) for row in whole]


@given(PAIRS)
def test_the_decoder_reads_one_token_behind_what_it_emits(pairs: list[tuple[list[int], list[int]]]) -> None:
    src, tgt = ([pair[side] for pair in pairs] for side in (0, 1))
    batch = make_batch(src, tgt)
    assert batch.tgt_read.shape == batch.tgt_emit.shape
    assert batch.src_lengths.tolist() == [len(row) + 1 for row in src]
    for i, (s, t) in enumerate(pairs):
        assert batch.src[i, : len(s) + 1].tolist() == [*s, EOS]
        assert batch.tgt_read[i, : len(t) + 1].tolist() == [BOS, *t]
        assert batch.tgt_emit[i, : len(t) + 1].tolist() == [*t, EOS]
        assert (batch.src[i, len(s) + 1 :] == PAD).all()
        assert (batch.tgt_read[i, len(t) + 1 :] == PAD).all()
        assert (batch.tgt_emit[i, len(t) + 1 :] == PAD).all()
    assert batch.n_tokens == sum(len(s) + len(t) + 2 for s, t in pairs)


@given(PAIRS)
def test_encoded_pairs_give_back_what_was_put_in(pairs: list[tuple[list[int], list[int]]]) -> None:
    kept = encoded(pairs)
    assert len(kept) == len(pairs)
    assert kept.lengths()[0].tolist() == [len(src) + 1 for src, _ in pairs]
    assert kept.lengths()[1].tolist() == [len(tgt) + 1 for _, tgt in pairs]
    order = list(range(len(pairs)))[::-1]
    batch = kept.batch(order)
    expected = make_batch([pairs[i][0] for i in order], [pairs[i][1] for i in order])
    for name in ("src", "src_lengths", "tgt_read", "tgt_emit"):
        assert torch.equal(getattr(batch, name), getattr(expected, name))


@pytest.mark.parametrize("vocab_size", [100, 2**20])
def test_pairs_on_disk_are_those_in_memory(tmp_path: Path, vocab_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_room, "_N_IDS_AT_ONCE", 64)
    rng = np.random.default_rng(0)
    pairs = [(rng.integers(4, 99, n).tolist(), rng.integers(4, 99, m).tolist()) for n, m in rng.integers(0, 9, (99, 2))]
    with (tmp_path / "ids").open("wb") as file:
        n = write_ids(iter(pairs), vocab_size, file)
    kept, in_memory = EncodedPairs.on_disk(tmp_path / "ids", n, vocab_size), encoded(pairs, vocab_size)
    assert len(kept) == len(pairs)
    assert [side.tolist() for side in kept.lengths()] == [side.tolist() for side in in_memory.lengths()]
    for indices in batches_of_epoch(kept, 40, seed=1, epoch=2):
        one, other = kept.batch(indices), in_memory.batch(indices)
        for name in ("src", "src_lengths", "tgt_read", "tgt_emit"):
            assert torch.equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("vocab_size", [2**16, 2**16 + 1, 2**20])
def test_no_id_is_too_large(vocab_size: int) -> None:
    top = vocab_size - 1
    assert encoded([([top, 4], [top])], vocab_size).batch([0]).src.tolist() == [[top, 4, EOS]]


def test_no_pairs_make_no_batches() -> None:
    assert len(encoded([])) == 0
    assert batches_of_epoch(encoded([]), 100, seed=0, epoch=0) == []
    assert list(batches_by_length([], 100)) == []


@given(pairs=PAIRS, batch_tokens=st.integers(1, 120), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 99))
def test_an_epoch_has_each_pair_once_and_keeps_its_budget(
    pairs: list[tuple[list[int], list[int]]], batch_tokens: int, seed: int, epoch: int
) -> None:
    kept = encoded(pairs)
    batches = batches_of_epoch(kept, batch_tokens, seed, epoch)
    assert sorted(int(i) for batch in batches for i in batch) == list(range(len(pairs)))
    for batch in batches:
        assert positions(kept, batch) <= batch_tokens or len(batch) == 1
        made = kept.batch(batch)
        assert made.src.numel() + made.tgt_emit.numel() == positions(kept, batch)


def one_by_one(pairs: EncodedPairs, batch_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Group the pairs of a small corpus one by one; what makes no two waits, from 32 on what makes no eight."""
    rng = np.random.default_rng([seed, epoch])
    src, tgt = pairs.lengths()
    waiting = np.lexsort((rng.random(len(pairs)), tgt, src + rng.integers(0, 2, len(pairs)))).tolist()
    batches: list[list[int]] = []
    while waiting:
        n = 1
        while n < len(waiting) and positions(pairs, np.array(waiting[: n + 1])) <= batch_tokens:
            n += 1
        n = 1 if n == 1 else n // 8 * 8 if n >= 32 else n // 2 * 2
        batches.append(waiting[:n])
        waiting = waiting[n:]
    return [batches[k] for k in rng.permutation(len(batches))]


@given(pairs=PAIRS, batch_tokens=st.integers(1, 120), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 2**31))
def test_the_batches_of_a_block_are_those_grouped_one_by_one(
    pairs: list[tuple[list[int], list[int]]], batch_tokens: int, seed: int, epoch: int
) -> None:
    kept = encoded(pairs)
    assert blocks_of(len(kept)) == blocks_of(2**20) == 1
    batches = batches_of_epoch(kept, batch_tokens, seed, epoch)
    assert [batch.tolist() for batch in batches] == one_by_one(kept, batch_tokens, seed, epoch)


@pytest.mark.parametrize(("n_pairs", "n_blocks"), [(3_000, 3), (3_000, 2), (4_096, 4), (10_000, 3)])
def test_the_blocks_of_an_epoch_have_each_pair_once(n_pairs: int, n_blocks: int) -> None:
    pairs = corpus(n_pairs)

    def drawn(epoch: int) -> list[list[int]]:
        blocks = [batches_of_epoch(pairs, 1024, 1, epoch, block, n_blocks) for block in range(n_blocks)]
        for batches in blocks:
            assert all(positions(pairs, batch) <= 1024 for batch in batches)
        return [[int(i) for batch in batches for i in batch] for batches in blocks]

    blocks = drawn(epoch=5)
    assert sorted(i for block in blocks for i in block) == list(range(n_pairs))
    assert min(map(len, blocks)) > 0
    assert blocks == drawn(epoch=5)
    if n_pairs == 10_000:
        assert {frozenset(block) for block in blocks} != {frozenset(block) for block in drawn(epoch=6)}


def test_no_block_is_larger_than_what_is_sorted_at_once() -> None:
    for n, n_blocks in ((0, 1), (1, 1), (2**20, 1), (2**20 + 1, 2), (10_000_000, 10)):
        assert blocks_of(n) == n_blocks
    sizes = [len(batches_room._block(2_500_000, 1, 0, block, 3)) for block in range(3)]
    assert sum(sizes) == 2_500_000
    assert max(sizes) <= 2**20


def test_the_seed_and_the_epoch_decide_the_batches() -> None:
    pairs = corpus()

    def drawn(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in batches_of_epoch(pairs, 1024, seed, epoch)]

    def together(batches: list[list[int]]) -> set[frozenset[int]]:
        return {frozenset(batch) for batch in batches}

    assert drawn(1, 3) == drawn(1, 3)
    for other in (drawn(1, 4), drawn(2, 3), drawn(3, 1)):
        assert other != drawn(1, 3)
        # It is not the order of the batches alone that changes: other pairs come together.
        assert len(together(other) & together(drawn(1, 3))) < 0.1 * len(other)


def test_batches_come_in_no_order_of_length() -> None:
    pairs = corpus()
    src, _ = pairs.lengths()
    means = np.array([src[batch].mean() for batch in batches_of_epoch(pairs, 512, 0, 0)])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_little_is_padding() -> None:
    pairs = corpus(20_000)
    batches = [pairs.batch(batch) for batch in batches_of_epoch(pairs, 1024, seed=0, epoch=0)]
    n_positions = sum(batch.src.numel() + batch.tgt_emit.numel() for batch in batches)
    n_tokens = sum(batch.n_tokens for batch in batches)
    assert 1 - n_tokens / n_positions < 0.03
    # The budget is used, too: not many more batches than the tokens need.
    assert len(batches) < 1.1 * n_positions / 1024


@pytest.mark.parametrize("length", [8, 12, 20, 31, 45, 65, 100])
def test_the_budget_is_used_by_long_pairs_too(length: int) -> None:
    pairs = encoded([([5] * length, [6] * length)] * 400)
    batches = batches_of_epoch(pairs, 2048, seed=0, epoch=0)
    used = sum(positions(pairs, batch) for batch in batches) / 2048
    assert len(batches) < 1.2 * used + 1


def test_a_batch_is_measured_by_its_own_pairs_alone() -> None:
    """Long targets in one batch do not make the next ones smaller."""
    pairs = encoded([([5], [6] * 61)] * 64 + [([5] * 61, [6])] * 64)
    batches = batches_of_epoch(pairs, 512, seed=0, epoch=0)
    assert len(batches) <= 128 // (512 // 64) + 1


@given(lengths=st.lists(st.integers(1, 30), max_size=30), batch_tokens=st.integers(1, 100))
def test_sentences_to_translate_come_once_the_longest_first(lengths: list[int], batch_tokens: int) -> None:
    batches = list(batches_by_length(lengths, batch_tokens))
    order = [i for batch in batches for i in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[i] for i in order] == sorted(lengths, reverse=True)
    for batch in batches:
        assert max(lengths[i] for i in batch) * len(batch) <= batch_tokens or len(batch) == 1
