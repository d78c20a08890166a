"""Lines in and lines out: files, standard input and output, a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mtattn.errors import InputError, OutputError
from mtattn.text import counted, foreign_encoding

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST_LINE = 2**24  # bytes: longer text fills the memory


@dataclass
class LineReader:
    """Lines of text, one for each line of bytes; a line ends at \\n or \\r\\n and nowhere else.

    Attributes:
        name: the file's name, for messages.
        not_utf8: numbers of the lines in which bytes that are no UTF-8 were replaced.
    """

    file: BinaryIO
    name: str

    def __post_init__(self) -> None:
        self.not_utf8: list[int] = []
        self._first_fault = ""

    def __iter__(self) -> Iterator[str]:
        for number in count(1):
            data = self._read_line(number)
            if not data:
                return
            data = data.removesuffix(b"\n").removesuffix(b"\r")
            if number == 1:
                data = data.removeprefix(b"\xef\xbb\xbf")
            try:
                yield data.decode("utf-8")
            except UnicodeDecodeError as error:
                self.not_utf8.append(number)
                self._first_fault = self._first_fault or f"byte {error.start + 1} (0x{data[error.start]:02x})"
                yield data.decode("utf-8", errors="replace")

    def _read_line(self, number: int) -> bytes:
        """Read the next line with its end; none is left where it is empty."""
        try:
            data = self.file.readline(_LONGEST_LINE + 1)
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", where=self.name) from error
        if len(data) > _LONGEST_LINE:
            what = f"the line is longer than {_LONGEST_LINE:,} bytes"
            raise InputError(what, where=f"{self.name}:{number}", fix="write a sentence, or some, a line")
        encoding = foreign_encoding(data[:4096]) if number == 1 else ""
        if encoding.startswith("UTF-"):
            what, fix = f"it is not in UTF-8 but looks like {encoding}", f"convert it: iconv -f {encoding} -t UTF-8"
            raise InputError(what, where=self.name, fix=fix)
        return data

    def tell(self, console: "Console") -> None:
        """Say which lines were not UTF-8."""
        if self.not_utf8:
            lines = ", ".join(map(str, self.not_utf8[:5])) + (", …" if len(self.not_utf8) > 5 else "")
            n_lines = counted(len(self.not_utf8), "line")
            console.print(
                f"{self.name}: bytes that are no UTF-8 were replaced in {n_lines} ({lines}), "
                f"the first is {self._first_fault}; if it is Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8"
            )


@contextmanager
def open_lines(path: Path | None) -> Iterator[LineReader]:
    """Open a file's lines, or standard input's.

    Raises:
        InputError: the file cannot be read.
    """
    if path is None or str(path) == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed", fix="give texts or name a file")
        yield LineReader(sys.stdin.buffer, "standard input")
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=path, fix="name a text file, a line for each sentence or pair"
        ) from error
    with file:
        yield LineReader(file, str(path))


def asked_at_terminal() -> bool:
    """Say whether standard input is a terminal, at which one types."""
    return sys.stdin is not None and sys.stdin.isatty()


def given(texts: list[str]) -> list[str]:
    """Take texts from the command line, in which Python hides bytes that are no UTF-8 as lone surrogates."""
    return [text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for text in texts]


def prompted(prompt: str) -> Iterator[str]:
    """Ask for lines at a terminal until its end (Ctrl-D)."""
    with suppress(ImportError):
        import readline  # noqa: F401  gives input() the arrow keys, where there is one
    print("one sentence a line; Ctrl-D ends", file=sys.stderr)
    while True:
        sys.stdout.flush()
        print(prompt, end="", file=sys.stderr, flush=True)  # not by input(), which may write it to stdout
        try:
            yield input()
        except EOFError:
            print(file=sys.stderr)
            return


@contextmanager
def _writing_results() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror})", where="standard output", fix="make room, or write elsewhere"
        ) from error


def write_line(text: str) -> None:
    """Write one line to stdout in UTF-8, whatever the locale.

    Raises:
        OutputError: it cannot be written.
        BrokenPipeError: its reader has closed it.
    """
    if sys.stdout is None:
        raise OutputError("it is closed", where="standard output", fix="give it a file or a pipe")
    with _writing_results():
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace") + b"\n")


def flush_results() -> None:
    """Write what is still to be written, so that what is wrong with stdout shows itself before the end.

    Raises:
        OutputError: it cannot be written.
        BrokenPipeError: its reader has closed it.
    """
    if sys.stdout is not None:
        with _writing_results():
            sys.stdout.flush()
