"""Sentence pairs: what a pair is, when two sentences are the same, and where each stands by its hash."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mtattn.errors import DataError
from mtattn.text import normalise

_WORDS = re.compile(r"\w+")
# What ASCII characters become in words, the others being spaces; three times as fast as the pattern.
_ASCII_WORDS = bytes(ord(char.casefold() if _WORDS.match(char) else " ") for char in map(chr, range(128))).ljust(256)
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Pair:
    """A source sentence and its translation, both normalised."""

    src: str
    tgt: str


def evenly(items: Sequence[Item], n: int) -> list[Item]:
    """Take n of the items, evenly spaced, or all if there are no more.

    Example:
        >>> evenly("abcdef", 3)
        ['a', 'c', 'e']
    """
    n = min(n, len(items))
    return [items[i * len(items) // n] for i in range(n)]


@dataclass(frozen=True)
class Direction:
    """From which language into which, as ISO 639 codes.

    Raises:
        DataError: a code is none, or both are the same.
    """

    src: str
    tgt: str

    def __post_init__(self) -> None:
        codes = (self.src, self.tgt)
        if self.src == self.tgt or not all(_LANGUAGE_CODE.fullmatch(code) for code in codes):
            raise DataError(
                f"{str(self).removesuffix('-')!r} is not a direction of translation",
                fix="write two different language codes, such as es-en",
            )

    @classmethod
    def parse(cls, text: str) -> "Direction":
        """Read a direction as it is typed.

        Args:
            text: two language codes with a hyphen between them, in either case.

        Raises:
            DataError: it is anything else.

        Example:
            >>> Direction.parse("es-en").tgt
            'en'
        """
        src, _, tgt = text.strip().lower().partition("-")
        return cls(src, tgt)

    def __str__(self) -> str:
        return f"{self.src}-{self.tgt}"


def sentence_key(text: str) -> str:
    """Give sentences that differ only in case, punctuation or white space the same key.

    Returns:
        The words in small letters with single spaces; the whole text where it has no word.

    Example:
        >>> sentence_key("Hello, Tom!") == sentence_key("hello tom")
        True
    """
    if text.isascii():
        words = text.encode().translate(_ASCII_WORDS).decode().split()
    else:
        words = _WORDS.findall(unicodedata.normalize("NFC", text.casefold()))
    return " ".join(words) or normalise(text.casefold())


def held_out_place(key: str) -> float:
    """Give a sentence its place between 0 and 1, from its hash alone: the lowest ones are held out.

    It is asked of the side whose language code sorts last, so that both directions hold out the same pairs, and adding
    pairs to a corpus moves none of the others.

    Args:
        key: see `sentence_key`.

    Returns:
        0 ≤ place < 1, the same in every process.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53  # 53 bits: a float holds them exactly, below 1


def as_line(pair: Pair) -> bytes:
    """Write a pair as source, tab, target, in UTF-8; normalised sentences hold neither a tab nor a line end."""
    return f"{pair.src}\t{pair.tgt}".encode()


def fingerprint(lines: Iterable[bytes]) -> str:
    """Hash pairs in their order, so that a manifest can say on which data a model was trained.

    Args:
        lines: see `as_line`.

    Returns:
        SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()
