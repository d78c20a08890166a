"""Word alignments read off the cross-attention."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtattn.alignment.links import Gold, Links, Symmetrisation, alignment_score, symmetrise
from mtattn.corpus.lengths import batches_by_length
from mtattn.errors import InputError
from mtattn.heads.capture import Labels, forced_weights, piece_map
from mtattn.heads.record import READINGS, AttentionMap, Reading
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

_BATCH_TOKENS = 4096
# An output word that gives a source word less than this says nothing about it.
_LEAST_WEIGHT = 0.1


class Scope(NamedTuple):
    """What of the cross-attention is read: one head, written `cross.2.5`; the mean of a layer, `cross.2`, or of all.

    Attributes:
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.
        reading: whether a row belongs to the word that its step emits or to the one that it reads.

    Example:
        >>> str(Scope()), str(Scope(2)), Scope.parse("cross.2.5")
        ('cross', 'cross.2', Scope(layer=2, head=5, reading='emitted'))
    """

    layer: int | None = None
    head: int | None = None
    reading: Reading = "emitted"

    def __str__(self) -> str:
        return ".".join(["cross", *(str(n) for n in ((self.layer, self.head) if self.layer else ()) if n)])

    @classmethod
    def parse(cls, text: str, reading: Reading = "emitted") -> "Scope":
        """Read what was written.

        Raises:
            InputError: it is no scope.
        """
        kind, *numbers = text.split(".")
        if kind != "cross" or len(numbers) > 2 or not all(n.isdecimal() and int(n) for n in numbers):
            raise InputError("this names no part of the cross-attention", where=text, fix="write cross.LAYER.HEAD")
        layer, head = (*map(int, numbers), None, None)[:2]
        return cls(layer, head, reading)

    @classmethod
    def recorded(cls, manifest: dict[str, Any]) -> "Scope":
        """Find what the training of a run saw align best; the mean of all where it recorded nothing."""
        recorded = manifest.get("alignment")
        if not isinstance(recorded, dict) or "scope" not in recorded:
            return cls()
        return cls.parse(str(recorded["scope"]), "read" if recorded.get("reading") == "read" else "emitted")


MEAN = Scope()


def row_links(weights: NDArray[np.floating]) -> Links:
    """Link each output word to the source word that it attends to most.

    Args:
        weights: (words of the output, words of the source). What rests on </s> is left out: it is where heads
            rest when they have nothing to ask, no word.
    """
    if not weights.size:
        return []
    return sorted((int(s), t) for t, s in enumerate(weights.argmax(axis=1)))


def column_links(weights: NDArray[np.floating]) -> Links:
    """Link each source word to the output word that attends to it most, if that gives it a tenth of its weight.

    So two source words can have one output word between them, which no row says.

    Args:
        weights: as for `row_links`.
    """
    if not weights.size:
        return []
    return [(s, int(t)) for s, t in enumerate(weights.argmax(axis=0)) if weights[t, s] >= _LEAST_WEIGHT]


def between_words(weights: NDArray[np.floating], reading: Reading) -> NDArray[np.floating]:
    """Leave out the rows and columns of </s> and <s>.

    Args:
        weights: (…, T_q, T_k) of the cross-attention between words; columns end with </s>, and rows end with it, or
            where a row belongs to the word that its step reads, begin with <s>.
        reading: to which word a row belongs.

    Returns:
        (…, words of the output, words of the source).
    """
    return weights[..., slice(0, -1) if reading == "emitted" else slice(1, None), :-1]


def read_links(words: AttentionMap, scope: Scope, how: Symmetrisation = Symmetrisation.grow_diag_final_and) -> Links:
    """Put together what the rows and what the columns of a map between words say.

    Args:
        words: of the cross-attention, its rows being those of the scope's reading.
        scope: what of it is read.
        how: rows and columns are put together.
    """
    weights = between_words(words.select(scope.layer, scope.head).weights, scope.reading)
    return symmetrise(row_links(weights), column_links(weights), how)


def word_maps(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[int, dict[Reading, AttentionMap]]]:
    """Take the cross-attention between the words of given sentence pairs.

    Args:
        model: trained; it is made to write the given targets.
        tokenizer: its own.
        pairs: source and target texts; words are counted as `split_words` finds them.

    Yields:
        Number and maps of each pair that has words on both sides, in another order: rows are those of the words
        emitted, or of the words read. No maps where a side has more tokens than the model has positions.
    """
    encoded = [(tokenizer.encode(src), tokenizer.encode(tgt)) for src, tgt in pairs]
    possible = []
    for i, (src, tgt) in enumerate(encoded):
        if max(len(src), len(tgt)) >= model.max_positions:
            yield i, {}
        elif src and tgt:
            possible.append(i)
    sizes = [sum(map(len, encoded[i])) + 2 for i in possible]
    for batch in batches_by_length(sizes, _BATCH_TOKENS):
        members = [possible[n] for n in batch]
        sources, targets = [encoded[i][0] for i in members], [encoded[i][1] for i in members]
        weights = forced_weights(model, sources, targets)
        for n, i in enumerate(members):
            columns = Labels.until_eos(tokenizer, sources[n])
            readings: dict[Reading, Labels] = {
                "emitted": Labels.until_eos(tokenizer, targets[n]),
                "read": Labels.from_bos(tokenizer, targets[n]),
            }
            yield (
                i,
                {
                    reading: piece_map("cross", weights.cross, n, rows, columns).merged(rows.words, columns.words)
                    for reading, rows in readings.items()
                },
            )


def align(
    model: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
    scope: Scope = MEAN,
    how: Symmetrisation = Symmetrisation.grow_diag_final_and,
) -> list[Links | None]:
    """Align the words of given sentence pairs: what the rows say and what the columns say, put together.

    Args:
        model: trained; it is made to write the given targets.
        tokenizer: its own.
        pairs: source and target texts; words are counted as `split_words` finds them.
        scope: which weights are read.
        how: they are put together.

    Returns:
        For each pair its links, none where a side is blank; None where a side has more tokens than
        the model has positions.

    Raises:
        InputError: there is no such layer or head.
    """
    result: list[Links | None] = [[] for _ in pairs]
    for i, words in word_maps(model, tokenizer, pairs):
        result[i] = read_links(words[scope.reading], scope, how) if words else None
    return result


def error_rates(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], right: Sequence[Links]
) -> dict[Scope, float]:
    """Measure all that can be read of a model's cross-attention: the mean of all, of each layer, and each head.

    Each is read twice, its rows belonging to the words emitted or to those read.

    Args:
        model: trained.
        tokenizer: its own.
        pairs: source and target texts.
        right: for each pair the links that are held to be right.

    Returns:
        The alignment error rate of each scope, over the pairs that fit the model.
    """
    n_layers, n_heads = len(model.decoder), model.n_heads
    places = [(None, None), *product(range(1, n_layers + 1), (None, *range(1, n_heads + 1)))]
    scopes = [Scope(*place, reading) for reading in READINGS for place in places]
    found: dict[Scope, list[Links]] = {scope: [] for scope in scopes}
    gold = []
    for i, words in word_maps(model, tokenizer, pairs):
        if words:
            gold.append(Gold(frozenset(right[i]), frozenset(right[i])))
            for scope in scopes:
                found[scope].append(read_links(words[scope.reading], scope))
    return {scope: alignment_score(found[scope], gold).aer for scope in scopes}


def best_scope(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], right: Sequence[Links]
) -> dict[str, Any]:
    """Choose what of a model's cross-attention is best read for alignments, as the manifest keeps it.

    Args:
        model: see `error_rates`, as the others.
        tokenizer: its own.
        pairs: the first, third, … of them choose.
        right: their links.

    Returns:
        The best `scope`, the best single `head`, how the rows of both are read, and the error rates that both have
        on the second, fourth, … of the pairs, of which there are `n_pairs`. Nothing where no pair is left to choose
        by or to report on.
    """
    choosing, reported = (error_rates(model, tokenizer, pairs[n::2], right[n::2]) for n in (0, 1))
    if math.isnan(choosing[MEAN]) or math.isnan(reported[MEAN]):
        return {}
    best = min(choosing, key=lambda scope: choosing[scope])
    head = min((scope for scope in choosing if scope.head), key=lambda scope: choosing[scope])
    return {
        "scope": str(best),
        "reading": best.reading,
        "error_rate": round(reported[best], 3),
        "head": str(head),
        "head_reading": head.reading,
        "head_error_rate": round(reported[head], 3),
        "n_pairs": len(pairs) // 2,
    }
