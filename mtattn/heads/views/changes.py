"""What differs between two texts, word by word."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from mtattn.tokenizer import split_words


def _marked(text: str, runs: Sequence[tuple[int, int]]) -> str:
    """Put brackets around runs of words, each from one word's number up to another's."""
    spans, start = [], 0
    for word in split_words(text):
        start = text.index(word, start)
        spans.append((start, start := start + len(word)))
    for first, end in reversed([run for run in runs if run[0] < run[1]]):
        start, stop = spans[first][0], spans[end - 1][1]
        text = f"{text[:start]}[{text[start:stop]}]{text[stop:]}"
    return text


def mark_changes(before: str, after: str) -> tuple[str, str]:
    """Put square brackets around the words in which two texts differ.

    Args:
        before: a text.
        after: what became of it.

    Returns:
        Both; without these brackets they are as they were, and two texts of the same words have none.

    Example:
        >>> mark_changes("The house is very big.", "The old home is big.")
        ('The [house] is [very] big.', 'The [old home] is big.')
    """
    matcher = SequenceMatcher(None, split_words(before), split_words(after), autojunk=False)
    changes = [(i, j, k, m) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"]
    return _marked(before, [(i, j) for i, j, _, _ in changes]), _marked(after, [(k, m) for _, _, k, m in changes])
