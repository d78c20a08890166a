"""What can be wrong with one sentence by itself, each said in words, "" where nothing is."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from html.entities import html5

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff\ufeff]"
    "|\u200b(?![\u0e00-\u109f\u1780-\u17ff])"  # which parts words in Thai, Lao, Tibetan, Burmese and Khmer
)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w*);")

# The bytes 0x80 to 0xBF, which go on with a character in UTF-8, as Windows-1252 or Latin-1 shows them.
_REST = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE = re.compile(
    f"(?<![A-ZÀ-Þ])Ã{_REST}|Ã{_REST}(?=\\w)"  # but not the end of IRMÃ…
    "|Â[\xa0-\xbf]|â€|â[‚„][\xa0-\xbf]|ï¿½|ï»¿|ðŸ"
    f"|(?:[ÎÏÐÑØÙ×]{_REST}){{2}}"  # Greek, Cyrillic, Arabic, Hebrew; one alone may be the end of «SEÑ»
)

_SPACES = (
    (re.compile(r"[\t\n\r]"), "a tab or a line break inside"),
    (re.compile(r"^\s"), "white space at the beginning"),
    (re.compile(r"\s$"), "white space at the end"),
    (re.compile(r"\s\s"), "white space twice in a row"),
    (re.compile(r"\w\s[,.](?!\S)"), "white space before a comma or a full stop"),
)

_OPENERS = {")": "(", "]": "[", "}": "{", "）": "（", "】": "【", "」": "「", "』": "『"}
_BRACKETS = re.compile(r"[()\[\]{}（）【】「」『』]")
_QUOTES = (("straight", '"'), ("curly", "“”„‟"), ("angle", "«»"))
# Faces, the marks of a list, and inches: brackets and quotes that have no partner.
_PARTNERLESS = re.compile(r"""(?<!\w)[:;=8xX]['-]?[()\[\]]+|(?:^|(?<=\s))\w{1,3}\)|(?<=\d)["”]""")

_ADDRESS = re.compile(r"(?<!\S)\S*?(?:://|www\.)\S*")
_ALONE = re.compile(r"""([("“«'\[])[?!¿¡]+(?=[)"”»'\]])""")  # (?) doubts, "?" is spoken of


def encoding_fault(raw: str) -> str:
    """Tell what shows that a text went through a wrong encoding, or was not meant for a reader's eyes.

    Args:
        raw: a sentence, not normalised.

    Example:
        >>> encoding_fault("maÃ±ana &amp; ayer")
        'Ã± is UTF-8 read as Latin-1 or Windows-1252, &amp; is an HTML entity'
    """
    if raw.isascii() and raw.isprintable() and "&" not in raw:
        return ""
    faults = []
    if "\ufffd" in raw:
        faults.append("U+FFFD stands where characters were lost")
    if match := _MOJIBAKE.search(raw):
        faults.append(f"{match[0]} is UTF-8 read as Latin-1 or Windows-1252")
    if entity := next((match[0] for match in _ENTITY.finditer(raw) if match[0][1] == "#" or match[0][1:] in html5), ""):
        faults.append(f"{entity} is an HTML entity")
    if match := _INVISIBLE.search(raw):
        faults.append(f"U+{ord(match[0]):04X} is a control or an invisible character")
    if not unicodedata.is_normalized("NFC", raw):
        faults.append("it is not in Unicode NFC")
    return ", ".join(faults)


def surplus_space(raw: str) -> str:
    """Tell where there is white space that should not be.

    Args:
        raw: a sentence, not normalised.
    """
    return next((what for pattern, what in _SPACES if pattern.search(raw)), "")


def unbalanced(text: str) -> str:
    """Tell which bracket or quotation mark has no partner.

    Args:
        text: a sentence, normalised.

    Example:
        >>> unbalanced("He said no (twice.")
        '( is never closed'
        >>> unbalanced("1) 5'11\\" tall :-)") == ""
        True
    """
    fault = _unbalanced(text)
    return fault and _unbalanced(_PARTNERLESS.sub("", text)) and fault


def _unbalanced(text: str) -> str:
    opened: list[str] = []
    for mark in _BRACKETS.findall(text):
        if mark not in _OPENERS:
            opened.append(mark)
        elif opened and opened[-1] == _OPENERS[mark]:
            opened.pop()
        else:
            return f"{mark} was never opened"
    if opened:
        return f"{opened[-1]} is never closed"
    odd = (f"an odd number of {name} quotation marks" for name, marks in _QUOTES if sum(map(text.count, marks)) % 2)
    return next(odd, "")


def unpaired_marks(text: str, openers: Mapping[str, str]) -> str:
    """Tell which question or exclamation mark lacks the inverted one before it, or the other way round.

    Marks in a row count as one (¿¡Qué!?), one within the other is right (¿Dijo «¡no!»?), and of ? and ! in a row it is
    enough that one was opened.

    Args:
        text: a sentence or several, normalised.
        openers: what opens what each closing mark ends: the language's `INVERTED_MARKS`.

    Example:
        >>> unpaired_marks("¿Qué? No. Sí?", {"?": "¿", "!": "¡"})
        '? without ¿ before it'
    """
    if not any(mark in text for marks in openers.items() for mark in marks):
        return ""
    text = _ALONE.sub(r"\1", _ADDRESS.sub("", text))
    opened: list[str] = []
    for run in _runs("".join(openers), "".join(openers.values())).findall(text):
        if run[0] not in openers:
            opened.append(run)
            continue
        partner = next(
            (i for i in reversed(range(len(opened))) if any(openers[mark] in opened[i] for mark in run)), None
        )
        if partner is None:
            return f"{run[0]} without {openers[run[0]]} before it"
        del opened[partner]
    if opened:
        mark = opened[-1][0]
        return f"{mark} without {next(closer for closer, opener in openers.items() if opener == mark)} after it"
    return ""


@cache
def _runs(closers: str, openers: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(closers)}]+|[{re.escape(openers)}]+")
