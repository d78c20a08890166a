"""`mtattn inspect-heads --scorecard`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtattn.cli.common import open_run, stderr_console, write_line

if TYPE_CHECKING:
    from rich.console import Console

    from mtattn.heads.ablation import OnProgress
    from mtattn.heads.scorecard import OnStage

DEFAULT_ABLATION_PAIRS = 200
_N_GOLD = 400
_NARROWEST = 60
_PLAIN_EVERY_S = 10.0


def scorecard(
    ctx: typer.Context,
    run: Path | None,
    data: str | None,
    sort: str,
    ablation_pairs: int,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Measure all heads of a run and write a row a head.

    Args:
        ctx: of the command.
        run: its folder; None = the newest finished one.
        data: the pairs on which heads are looked at; None = the run's dev part.
        sort: the column that orders the heads.
        ablation_pairs: so many of the pairs are translated with each head muted.
        as_json: instead of tables.
        as_csv: instead of tables.
    """
    from rich.console import Console

    from mtattn.alignment.links import Gold
    from mtattn.corpus.loading import read_gold, read_source
    from mtattn.corpus.pairs import Direction
    from mtattn.errors import DataError, InputError
    from mtattn.heads.card import check_column
    from mtattn.heads.scorecard import fits, make_scorecard
    from mtattn.heads.views.scorecard import show, to_csv, to_json
    from mtattn.run import DEV
    from mtattn.weights import load_model

    check_column(sort)
    notes, results = stderr_console(ctx), Console(highlight=False)
    folder = open_run(ctx, run)
    config = folder.config()
    direction = Direction.parse(config.direction)
    given = folder.read_pairs(DEV) if data is None else list(read_source(data, config.data, direction, notes.print))
    tokenizer = folder.tokenizer()
    model = load_model(folder, tokenizer.vocab_size)
    pairs = [pair for pair in given if fits(pair, tokenizer, model.max_positions)]
    if len(pairs) < len(given):
        notes.print(f"pairs left out, a side being blank or too long: {len(given) - len(pairs):,}")
    if not pairs:
        raise InputError(
            "there is no pair to look at heads on", where=data or folder.path / DEV, fix="name pairs with --data"
        )
    try:
        gold = [
            (one.pair, Gold(one.sure, one.sure | one.possible))
            for one in read_gold(direction, _N_GOLD)
            if fits(one.pair, tokenizer, model.max_positions)
        ]
    except DataError as error:
        notes.print(f"no gold alignments: {error}")
        gold = []
    with stages(notes) as on_stage:
        card = make_scorecard(model, tokenizer, pairs, gold, n_translated=ablation_pairs, on_stage=on_stage)
    if as_json:
        write_line(to_json(card, sort))
    elif as_csv:
        write_line(to_csv(card, sort).removesuffix("\n"))
    else:
        with results.capture() as shown:
            for part in show(card, sort, max(_NARROWEST, results.width)):
                results.print(part)
        write_line(shown.get().removesuffix("\n"))


@contextmanager
def stages(console: "Console") -> Iterator["OnStage"]:
    """Show how far each stage is and how long it still takes: a bar in a terminal, else a line every ten seconds."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mtattn.training.progress import clock

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeRemainingColumn())
    live = console.is_terminal and not console.is_dumb_terminal
    with Progress(*columns, console=console, transient=True, disable=not live) as progress:

        def begin(name: str, total: int) -> "OnProgress":
            task = progress.add_task(name, total=total)
            began = told_at = time.monotonic()
            done = 0

            def advance(n: int) -> None:
                nonlocal done, told_at
                done += n
                progress.advance(task, n)
                now = time.monotonic()
                if not live and now - told_at >= _PLAIN_EVERY_S and done < total:
                    told_at = now
                    left_s = (now - began) / done * (total - done)
                    console.print(f"{name}: {done:,} of {total:,}, {clock(left_s)} left")

            return advance

        yield begin
