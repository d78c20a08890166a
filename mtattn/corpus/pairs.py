"""Sentence pairs: what a pair is, when two are the same, and which part of a corpus each belongs to."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mtattn.errors import DataError
from mtattn.text import normalise

Part = Literal["train", "dev", "test"]

_WORDS = re.compile(r"\w+")
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Pair:
    """A source sentence and its translation, both normalised."""

    src: str
    tgt: str


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
                f"{str(self)!r} is not a direction of translation",
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
    folded = normalise(text.casefold())
    return " ".join(_WORDS.findall(folded)) or folded


def held_out_part(pair: Pair, direction: Direction, dev_share: float, test_share: float) -> Part:
    """Say to which part a pair belongs, from one of its sentences alone.

    The side whose language code sorts last is hashed, so that both directions hold out the same
    pairs, and adding pairs to a corpus moves none of the others.

    Args:
        pair: a pair in the given direction.
        direction: its languages.
        dev_share: share of the pairs that the dev part gets, 0 to 1.
        test_share: likewise for the test part; the two sum to 1 at most.
    """
    text = pair.src if direction.src > direction.tgt else pair.tgt
    digest = hashlib.blake2b(sentence_key(text).encode(), digest_size=8).digest()
    place = (int.from_bytes(digest) >> 11) / 2**53  # 53 bits: a float holds them exactly, below 1
    if place < test_share:
        return "test"
    return "dev" if place < test_share + dev_share else "train"


@dataclass
class PartsReport:
    """What became of the pairs of a corpus: each one read is counted in exactly one other number."""

    max_words: int
    dev_given: bool
    n_read: int = 0
    n_train: int = 0
    n_dev: int = 0
    n_test: int = 0
    n_duplicates: int = 0
    n_long: int = 0
    n_leaks: int = 0

    def lines(self) -> list[str]:
        """Say it in plain sentences for the log, leaving out what did not happen."""
        if self.dev_given:
            lines = [f"{self.n_train:,} pairs to train on, {self.n_dev:,} given for dev"]
        else:
            lines = [
                f"{self.n_train:,} pairs to train on; held out, chosen by the hash of the sentence: "
                f"{self.n_dev:,} for dev and {self.n_test:,} for test"
            ]
        held_out = "dev" if self.dev_given else "dev or test"
        dropped = [
            (self.n_duplicates, "repeat an earlier pair"),
            (self.n_long, f"have more than {self.max_words} words on a side"),
            (self.n_leaks, f"share a sentence with the {held_out} part"),
        ]
        return lines + [f"dropped pairs that {why}: {n:,}" for n, why in dropped if n]


@dataclass
class Parts:
    """A corpus in its three parts, each in the order in which the pairs were read."""

    report: PartsReport
    train: list[Pair] = field(default_factory=list)
    dev: list[Pair] = field(default_factory=list)
    test: list[Pair] = field(default_factory=list)


def split_pairs(
    pairs: Iterable[Pair],
    direction: Direction,
    *,
    dev: Iterable[Pair] | None,
    dev_share: float,
    test_share: float,
    max_words: int,
    unheld: Iterable[Pair] = (),
) -> Parts:
    """Split a corpus into what is trained on and what is held out, so that nothing stands in both.

    Args:
        pairs: the corpus.
        direction: its languages.
        dev: the dev part where it is given: it is kept as it is, there is no test part, and the
            two shares have no meaning. None: `held_out_part` chooses dev and test.
        dev_share: see `held_out_part`.
        test_share: see `held_out_part`.
        max_words: training pairs with more words than this between white space, on either side, are
            dropped. Pairs held out are kept at any length: dropping them would flatter the score.
        unheld: further pairs to train on, none of which is held out.

    Returns:
        Parts whose `train` shares no sentence key with dev or test, source with source and target
        with target, and has no pair twice. A part may be empty.
    """
    parts = Parts(PartsReport(max_words=max_words, dev_given=dev is not None))
    report = parts.report
    seen: set[Pair] = set()
    candidates: list[Pair] = []
    for pair in pairs:
        report.n_read += 1
        if pair in seen:
            report.n_duplicates += 1
            continue
        seen.add(pair)
        part = "train" if dev is not None else held_out_part(pair, direction, dev_share, test_share)
        {"train": candidates, "dev": parts.dev, "test": parts.test}[part].append(pair)
    if dev is not None:
        parts.dev = list(dev)
    for pair in unheld:
        report.n_read += 1
        report.n_duplicates += pair in seen
        if pair not in seen:
            seen.add(pair)
            candidates.append(pair)

    src_held_out = {sentence_key(pair.src) for pair in parts.dev + parts.test}
    tgt_held_out = {sentence_key(pair.tgt) for pair in parts.dev + parts.test}
    for pair in candidates:
        if max(len(pair.src.split()), len(pair.tgt.split())) > max_words:
            report.n_long += 1
        elif sentence_key(pair.src) in src_held_out or sentence_key(pair.tgt) in tgt_held_out:
            report.n_leaks += 1
        else:
            parts.train.append(pair)
    report.n_train, report.n_dev, report.n_test = len(parts.train), len(parts.dev), len(parts.test)
    return parts


def fingerprint(pairs: Iterable[Pair]) -> str:
    """Hash pairs in their order, so that a manifest can say on which data a model was trained.

    Args:
        pairs: normalised, so that no sentence holds a tab or a line end.

    Returns:
        SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.src}\t{pair.tgt}\n".encode())
    return digest.hexdigest()
