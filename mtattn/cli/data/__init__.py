"""`mtattn data`: what concerns a corpus alone."""

import typer

from mtattn.cli.common import with_verbosity
from mtattn.cli.data import check, export, gold, stats

app = typer.Typer(
    help="Look at a corpus: count, check and export it; write pairs of the grammar.", no_args_is_help=True
)
app.command("check", epilog=check.EXAMPLES)(with_verbosity(check.check))
app.command("export", epilog=export.EXAMPLES)(with_verbosity(export.export))
app.command("gold", epilog=gold.EXAMPLES)(with_verbosity(gold.gold))
app.command("stats", epilog=stats.EXAMPLES)(with_verbosity(stats.stats))
