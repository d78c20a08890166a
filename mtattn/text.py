"""The one form of text that all of mtattn works on: NFC, one line, no control characters."""

import codecs
import json
import re
import unicodedata

# Categories Cc, Cs, Zl and Zp, and the marks that turn the direction of the text around them.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_MARKS_OF_ORDER = {  # UTF-32's little-endian one begins with UTF-16's
    "UTF-32": b"\xff\xfe\0\0",
    "UTF-32BE": b"\0\0\xfe\xff",
    "UTF-16": b"\xff\xfe",
    "UTF-16BE": b"\xfe\xff",
}
_MANY_BROKEN = 5  # bytes beyond ASCII, none of which spells a character in UTF-8

# To sort the marks on a character takes quadratic time; only text longer than this could take seconds.
_LONG = 1_000
_MOST_MARKS = 30  # Unicode Standard Annex 15, §13, the Stream-Safe Text Format


def without_controls(text: str) -> str:
    """Replace each control character, line separator and bidirectional override by a space."""
    return text if text.isprintable() else _CONTROLS.sub(" ", text)  # no printable character is one of them


def lines_without_controls(text: str) -> str:
    """Replace the same in text of several lines, whose line feeds stay.

    Example:
        >>> lines_without_controls("one\\ntwo\\x1b[31m")
        'one\\ntwo [31m'
    """
    return "\n".join(map(without_controls, text.split("\n")))


def visible(label: str) -> str:
    """Let a label be seen that is a mark without its letter, or nothing visible at all.

    Example:
        >>> visible("\u0303"), visible("\u200d"), visible("gato")
        ('◌̃', 'U+200D', 'gato')
    """
    if label and all(unicodedata.category(character) in ("Cf", "Zs") for character in label):
        return " ".join(f"U+{ord(character):04X}" for character in label)
    return f"◌{label}" if unicodedata.category(label[:1] or " ").startswith("M") else label


def foreign_encoding(start: bytes) -> str:
    """Guess from the beginning of a text in which encoding it is, where that is not UTF-8.

    Args:
        start: some thousand bytes, or all.

    Returns:
        A name that iconv knows; "" for UTF-8, also with some broken bytes.

    Example:
        >>> foreign_encoding("¿Qué?".encode("utf-16-le")), foreign_encoding("¿Qué?".encode())
        ('UTF-16LE', '')
    """
    for encoding, mark in _MARKS_OF_ORDER.items():
        if start.startswith(mark):
            return encoding
    n_nul, n_even_nul = start.count(0), start[::2].count(0)
    if n_nul > max(2, len(start) / 5):  # of Latin text every other byte in UTF-16, three of four in UTF-32
        order = "BE" if start[:1] == b"\0" else "LE"
        return ("UTF-32" if min(n_even_nul, n_nul - n_even_nul) > len(start) / 8 else "UTF-16") + order
    characters = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(start)
    n_broken = sum("\udc80" <= character <= "\udcff" for character in characters)
    if n_broken >= _MANY_BROKEN and n_broken == sum(character > "\x7f" for character in characters):
        return "WINDOWS-1252"
    return ""


def normalise(text: str) -> str:
    """Write a text in the one form that all later stages see.

    Unicode NFC; control characters, line separators, lone surrogates and bidirectional overrides
    become spaces; each run of white space becomes one space; none is left at the ends. In long text
    a character keeps 30 combining marks at most; no writing has more.

    Returns:
        One line; normalising it again changes nothing.

    Example:
        >>> normalise(" ¿Que\u0301\\ttal? ")
        '¿Qué tal?'
    """
    if len(text) > _LONG and not text.isascii():
        text = _without_towers(text)
    text = unicodedata.normalize("NFC", text)
    if text.isprintable() and "  " not in text and text == text.strip():
        return text  # as most are: of white space the space alone is printable
    return " ".join(without_controls(text).split())


def _without_towers(text: str) -> str:
    kept, height = [], 0
    for character in text:
        if unicodedata.combining(character):
            height += len(unicodedata.normalize("NFD", character))
        else:
            height = 0
        if height <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def counted(n: int, noun: str) -> str:
    """Write a number with its noun, whose plural ends in s.

    Example:
        >>> counted(1, "pair"), counted(2000, "pair")
        ('1 pair', '2,000 pairs')
    """
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def json_line(value: object) -> str:
    """Write a value as one line of JSON, control characters escaped.

    Raises:
        ValueError: a number is not finite.

    Example:
        >>> json_line({"text": "año", "n": 1})
        '{"text": "año", "n": 1}'
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
