"""The command line: one thin file a command; heavy imports stay inside the commands."""

import os
import signal
import sys
import traceback
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

import mtattn
from mtattn.cli import align, data, evaluate, export, inspect_heads, study_heads, train, translate
from mtattn.cli.common import Verbosity
from mtattn.errors import MtattnError

# Help was shown, or the usage was wrong. Their common base has no name in typer.
_OF_TYPER = cast("tuple[type[Exception], ...]", (typer.Exit, typer.Abort, *typer.BadParameter.__bases__))


class _Group(TyperGroup):
    """Turns what can go wrong in any command into a message and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a closed pipe shows itself here, not at the interpreter's end
            return result
        except _OF_TYPER:
            raise
        except BrokenPipeError:
            # The reader has what it wanted. Python must not try to flush what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt as interrupt:
            typer.echo("mtattn: interrupted", err=True)
            raise typer.Exit(128 + getattr(interrupt, "signum", signal.SIGINT)) from None
        except Exception as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            typer.echo(f"mtattn: {_message(error)}", err=True)
            raise typer.Exit(1) from None


def _message(error: Exception) -> str:
    if isinstance(error, MtattnError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}; `mtattn --debug ...` shows where"


app = typer.Typer(
    name="mtattn", cls=_Group, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
)
app.command("train", epilog=train.EXAMPLES)(train.train)
app.command("translate", epilog=translate.EXAMPLES)(translate.translate)
app.command("inspect-heads", epilog=inspect_heads.EXAMPLES)(inspect_heads.inspect_heads)
app.command("align", epilog=align.EXAMPLES)(align.align)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("study-heads", epilog=study_heads.EXAMPLES)(study_heads.study_heads)
app.command("export", epilog=export.EXAMPLES)(export.export)
app.add_typer(data.app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mtattn {mtattn.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say also the settings, or what is known of the run.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
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
