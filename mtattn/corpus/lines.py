"""Lines of a text file, each with its number and what is wrong with it.

A line ends at LF or CR LF and nowhere else: a sentence may hold U+2028, U+0085 or a vertical tab, at
which `str.splitlines` would tear it, and every line after it would be paired with the wrong one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mtattn.errors import DataError
from mtattn.text import foreign_encoding

MAX_LINE_BYTES = 1_000_000
"""A longer line is no sentence, and reading on could fill the memory."""

_CHUNK_BYTES = 1 << 20


class Line(NamedTuple):
    """A line without its end: `number` counts from 1, `fault` is "" or says what is wrong with it."""

    number: int
    text: str
    fault: str = ""


def read_lines(path: Path) -> Iterator[Line]:
    """Read a text file in UTF-8, with or without a byte order mark, line by line.

    Yields:
        Every line, so that numbers and pairings hold; a faulty one has its fault and a text that
        stands for it only roughly.

    Raises:
        DataError: the file is missing, cannot be read, is empty, or is not in UTF-8 at all.
    """
    try:
        with path.open("rb") as stream:
            _check_start(stream.peek(4096), path)
            number = 0
            while raw := stream.readline(MAX_LINE_BYTES + 2):
                number += 1
                ended = raw.endswith(b"\n")
                raw = raw.removesuffix(b"\n").removesuffix(b"\r")
                if len(raw) > MAX_LINE_BYTES:
                    while not ended and (rest := stream.readline(_CHUNK_BYTES)):
                        ended = rest.endswith(b"\n")
                    yield Line(number, "", f"the line is longer than {MAX_LINE_BYTES:,} bytes")
                else:
                    yield _decode(number, raw)
    except OSError as error:
        raise unreadable(path, error) from error


def count_lines(path: Path) -> int:
    """Count the lines that `read_lines` would yield.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    n_lines, last = 0, b"\n"
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                n_lines += chunk.count(b"\n")
                last = chunk[-1:]
    except OSError as error:
        raise unreadable(path, error) from error
    return n_lines + (last != b"\n")


def unreadable(path: Path, error: OSError) -> DataError:
    """Say why a file cannot be read and what to do about it."""
    if isinstance(error, FileNotFoundError):
        return DataError("there is no such file", where=path, fix="check the path for a slip")
    if isinstance(error, PermissionError):
        return DataError("you may not read the file", where=path, fix="change its permissions")
    return DataError(f"the file cannot be read: {error.strerror or error}", where=path)


def empty_file(path: Path) -> DataError:
    """Say that a file has no content."""
    return DataError("the file is empty", where=path, fix="name a file with sentence pairs")


def _check_start(start: bytes, path: Path) -> None:
    if not start:
        raise empty_file(path)
    if encoding := foreign_encoding(start):
        raise DataError(
            f"the file is not in UTF-8; it looks like {encoding}",
            where=path,
            fix=f"convert it: iconv -f {encoding} -t UTF-8 {path.name} > new{path.suffix}",
        )


def _decode(number: int, raw: bytes) -> Line:
    fault = ""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        text = raw.decode(errors="replace")
        fault = f"byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is not UTF-8"
    if not fault and "\0" in text:
        fault = f"byte {raw.index(0) + 1} of the line is NUL"
    return Line(number, text.removeprefix("\ufeff") if number == 1 else text, fault)
