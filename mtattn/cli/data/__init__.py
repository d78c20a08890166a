"""`mtattn data`: what concerns a corpus alone."""

import typer

from mtattn.cli.data import gold

app = typer.Typer(
    help="Look at a corpus: count, check and export it; write pairs of the grammar.", no_args_is_help=True
)
app.command("gold", epilog=gold.EXAMPLES)(gold.gold)
