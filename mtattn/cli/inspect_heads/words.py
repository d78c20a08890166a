"""Finds the word of a sentence that an option names."""

from collections.abc import Sequence

from mtattn.errors import InputError


def find_word(words: Sequence[str], asked: str, option: str) -> int:
    """Find a word by its spelling, its spelling and occurrence (`the#2`), or its position from 1.

    Args:
        words: those of the sentence, the last one </s>.
        asked: as it was typed; case matters.
        option: where it was typed, for messages.

    Returns:
        Its index, from 0.

    Raises:
        InputError: no word or more than one is meant.

    Example:
        >>> [find_word(["the", "cat", "the", "</s>"], asked, "--why") for asked in ("cat", "the#2", "4")]
        [1, 2, 3]
    """
    places = [i for i, word in enumerate(words) if word == asked]
    spelling, mark, occurrence = asked.rpartition("#")
    if not places and mark and occurrence.isdecimal():
        same = [i for i, word in enumerate(words) if word == spelling]
        places = same[int(occurrence) - 1 :][:1] if int(occurrence) else []
    elif asked.isdecimal() and 1 <= int(asked) <= len(words):
        places = sorted({*places, int(asked) - 1})
    if len(places) == 1:
        return places[0]
    listed = ", ".join(f"{i} {word}" for i, word in enumerate(words, 1))
    if places:
        what = f"this names {len(places)} words, {' and '.join(str(i + 1) for i in places)}"
    else:
        what = "there is no such word" if asked.strip() else "no word is named"
    raise InputError(
        what,
        where=f"{option} {asked}".rstrip(),
        fix=f"name one by its place or as it is written, the second of two as in the#2: {listed}",
    )
