"""How many of a language's commonest words a corpus holds, by the frequency lists of wordfreq."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from mtattn.errors import DataError
from mtattn.tokenizer import split_words

OFTEN = 5
"""In so many sentences a word stands often, in fewer rarely."""

_ONE_LETTER_WORDS = {"es": "aeouy", "en": "ai", "fr": "aày", "it": "aeioè", "pt": "aeoàéó"}
_END_OF_LATIN = "\u0250"


@dataclass(frozen=True, slots=True)
class WordCoverage:
    """What a corpus holds of the commonest words of a language.

    Attributes:
        n_often: words that stand in `OFTEN` sentences or more.
        rare: words in fewer, the commonest of the language first.
        missing: words in none, likewise.
    """

    n_often: int
    rare: tuple[str, ...]
    missing: tuple[str, ...]


def _is_word(entry: str, language: str) -> bool:
    """Say whether an entry of a frequency list is a word: no digits, no letter that is only a letter."""
    if any(map(str.isdigit, entry)) or split_words(entry) != [entry]:
        return False
    return len(entry) > 1 or entry >= _END_OF_LATIN or entry in _ONE_LETTER_WORDS.get(language, "")


def commonest_words(language: str, n: int) -> list[str]:
    """Name the commonest words of a language.

    Args:
        language: an ISO 639 code.
        n: how many; fewer come where the list ends.

    Returns:
        Words in small letters, the commonest first, each one word for `split_words`.

    Raises:
        DataError: wordfreq is not installed, or has no list of the language.
    """
    try:
        from wordfreq import available_languages, iter_wordlist
    except ImportError as error:
        raise DataError(
            "coverage of common words is left out: wordfreq is not installed",
            fix="install it with pip install 'mtattn[coverage]'",
        ) from error
    if language not in available_languages():
        raise DataError(f"coverage of common words is left out for {language}: wordfreq has no list of it")
    words = (entry for entry in iter_wordlist(language) if _is_word(entry, language))
    return list(islice(words, n))


def cover(words: list[str], sentences_with: Mapping[str, int]) -> WordCoverage:
    """Look words up in a corpus.

    Args:
        words: in small letters.
        sentences_with: the number of sentences with a word, for the words that occur.

    Example:
        >>> cover(["the", "of", "and"], {"the": 5, "of": 4})
        WordCoverage(n_often=1, rare=('of',), missing=('and',))
    """
    counts = [(word, sentences_with.get(word, 0)) for word in words]
    return WordCoverage(
        sum(count >= OFTEN for _, count in counts),
        tuple(word for word, count in counts if 0 < count < OFTEN),
        tuple(word for word, count in counts if count == 0),
    )
