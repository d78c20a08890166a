"""The one form of text that all of mtattn works on: NFC, one line, no control characters."""

import json
import re
import unicodedata

# Categories Cc, Cs, Zl and Zp, and the marks that turn the direction of the text around them.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def without_controls(text: str) -> str:
    """Replace each control character, line separator and bidirectional override by a space."""
    return text if text.isprintable() else _CONTROLS.sub(" ", text)  # no printable character is one of them


def normalise(text: str) -> str:
    """Write a text in the one form that all later stages see.

    Unicode NFC; control characters, line separators, lone surrogates and bidirectional overrides
    become spaces; each run of white space becomes one space; none is left at the ends.

    Returns:
        One line; normalising it again changes nothing.

    Example:
        >>> normalise(" ¿Que\u0301\\ttal? ")
        '¿Qué tal?'
    """
    text = unicodedata.normalize("NFC", text)
    if text.isprintable() and "  " not in text and text == text.strip():
        return text  # as most are: of white space the space alone is printable
    return " ".join(without_controls(text).split())


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
