"""Which column holds the source and which the target: by request, by names, by words, or assumed."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mtattn.corpus.languages import LANGUAGE_NAMES, guess_language, is_name_of
from mtattn.corpus.pairs import Direction
from mtattn.corpus.tables import Cells
from mtattn.errors import DataError

Key = int | str

_SOURCE_NAMES = ("src", "source")
_TARGET_NAMES = ("tgt", "trg", "target")
_NAME_PARTS = re.compile(r"[-_.]")


class Columns(NamedTuple):
    """The two columns, and a sentence that says which they are and why."""

    src: Key
    tgt: Key
    sentence: str


def header_names(cells: Cells, direction: Direction, wanted: tuple[str, str] | None) -> dict[Key, str] | None:
    """Take the first row's cells for the columns' names, if that is what they are.

    Args:
        cells: of the first row that is neither blank nor broken.
        direction: the languages to look for.
        wanted: the columns asked for: the first row that holds one by name is a header.

    Returns:
        Names by column, or None for a row of sentences.
    """
    names: dict[Key, str] = {key: str(cell).strip() for key, cell in cells.items()}
    languages = {code for code in LANGUAGE_NAMES for name in names.values() if is_name_of(name, code)}
    asked_for = wanted is not None and any(_number(want) is None and want in names.values() for want in wanted)
    if asked_for or len(languages) > 1 or _by_names(names, direction):
        return names
    return None


def choose_columns(
    rows: Sequence[Cells],
    names: Mapping[Key, str],
    direction: Direction,
    wanted: tuple[str, str] | None,
    noun: str,
) -> Columns:
    """Choose the source and the target column.

    Args:
        rows: the first rows of sentences, at least one.
        names: the columns in their order, with their names or "".
        direction: the languages to look for.
        wanted: the source and the target column as the user named them, each a name or a number
            counted from 1; None = find out.
        noun: what to call columns in the sentence.

    Raises:
        DataError: the columns asked for do not exist, or there are not two.
    """
    guesses = {key: guess_language(str(row[key]) for row in rows if key in row) for key in names}
    if wanted is not None:
        src, tgt = (_find(want, names) for want in wanted)
        if src == tgt:
            raise DataError(f"source and target are both column {src!r}", fix="name two different columns")
        why = "as asked for"
    elif found := _by_names(names, direction):
        (src, tgt), why = found, "by their names"
    else:
        src, tgt, why = _by_words(rows, names, direction, guesses)
    sentence = f"{noun} {src} ({direction.src}) and {tgt} ({direction.tgt}), {why}"
    sides = ((src, direction.src), (tgt, direction.tgt))
    warnings = [
        f"the words of {key} look like {guesses[key]}, not {code}"
        for key, code in sides
        if guesses[key] not in (None, code)
    ]
    return Columns(src, tgt, sentence + ("; warning: " + ", ".join(warnings) if warnings else ""))


def _by_names(names: Mapping[Key, str], direction: Direction) -> tuple[Key, Key] | None:
    def first(language: str, whole: bool) -> Key | None:
        for key, name in names.items():
            parts = [name] if whole or " " in name else _NAME_PARTS.split(name)
            if any(is_name_of(part, language) for part in parts):
                return key
        return None

    # `es_score` may stand before `es`: whole names first.
    for whole in (True, False):
        src, tgt = first(direction.src, whole), first(direction.tgt, whole)
        if src is not None and tgt is not None and src != tgt:
            return src, tgt
    keys = {name.casefold(): key for key, name in names.items()}
    src = next((keys[name] for name in _SOURCE_NAMES if name in keys), None)
    tgt = next((keys[name] for name in _TARGET_NAMES if name in keys), None)
    return None if src is None or tgt is None else (src, tgt)


def _by_words(
    rows: Sequence[Cells],
    names: Mapping[Key, str],
    direction: Direction,
    guesses: Mapping[Key, str | None],
) -> tuple[Key, Key, str]:
    texts = [key for key in names if any(isinstance(row.get(key), str) for row in rows)]
    if len(texts) < 2:
        texts = list(names)
    if len(texts) < 2:
        raise DataError("there is only one column of text, where a pair needs two", fix="name another file")
    src = next((key for key in texts if guesses[key] == direction.src), None)
    tgt = next((key for key in texts if guesses[key] == direction.tgt), None)
    if src is not None and tgt is not None:
        return src, tgt, "found out from their words"
    if src is not None:
        tgt = next(key for key in texts if key != src)
        return src, tgt, f"found out from the words of {src}; that {tgt} goes with it is an assumption"
    if tgt is not None:
        src = next(key for key in texts if key != tgt)
        return src, tgt, f"found out from the words of {tgt}; that {src} goes with it is an assumption"
    return texts[0], texts[1], "an assumption: neither names nor words tell which is which"


def _find(want: str, names: Mapping[Key, str]) -> Key:
    for key, name in names.items():
        if name == want:
            return key
    number = _number(want)
    if number is not None and 1 <= number <= len(names):
        return list(names)[number - 1]
    named = [repr(name) for name in names.values() if name]
    has = f"the columns are {', '.join(named)}" if named else f"there are {len(names)} columns without names"
    raise DataError(f"there is no column {want!r}", fix=f"{has}; name two of them, or count them from 1")


def _number(want: str) -> int | None:
    return int(want) if want.isascii() and want.isdecimal() else None
