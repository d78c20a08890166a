"""The command line: one thin file a command; heavy imports stay inside the commands."""

import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import mtattn
from mtattn.cli import align, evaluate, inspect_heads, train, translate
from mtattn.cli.common import Verbosity
from mtattn.errors import MtattnError


class _Group(TyperGroup):
    """Turns what can go wrong in any command into a message and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a closed pipe shows itself here, not at the interpreter's end
            return result
        except MtattnError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            typer.echo(f"mtattn: {error}", err=True)
            raise typer.Exit(1) from None
        except BrokenPipeError:
            # The reader has what it wanted. Python must not try to flush what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            place = f"{error.filename}: " if error.filename else ""
            typer.echo(f"mtattn: {place}{error.strerror or error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt as interrupt:
            typer.echo("mtattn: interrupted", err=True)
            raise typer.Exit(128 + getattr(interrupt, "signum", 2)) from None


app = typer.Typer(
    name="mtattn", cls=_Group, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
)
app.command("train", epilog=train.EXAMPLES)(train.train)
app.command("translate", epilog=translate.EXAMPLES)(translate.translate)
app.command("inspect-heads", epilog=inspect_heads.EXAMPLES)(inspect_heads.inspect_heads)
app.command("align", epilog=align.EXAMPLES)(align.align)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mtattn {mtattn.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
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
    # A thread that waits for another spins before it sleeps, by default for milliseconds. Where another program
    # wants that core, training becomes ten times slower; so short a spin costs little. Read with torch.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    app()
