"""What several commands share: options, finding the run, the console."""

import inspect
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtattn.decoding.engines import Engine
from mtattn.text import lines_without_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    from mtattn.decoding.translator import Translated
    from mtattn.run import RunFolder

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
