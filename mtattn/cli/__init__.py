"""The command line: one thin file a command; heavy imports stay inside the commands."""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

import mtattn
from mtattn.cli import align, data, evaluate, export, inspect_heads, study_heads, train, translate
from mtattn.cli.common import DebugOption, QuietOption, VerboseOption, Verbosity, with_verbosity
from mtattn.cli.lines import flush_results
from mtattn.errors import MtattnError, OutputError
from mtattn.text import lines_without_controls

# Help was shown, or the usage was wrong. Their common base has no name in typer.
_OF_TYPER = cast("tuple[type[Exception], ...]", (typer.Exit, typer.Abort, *typer.BadParameter.__bases__))


class _Group(TyperGroup):
    """Turns what can go wrong in any command into a message and an exit status."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        with _ending():  # the help and the version are shown here
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _ending(ctx):
            return super().invoke(ctx)


@contextmanager
def _ending(ctx: Any = None) -> Iterator[None]:
    try:
        try:
            yield
        except _OF_TYPER:
            flush_results()
            raise
        flush_results()  # what is wrong with stdout shows itself here, not at the interpreter's end
    except _OF_TYPER:
        raise
    except BrokenPipeError:
        _forget_results()  # the reader has what it wanted
        raise typer.Exit(0) from None
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # so rich ends where it shows the help
            raise typer.Exit(0) from None
        raise
    except KeyboardInterrupt as interrupt:
        typer.echo("mtattn: interrupted", err=True)
        raise typer.Exit(128 + getattr(interrupt, "signum", signal.SIGINT)) from None
    except Exception as error:
        if ctx and ctx.params.get("debug"):
            traceback.print_exc()
        typer.echo(f"mtattn: {lines_without_controls(_message(error))}", err=True)
        try:
            flush_results()
        except (BrokenPipeError, OutputError):
            _forget_results()
        raise typer.Exit(1) from None


def _forget_results() -> None:
    """Drop what stdout could not take, which Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: Exception) -> str:
    if isinstance(error, MtattnError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}; `mtattn --debug ...` shows where"


app = typer.Typer(
    name="mtattn", cls=_Group, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
)
app.command("train", epilog=train.EXAMPLES)(with_verbosity(train.train))
app.command("translate", epilog=translate.EXAMPLES)(with_verbosity(translate.translate))
app.command("inspect-heads", epilog=inspect_heads.EXAMPLES)(with_verbosity(inspect_heads.inspect_heads))
app.command("align", epilog=align.EXAMPLES)(with_verbosity(align.align))
app.command("evaluate", epilog=evaluate.EXAMPLES)(with_verbosity(evaluate.evaluate))
app.command("study-heads", epilog=study_heads.EXAMPLES)(with_verbosity(study_heads.study_heads))
app.command("export", epilog=export.EXAMPLES)(with_verbosity(export.export))
app.add_typer(data.app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mtattn {mtattn.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Train a small Transformer translator, translate with it, and see what its attention heads attend to."""
    ctx.obj = Verbosity(quiet=quiet, verbose=verbose)


def main() -> None:
    """Run the command line."""
    # A thread that waits for another spins before it sleeps, by default for milliseconds: best on a quiet machine,
    # but where another program wants that core, training becomes ten times slower. Read when torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    app()
