"""The pairs that heads are measured on: such as fit the model, as token ids, and some with gold alignments."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from mtattn.alignment.links import Gold
from mtattn.corpus.lengths import batches_by_length
from mtattn.corpus.loading import read_gold
from mtattn.corpus.pairs import Direction, Pair
from mtattn.errors import DataError
from mtattn.tokenizer import Tokenizer

Encoded = tuple[list[int], list[int]]
"""The token ids of a source and a target, without <s> and </s>."""

_BATCH_TOKENS = 4096


def fits(pair: Pair, tokenizer: Tokenizer, max_positions: int) -> bool:
    """Say whether neither side is blank or has more tokens, </s> included, than the model has positions."""
    return all(0 < len(tokenizer.encode(text)) < max_positions for text in (pair.src, pair.tgt))


def encoded(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> list[Encoded]:
    """Turn pairs into token ids."""
    return [(tokenizer.encode(pair.src), tokenizer.encode(pair.tgt)) for pair in pairs]


def encoded_batches(pairs: Sequence[Encoded]) -> Iterator[list[int]]:
    """Group pairs of like length, see `batches_by_length`."""
    return batches_by_length([len(src) + len(tgt) + 2 for src, tgt in pairs], _BATCH_TOKENS)


def gold_pairs(direction: Direction, n: int, tokenizer: Tokenizer, max_positions: int) -> list[tuple[Pair, Gold]]:
    """Take those of the grammar's first n gold pairs that fit a model, each with its alignment.

    Args:
        direction: the languages.
        n: how many, at most.
        tokenizer: of the model.
        max_positions: of the model.

    Returns:
        The pairs; none where the grammar has not these languages.
    """
    found = []
    with suppress(DataError):
        found = [(one.pair, Gold(one.sure, one.sure | one.possible)) for one in read_gold(direction, n)]
    return [(pair, gold) for pair, gold in found if fits(pair, tokenizer, max_positions)]
