"""`mtattn data`: what concerns a corpus alone."""

import typer

from mtattn.cli.data import check, export, gold, stats

app = typer.Typer(
    help="Look at a corpus: count, check and export it; write pairs of the grammar.", no_args_is_help=True
)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("export", epilog=export.EXAMPLES)(export.export)
app.command("gold", epilog=gold.EXAMPLES)(gold.gold)
app.command("stats", epilog=stats.EXAMPLES)(stats.stats)
