"""Word alignments read off the cross-attention."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mtattn.alignment.links import Gold, Links, Symmetrisation, alignment_score, symmetrise
from mtattn.corpus.lengths import batches_by_length
from mtattn.errors import InputError
from mtattn.heads.capture import Labels, forced_weights, piece_map
from mtattn.heads.record import AttentionMap, Selection
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

    Example:
        >>> str(Scope()), str(Scope(2)), Scope.parse("cross.2.5")
        ('cross', 'cross.2', Scope(layer=2, head=5))
    """

    layer: int | None = None
    head: int | None = None

    def __str__(self) -> str:
        return ".".join(map(str, ("cross", *(self if self.head else self[:1])) if self.layer else ("cross",)))

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Read what was written.

        Raises:
            InputError: it is no scope.
        """
        kind, *numbers = text.split(".")
        if kind != "cross" or len(numbers) > 2 or not all(n.isdecimal() and int(n) for n in numbers):
            raise InputError("this names no part of the cross-attention", where=text, fix="write cross.LAYER.HEAD")
        return cls(*map(int, numbers))

    @classmethod
    def recorded(cls, manifest: dict[str, Any]) -> "Scope":
        """Find what the training of a run saw align best; the mean of all where it recorded nothing."""
        recorded = manifest.get("alignment")
        return cls.parse(str(recorded["scope"])) if isinstance(recorded, dict) and "scope" in recorded else cls()


MEAN = Scope()


def row_links(selection: Selection) -> Links:
    """Link each output word to the source word that it attends to most.

    Weight on </s> is left out: it is where heads rest when they have nothing to ask, no word. The row
    of a word is that of the step which emits it.

    Args:
        selection: of the cross-attention between words, </s> last in rows and columns.
    """
    weights = selection.weights[:-1, :-1]
    if not weights.size:
        return []
    return sorted((int(s), t) for t, s in enumerate(weights.argmax(axis=1)))


def column_links(selection: Selection) -> Links:
    """Link each source word to the output word that attends to it most, if that gives it a tenth of its weight.

    So two source words can have one output word between them, which no row says.

    Args:
        selection: as for `row_links`.
    """
    weights = selection.weights[:-1, :-1]
    if not weights.size:
        return []
    return [(s, int(t)) for s, t in enumerate(weights.argmax(axis=0)) if weights[t, s] >= _LEAST_WEIGHT]


def read_links(selection: Selection, how: Symmetrisation = Symmetrisation.grow_diag_final_and) -> Links:
    """Put together what the rows and what the columns of a map say."""
    return symmetrise(row_links(selection), column_links(selection), how)


def word_maps(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[int, AttentionMap | None]]:
    """Take the cross-attention between the words of given sentence pairs.

    Args:
        model: trained; it is made to write the given targets.
        tokenizer: its own.
        pairs: source and target texts; words are counted as `split_words` finds them.

    Yields:
        Number and map of each pair that has words on both sides, in another order; None in place of the map where a
        side has more tokens than the model has positions.
    """
    encoded = [(tokenizer.encode(src), tokenizer.encode(tgt)) for src, tgt in pairs]
    possible = []
    for i, (src, tgt) in enumerate(encoded):
        if max(len(src), len(tgt)) >= model.max_positions:
            yield i, None
        elif src and tgt:
            possible.append(i)
    sizes = [sum(map(len, encoded[i])) + 2 for i in possible]
    for batch in batches_by_length(sizes, _BATCH_TOKENS):
        members = [possible[n] for n in batch]
        sources, targets = [encoded[i][0] for i in members], [encoded[i][1] for i in members]
        weights = forced_weights(model, sources, targets)
        for n, i in enumerate(members):
            rows, columns = Labels.until_eos(tokenizer, targets[n]), Labels.until_eos(tokenizer, sources[n])
            yield i, piece_map("cross", weights.cross, n, rows, columns).merged(rows.words, columns.words)


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
        result[i] = read_links(words.select(*scope), how) if words else None
    return result


def error_rates(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], right: Sequence[Links]
) -> dict[Scope, float]:
    """Measure all that can be read of a model's cross-attention: the mean of all, of each layer, and each head.

    Args:
        model: trained.
        tokenizer: its own.
        pairs: source and target texts.
        right: for each pair the links that are held to be right.

    Returns:
        The alignment error rate of each scope, over the pairs that fit the model.
    """
    n_layers, n_heads = len(model.decoder), model.n_heads
    scopes = [
        MEAN,
        *(Scope(layer, head) for layer in range(1, n_layers + 1) for head in (None, *range(1, n_heads + 1))),
    ]
    found: dict[Scope, list[Links]] = {scope: [] for scope in scopes}
    gold = []
    for i, words in word_maps(model, tokenizer, pairs):
        if words:
            gold.append(Gold(frozenset(right[i]), frozenset(right[i])))
            for scope in scopes:
                found[scope].append(read_links(words.select(*scope)))
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
        The best `scope`, the best single `head`, and the error rates that both have on the second, fourth, … of the
        pairs, of which there are `n_pairs`. Nothing where no pair is left to choose by or to report on.
    """
    choosing, reported = (error_rates(model, tokenizer, pairs[n::2], right[n::2]) for n in (0, 1))
    if math.isnan(choosing[MEAN]) or math.isnan(reported[MEAN]):
        return {}
    best = min(choosing, key=lambda scope: choosing[scope])
    head = min((scope for scope in choosing if scope.head), key=lambda scope: choosing[scope])
    return {
        "scope": str(best),
        "error_rate": round(reported[best], 3),
        "head": str(head),
        "head_error_rate": round(reported[head], 3),
        "n_pairs": len(pairs) // 2,
    }
