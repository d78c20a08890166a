"""What a study's numbers say, in two or three sentences."""

import math
from collections.abc import Sequence

from mtattn.heads.record import Kind
from mtattn.study.results import HeadCount

_USUAL_HEADS = 8
_PLACES: dict[Kind, str] = {"cross": "cross-attention", "encoder": "the encoder", "decoder": "the decoder"}


def chance_apart(n: int) -> float:
    """Say how often the scores of two sets of n equally good models lie wholly apart by chance: 2 n!² / (2n)!.

    Example:
        >>> [round(chance_apart(n), 3) for n in (2, 3, 4)]
        [0.333, 0.1, 0.029]
    """
    return 2 / math.comb(2 * n, n)


def _heads(n: int) -> str:
    return f"{n} head" if n == 1 else f"{n} heads"


def _difference(best: HeadCount, other: HeadCount) -> str:
    """Say whether two numbers of heads differ by more than the spread: whether their ranges lie apart."""
    apart, n = best.low > other.high, best.n_models
    ranges = "95% intervals" if n == 1 else f"ranges over {n} seeds"
    told = (
        f"The difference to {_heads(other.n_heads)}, {best.bleu - other.bleu:.1f}, is {'' if apart else 'not '}larger "
        f"than the spread: their {ranges} {'lie apart' if apart else 'overlap'}"
    )
    if n == 1:
        return f"{told}; how much another seed would change was not measured."
    by_chance = f"; two that are equally good do so by chance in {chance_apart(n):.0%} of cases" if apart else ""
    return f"{told}{by_chance}."


def _diversity(counts: Sequence[HeadCount]) -> str:
    """Say how the diversity of heads changes from the fewest to the most; "" where there is nothing to compare."""
    told, ends = [], ""
    for kind, place in _PLACES.items():
        known = [(count.n_heads, value) for count in counts if (value := count.diversity[kind]) is not None]
        if len(known) > 1:
            (fewest, before), (most, after) = known[0], known[-1]
            verb = "stays at" if f"{before:.2f}" == f"{after:.2f}" else "rises from" if after > before else "falls from"
            told.append(f"{verb} {before:.2f}" + ("" if verb == "stays at" else f" to {after:.2f}") + f" in {place}")
            ends = f"From {fewest} to {_heads(most)}"
    return f"{ends} the diversity of heads {', '.join(told)}." if told else ""


def conclude(counts: Sequence[HeadCount]) -> str:
    """Say which number of heads is best, whether that is more than the spread, and how diversity changes.

    The best is compared with the usual 8 heads, or where it is these or they are not there, with the second best.

    Args:
        counts: from `by_heads`, at least one.
    """
    ranked = sorted(counts, key=lambda count: -count.bleu)
    best, rest = ranked[0], ranked[1:]
    how = "a single model" if best.n_models == 1 else f"the mean of {best.n_models} seeds"
    sentences = [f"The best BLEU, {best.bleu:.1f} ({how}), has {_heads(best.n_heads)}."]
    if rest:
        usual = [count for count in rest if count.n_heads == _USUAL_HEADS]
        sentences.append(_difference(best, (usual or rest)[0]))
    diversity = _diversity(counts)
    return " ".join([*sentences, diversity] if diversity else sentences)
