"""`mtattn inspect-heads --scorecard`."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from mtattn.cli.common import open_run, stderr_console
from mtattn.cli.lines import write_line
from mtattn.cli.progress import stages

if TYPE_CHECKING:
    from mtattn.heads.record import HeadName, Kind

DEFAULT_ABLATION_PAIRS = 200
_N_GOLD = 400
_NARROWEST = 60


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

    from mtattn.corpus.loading import read_source
    from mtattn.corpus.pairs import Direction
    from mtattn.errors import InputError
    from mtattn.heads.card import check_column
    from mtattn.heads.samples import fits, gold_pairs
    from mtattn.heads.scorecard import make_scorecard
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
    gold = gold_pairs(direction, _N_GOLD, tokenizer, model.max_positions)
    if not gold:
        notes.print("no gold alignments: the grammar has not these languages")
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
