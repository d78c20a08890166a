"""What can be wrong between the two sentences of a pair, each said in words, "" where nothing is."""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import median_low
from typing import Literal

from mtattn.corpus.checks.findings import SIDES, excerpt
from mtattn.corpus.languages import FUNCTION_WORDS, foreign_language, guess_language, language_evidence
from mtattn.corpus.pairs import Direction, Pair, sentence_key

# Weaker evidence comes about by chance: with this, none of 142,000 pairs seemed swapped.
_LEAST_SWAP_EVIDENCE = 3

_CHARACTER_VARIANCE = 6.8  # Gale and Church 1993, §3.2
_MOST_DEVIATIONS = 2.25
_LEAST_RATIO = 2.0  # long texts stray further than that variance says
_MOST_ALIKE_WORDS = 2


def copied(pair: Pair) -> str:
    """Tell that a sentence was not translated; a word or two and names may well be the same in two languages."""
    words = pair.src.split()
    if len(words) <= _MOST_ALIKE_WORDS or sentence_key(pair.src) != sentence_key(pair.tgt):
        return ""
    n_names = sum(word != word.lower() or not any(map(str.isalpha, word)) for word in words)
    return "" if n_names >= len(words) / 2 else f"the target is the source: {excerpt(pair.src)}"


def swapped(pair: Pair, direction: Direction) -> str:
    """Tell that the source is in the target's language and the target in the source's."""
    of_src = language_evidence(pair.src, direction.tgt, against=direction.src)
    of_tgt = language_evidence(pair.tgt, direction.src, against=direction.tgt)
    if min(of_src, of_tgt) < 1 or of_src + of_tgt < _LEAST_SWAP_EVIDENCE:
        return ""
    return f"the source looks like {direction.tgt}, the target like {direction.src}: {excerpt(pair.src)}"


def foreign(pair: Pair, direction: Direction) -> str:
    """Tell that a sentence is in another language than its side should be."""
    for side, text, expected in zip(SIDES, (pair.src, pair.tgt), (direction.src, direction.tgt), strict=True):
        if found := foreign_language(text, expected):
            return f"the {side} looks like {found}, not {expected}: {excerpt(text)}"
    return ""


def misplaced(pairs: Sequence[Pair], direction: Direction) -> tuple[Literal["swapped", "language"], str] | None:
    """Tell that the sides of many pairs of one file are swapped, or one of them in another language."""
    sides = zip(*((pair.src, pair.tgt) for pair in pairs), strict=True) if pairs else ()
    guesses = [guess_language(side) for side in sides]
    if guesses == [direction.tgt, direction.src]:
        return "swapped", f"the whole file: the sources look like {direction.tgt}, the targets like {direction.src}"
    for side, found, expected in zip(SIDES, guesses, (direction.src, direction.tgt), strict=False):
        # A language that is not known may well look like a relative of it that is.
        if expected in FUNCTION_WORDS and found not in (None, expected):
            return "language", f"the whole file: the {side}s look like {found}, not {expected}"
    return None


def usual_ratio(pairs: Iterable[Pair]) -> float:
    """Say how many characters the target has for each of the source: the median."""
    ratios = [len(pair.tgt) / len(pair.src) for pair in pairs]
    return median_low(ratios) if ratios else 1.0


def odd_length(pair: Pair, ratio: float) -> str:
    """Tell that one sentence is much longer than the other (δ of Gale and Church 1993, §3.2).

    Args:
        pair: normalised, neither side empty.
        ratio: target characters for one of the source, as is usual in the corpus.
    """
    expected, found = len(pair.src) * ratio, len(pair.tgt)
    deviations = abs(found - expected) / sqrt(_CHARACTER_VARIANCE * (expected + found) / 2)
    if deviations <= _MOST_DEVIATIONS or max(expected, found) < _LEAST_RATIO * min(expected, found):
        return ""
    return f"{len(pair.src):,} characters against {found:,}: {excerpt(pair.src)}, {excerpt(pair.tgt)}"
