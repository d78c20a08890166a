"""Which pairs of a corpus are trained on and which are held out.

Whether a pair was there before, and whether it shares a sentence with what is held out, is decided from hashes of
64 bits: the pairs themselves lie on disk, and memory holds 33 bytes for each. Among n different pairs two have the same
hash with a probability of n² / 2⁶⁵ — three in a million for ten million pairs — and the later one would be dropped.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtattn.corpus.pairs import Direction, Pair, held_out_place, sentence_key
from mtattn.corpus.spool import PairSpool, SpooledPairs
from mtattn.text import counted

MOST_HELD_OUT = 5_000
"""So many pairs are enough to validate and to score on, whatever their share."""

N_SAMPLE_PAIRS = 500_000
"""So many pairs are enough to learn a vocabulary from."""

Mask = NDArray[np.bool_]


@dataclass
class PartsReport:
    """What became of the pairs of a corpus: each one read is counted in exactly one other number.

    `n_released` is no such number: pairs within the shares that are not held out, since enough others are.
    """

    max_words: int
    dev_given: bool
    n_read: int = 0
    n_train: int = 0
    n_dev: int = 0
    n_test: int = 0
    n_duplicates: int = 0
    n_long: int = 0
    n_leaks: int = 0
    n_released: int = 0

    def lines(self) -> list[str]:
        """Say it in plain sentences for the log, leaving out what did not happen."""
        if self.dev_given:
            lines = [f"{counted(self.n_train, 'pair')} to train on, {self.n_dev:,} given for dev"]
        else:
            lines = [
                f"{counted(self.n_train, 'pair')} to train on; held out, chosen by the hash of the sentence: "
                f"{self.n_dev:,} for dev and {self.n_test:,} for test"
            ]
        if self.n_released:
            lines.append(f"more were within the shares, beyond data.held_out_pairs: {self.n_released:,}")
        held_out = "dev" if self.dev_given else "dev or test"
        dropped = [
            (self.n_duplicates, "repeat an earlier pair"),
            (self.n_long, f"have more than {self.max_words} words on a side"),
            (self.n_leaks, f"share a sentence with the {held_out} part"),
        ]
        return lines + [f"dropped pairs that {why}: {n:,}" for n, why in dropped if n]


@dataclass(frozen=True)
class Parts:
    """A corpus in its three parts, each in the order in which the pairs were read.

    Attributes:
        report: what became of the pairs.
        train: on disk.
        dev: in memory, as is `test`.
        sample: those of `train` that a vocabulary is learned from: all, or of many those with the lowest hashes.
    """

    report: PartsReport
    train: SpooledPairs
    dev: list[Pair]
    test: list[Pair]
    sample: SpooledPairs


class _Hashes:
    """What memory keeps of each pair.

    Args:
        direction: the languages.
        max_words: a pair with more words than this on a side is long.
    """

    def __init__(self, direction: Direction, max_words: int) -> None:
        self._by_src, self._max_words = direction.src > direction.tgt, max_words
        self._pairs, self._src, self._tgt, self._places = array("q"), array("q"), array("q"), array("d")
        self._long = bytearray()

    def add(self, pair: Pair) -> None:
        src, tgt = sentence_key(pair.src), sentence_key(pair.tgt)
        # Python's own hash of texts is SipHash, with a key that each process draws: as good as any of 64 bits.
        self._pairs.append(hash(pair))
        self._src.append(hash(src))
        self._tgt.append(hash(tgt))
        self._places.append(held_out_place(src if self._by_src else tgt))
        self._long.append(max(pair.src.count(" "), pair.tgt.count(" ")) >= self._max_words)

    def __len__(self) -> int:
        return len(self._long)

    @property
    def places(self) -> NDArray[np.float64]:
        """For each pair the place that decides whether it is held out."""
        return np.frombuffer(self._places)

    @property
    def long(self) -> Mask:
        """Whether it has too many words on a side."""
        return np.frombuffer(self._long, dtype=bool)

    def first(self) -> Mask:
        """Find the pairs that repeat none before them."""
        first = np.zeros(len(self), dtype=bool)
        first[np.unique(np.frombuffer(self._pairs, dtype=np.int64), return_index=True)[1]] = True
        return first

    def sharing(self, pairs: Iterable[Pair]) -> Mask:
        """Find the pairs whose source, or whose target, is the same sentence as that of one of others."""
        others = [(hash(sentence_key(pair.src)), hash(sentence_key(pair.tgt))) for pair in pairs]
        src, tgt = np.array(others, dtype=np.int64).reshape(-1, 2).T
        return _is_in(self._src, src) | _is_in(self._tgt, tgt)


def _is_in(hashes: "array[int]", wanted: NDArray[np.int64]) -> Mask:
    every, wanted = np.frombuffer(hashes, dtype=np.int64), np.unique(wanted)
    if not len(wanted):
        return np.zeros(len(every), dtype=bool)
    nearest = wanted[np.minimum(np.searchsorted(wanted, every), len(wanted) - 1)]
    return np.equal(nearest, every)  # np.isin would sort them all


def _lowest(places: NDArray[np.float64], mask: Mask, n: int) -> Mask:
    """Of the pairs in a mask take the n with the lowest places; a few more where the nth place has several."""
    among = places[mask]
    return mask & (places <= np.partition(among, n - 1)[n - 1]) if len(among) > n else mask


def split_pairs(
    pairs: Iterable[Pair],
    direction: Direction,
    *,
    dev: Iterable[Pair] | None,
    dev_share: float,
    test_share: float,
    max_words: int,
    held_out_pairs: int = MOST_HELD_OUT,
    unheld: Iterable[Pair] = (),
    folder: Path | None = None,
) -> Parts:
    """Split a corpus into what is trained on and what is held out, so that nothing stands in both.

    Args:
        pairs: the corpus.
        direction: its languages.
        dev: the dev part where it is given: it is kept as it is, there is no test part, and the
            two shares have no meaning. None: `held_out_place` chooses dev and test.
        dev_share: share of the pairs that the dev part gets, 0 to 1.
        test_share: likewise for the test part; the two sum to 1 at most.
        max_words: training pairs with more words than this, on either side, are
            dropped. Pairs held out are kept at any length: dropping them would flatter the score.
        held_out_pairs: pairs of either part that is held out at most; the others are trained on. All pairs of a
            sentence stay together, so that there may be a few more.
        unheld: further pairs to train on, none of which is held out.
        folder: where there is room for the pairs on disk, see `PairSpool`.

    Returns:
        Parts whose `train` shares no sentence key with dev or test, source with source and target
        with target, and has no pair twice. A part may be empty.
    """
    spool, hashes = PairSpool(folder), _Hashes(direction, max_words)
    for pair in pairs:
        spool.append(pair)
        hashes.add(pair)
    n_holdable = len(hashes)
    given = None if dev is None else list(dev)
    for pair in unheld:
        spool.append(pair)
        hashes.add(pair)

    first, places = hashes.first(), hashes.places
    holdable = first & (np.arange(len(hashes)) < (n_holdable if given is None else 0))
    in_test = holdable & (places < test_share)
    in_dev = holdable & ~in_test & (places < test_share + dev_share)
    is_dev, is_test = (_lowest(places, part, held_out_pairs) for part in (in_dev, in_test))
    is_held_out = is_dev | is_test
    held_out = list(SpooledPairs(spool, is_held_out))
    chosen_dev, test = (list(compress(held_out, part[is_held_out])) for part in (is_dev, is_test))
    dev = given if given is not None else chosen_dev

    train = first & ~is_held_out
    long = train & hashes.long
    leaks = train & ~long & hashes.sharing([*dev, *test])
    train &= ~long & ~leaks
    report = PartsReport(
        max_words=max_words,
        dev_given=given is not None,
        n_read=len(hashes),
        n_train=int(train.sum()),
        n_dev=len(dev),
        n_test=len(test),
        n_duplicates=int((~first).sum()),
        n_long=int(long.sum()),
        n_leaks=int(leaks.sum()),
        n_released=int((in_dev | in_test).sum()) - len(held_out),
    )
    sample = _lowest(places, train, N_SAMPLE_PAIRS)
    return Parts(report, SpooledPairs(spool, train), dev, test, SpooledPairs(spool, sample))
