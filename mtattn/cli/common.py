"""What several commands share: options, finding the run, reading and writing lines."""

import inspect
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from mtattn.decoding.engines import Engine
from mtattn.errors import InputError, OutputError
from mtattn.text import counted, foreign_encoding, lines_without_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    from mtattn.decoding.translator import Translated
    from mtattn.run import RunFolder

_LONGEST_LINE = 2**24  # bytes: longer text fills the memory

STARTED = time.monotonic()
"""When the command began, before anything heavy was imported."""


def folder_name(text: str) -> Path:
    """Refuse an empty name, such as that of a shell's unset variable: it would mean the working folder.

    Raises:
        BadParameter: it is empty.
    """
    if not text:
        raise typer.BadParameter("the name is empty")
    return Path(text)


RunOption = Annotated[
    Path | None,
    typer.Option(
        "--run",
        help="Folder of the run; the newest finished one in runs/ if not named.",
        metavar="DIR",
        parser=folder_name,
    ),
]
BeamOption = Annotated[int, typer.Option("--beam", min=1, max=1_000, help="Width of the beam; 1 = greedy.")]
EngineOption = Annotated[
    Engine,
    typer.Option(help="What computes; auto: ctranslate2 where it is installed and the run exported, else torch."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say also the settings, or what is known of the run.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True)
class Verbosity:
    """How much to say on stderr: nothing but errors, the usual, or also what is known of the run."""

    quiet: bool = False
    verbose: bool = False


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take -q, -v and --debug behind its name too."""
    signature = inspect.signature(command)

    @wraps(command)
    def wrapped(ctx: typer.Context, quiet: bool, verbose: bool, debug: bool, **arguments: Any) -> None:
        ctx.obj = Verbosity(quiet=ctx.obj.quiet or quiet, verbose=ctx.obj.verbose or verbose)
        ctx.find_root().params["debug"] |= debug
        command(**({"ctx": ctx} if "ctx" in signature.parameters else {}), **arguments)

    added = {"quiet": QuietOption, "verbose": VerboseOption, "debug": DebugOption}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, keyword, default=False, annotation=kind) for name, kind in added.items()]
    own = [parameter for name, parameter in signature.parameters.items() if name != "ctx"]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    wrapped.__signature__ = signature.replace(parameters=[context, *own, *parameters])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {"ctx": typer.Context, **command.__annotations__, **added}
    return wrapped


def stderr_console(ctx: typer.Context) -> "Console":
    """Make the console for progress and notes; a quiet one says nothing."""
    from rich.console import Console

    class Stderr(Console):
        def render(self, *args: Any, **options: Any) -> "Iterable[Segment]":
            """Show text from anywhere, a stranger's file too, without its control characters."""
            for segment in super().render(*args, **options):
                yield segment if segment.control else segment._replace(text=lines_without_controls(segment.text))

        def on_broken_pipe(self) -> None:
            """Go on without notes: who reads them no longer does not stop the work."""
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    return Stderr(stderr=True, quiet=ctx.obj.quiet, highlight=False, markup=False, soft_wrap=True)


def open_run(ctx: typer.Context, path: Path | None) -> "RunFolder":
    """Find the run that is named, or the newest finished one, which is told; with -v, say what it is.

    Raises:
        RunError: there is none.
        ConfigError: its settings are unknown or impossible.
    """
    from mtattn.run import RunFolder, newest_finished

    console = stderr_console(ctx)
    run = RunFolder(path) if path is not None else newest_finished()
    run.config()  # says best what is wrong with a folder that holds no run
    if path is None:
        console.print(f"run: {run.path}")
    if ctx.obj.verbose:
        for name, fact in run.manifest().items():
            console.print(f"  {name}: {fact}")
    return run


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


def rendered(console: "Console", lines: "Iterable[Text]") -> str:
    """Draw lines as the console would, with the colours that it has, each with a line break behind it."""
    with console.capture() as drawn:
        for line in lines:
            console.print(line)
    return drawn.get()


def translations_json(translated: "Translated") -> list[dict[str, Any]]:
    """Write the translations of one source as --json shows them."""
    return [
        {
            "text": one.text,
            "score": round(one.score, 6),
            "log_prob": round(one.log_prob, 6),
            "complete": one.complete,
        }
        for one in translated.translations
    ]


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
