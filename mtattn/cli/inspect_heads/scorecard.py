"""`mtattn inspect-heads --scorecard`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from mtattn.cli.common import open_run, stderr_console
from mtattn.cli.lines import write_line

if TYPE_CHECKING:
    from rich.console import Console

    from mtattn.heads.ablation import OnProgress
    from mtattn.heads.record import HeadName, Kind
    from mtattn.heads.scorecard import OnStage

DEFAULT_ABLATION_PAIRS = 200
_N_GOLD = 400
_NARROWEST = 60
_PLAIN_EVERY_S = 10.0


class ListedHeads(NamedTuple):
    """The heads that a scorecard lists, each number from 1; None = all."""

    kind: "Kind | None"
    layer: int | None
    head: int | None

    def of(self, heads: Sequence["HeadName"]) -> list["HeadName"]:
        """Choose them among the heads of a model.

        Raises:
            InputError: there is none.
        """
        from mtattn.errors import InputError

        found = [name for name in heads if all(asked in (None, own) for asked, own in zip(self, name, strict=True))]
        if not found:
            told = zip(("--kind", "--layer", "--head"), self, strict=True)
            of_kinds = (list(of_kind) for _, of_kind in groupby(heads, lambda name: name.kind))
            raise InputError(
                "the model has no such head",
                where=" ".join(f"{option} {asked}" for option, asked in told if asked is not None),
                fix=f"it has {', '.join(f'{of_kind[0]} to {of_kind[-1]}' for of_kind in of_kinds)}",
            )
        return found


def scorecard(
    ctx: typer.Context,
    run: Path | None,
    data: str | None,
    sort: str,
    ablation_pairs: int,
    listed: ListedHeads,
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
        listed: the heads that have a row.
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
    from mtattn.heads.switches import head_names
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
    heads = listed.of(head_names(model))
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
        found = make_scorecard(model, tokenizer, pairs, gold, n_translated=ablation_pairs, on_stage=on_stage)
    cards = [card for card in found.sorted_by(sort) if card.head in heads]
    if as_json:
        write_line(to_json(found, cards))
    elif as_csv:
        write_line(to_csv(cards).removesuffix("\n"))
    else:
        with results.capture() as shown:
            for part in show(found, cards, max(_NARROWEST, results.width)):
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
