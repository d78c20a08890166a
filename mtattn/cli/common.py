"""What several commands share: options, finding the run, reading and writing lines."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from mtattn.decoding.engines import Engine
from mtattn.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from mtattn.decoding.translator import Translated
    from mtattn.run import RunFolder

STARTED = time.monotonic()
"""When the command began, before anything heavy was imported."""

RunOption = Annotated[
    Path | None,
    typer.Option("--run", help="Folder of the run; the newest finished one in runs/ if not named.", metavar="DIR"),
]
BeamOption = Annotated[int, typer.Option("--beam", min=1, help="Width of the beam; 1 = greedy.")]
EngineOption = Annotated[
    Engine,
    typer.Option(help="What computes; auto: ctranslate2 where it is installed and the run exported, else torch."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@dataclass(frozen=True)
class Verbosity:
    """How much to say on stderr: nothing but errors, the usual, or also what is known of the run."""

    quiet: bool = False
    verbose: bool = False


def stderr_console(ctx: typer.Context) -> "Console":
    """Make the console for progress and notes; a quiet one says nothing."""
    from rich.console import Console

    class Stderr(Console):
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


@contextmanager
def counting(console: "Console", *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show in a terminal how many sentences were translated while it goes on.

    Args:
        console: of stderr.
        shown: False where the results themselves appear in the terminal meanwhile.

    Yields:
        What is to be called with the number of sentences translated since the call before.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} sentences translated"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task("", total=None)
        yield lambda n: progress.advance(task, n)


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

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.file, 1):
            data = line.removesuffix(b"\n").removesuffix(b"\r")
            if number == 1:
                data = data.removeprefix(b"\xef\xbb\xbf")
            try:
                yield data.decode("utf-8")
            except UnicodeDecodeError:
                self.not_utf8.append(number)
                yield data.decode("utf-8", errors="replace")

    def tell(self, console: "Console") -> None:
        """Say which lines were not UTF-8."""
        if self.not_utf8:
            lines = ", ".join(map(str, self.not_utf8[:5])) + (", …" if len(self.not_utf8) > 5 else "")
            console.print(f"{self.name}: bytes that are no UTF-8 were replaced in {len(self.not_utf8)} lines ({lines})")


@contextmanager
def open_lines(path: Path | None) -> Iterator[LineReader]:
    """Open a file's lines, or standard input's.

    Raises:
        InputError: the file cannot be read.
    """
    if path is None or str(path) == "-":
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


def write_line(text: str) -> None:
    """Write one line to stdout in UTF-8, whatever the locale."""
    sys.stdout.buffer.write(text.encode("utf-8", errors="replace") + b"\n")


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
