"""Writes sentence pairs in the formats that `readers` reads."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from mtattn.corpus.pairs import Direction, Pair
from mtattn.errors import DataError
from mtattn.files import open_whole


def _tsv(pair: Pair, direction: Direction) -> tuple[str]:
    return (f"{pair.src}\t{pair.tgt}",)


def _jsonl(pair: Pair, direction: Direction) -> tuple[str]:
    return (json.dumps({direction.src: pair.src, direction.tgt: pair.tgt}, ensure_ascii=False),)


def _moses(pair: Pair, direction: Direction) -> tuple[str, str]:
    return pair.src, pair.tgt


_LINES: dict[str, Callable[[Pair, Direction], tuple[str, ...]]] = {".tsv": _tsv, ".jsonl": _jsonl}


def write_pairs(pairs: Iterable[Pair], target: str, direction: Direction) -> int:
    """Write pairs to files, whole or not at all.

    Args:
        pairs: normalised, so that no sentence holds a tab or a line end; drawn one by one.
        target: FILE.tsv, FILE.jsonl (an object a line, its keys the language codes), or a Moses pair
            `a.es,a.en` of line-aligned files.
        direction: the languages.

    Returns:
        The number of pairs written.

    Raises:
        DataError: the name of the target tells no format, its folder is missing, or both files are one.
        OutputError: a file cannot be written.
    """
    paths = [Path(part) for part in target.split(",")] if target.count(",") == 1 else [Path(target)]
    lines = _moses if len(paths) == 2 else _LINES.get(paths[0].suffix.lower())
    if lines is None:
        raise DataError("the name tells no format", where=target, fix="write FILE.tsv, FILE.jsonl, or a.es,a.en")
    for path in paths:
        if not path.parent.is_dir():
            raise DataError("there is no such folder", where=path.parent, fix="make it, or name another place")
    if len({path.resolve() for path in paths}) < len(paths):
        raise DataError("the two files are the same", where=target, fix="name two, such as a.es,a.en")
    n = 0
    with open_whole(*paths) as files:
        for pair in pairs:
            n += 1
            for file, line in zip(files, lines(pair, direction), strict=True):
                file.write(f"{line}\n".encode())
    return n
