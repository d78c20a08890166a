"""`mtattn data export`."""

from typing import Annotated

import typer

from mtattn.cli.common import stderr_console
from mtattn.corpus.languages import CARRIED_DIRECTION

EXAMPLES = """
Examples:

  mtattn data export corpus.tsv

  mtattn data export --part train train.es,train.en

  mtattn data export --data pairs.parquet --direction en-es pairs.jsonl
"""


def export(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(help="FILE.tsv, FILE.jsonl, or a Moses pair a.es,a.en.", metavar="TARGET", show_default=False),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(help="Sentence pairs, as for `mtattn train`; else the carried corpus.", metavar="SOURCE"),
    ] = None,
    part: Annotated[
        str, typer.Option(help="all, or what a training would take: train, dev or test.", metavar="PART")
    ] = "all",
    grammar: Annotated[
        int | None,
        typer.Option(
            "--grammar",
            min=0,
            help="Pairs of the paired grammar to add to the carried ones; else as many as `mtattn train` adds with "
            "--part train, none otherwise.",
        ),
    ] = None,
    direction: Annotated[str, typer.Option(help="Languages, such as es-en.", metavar="SRC-TGT")] = CARRIED_DIRECTION,
    src_column: Annotated[str, typer.Option(help="Source column: name, or number from 1.", metavar="COLUMN")] = "",
    tgt_column: Annotated[str, typer.Option(help="Target column, likewise.", metavar="COLUMN")] = "",
) -> None:
    """Write a corpus, or a part of it as a training splits it, in the form that other tools read.

    Text is written in the one form that mtattn works on (NFC, single spaces); broken and blank rows are left out.
    """
    if part not in ("all", "train", "dev", "test"):
        raise typer.BadParameter(f"--part {part}: write all, train, dev or test")
    if bool(src_column) != bool(tgt_column):
        raise typer.BadParameter("--src-column and --tgt-column are given both or neither")
    if grammar and data:
        raise typer.BadParameter("--grammar goes with the carried corpus, not with --data")

    from mtattn.config import DataConfig, load_config
    from mtattn.corpus.loading import load_parts, read_all
    from mtattn.corpus.pairs import Direction
    from mtattn.corpus.writers import write_pairs
    from mtattn.text import counted

    console = stderr_console(ctx)
    languages = Direction.parse(direction)
    if grammar is None:
        grammar = load_config().data.grammar_pairs if part == "train" else 0
    config = DataConfig(sources=data or [], grammar_pairs=grammar, src_column=src_column, tgt_column=tgt_column)

    def note(text: str) -> None:
        console.print(text)

    if part == "all":
        pairs = read_all(config, languages, note)
    else:
        pairs = iter(getattr(load_parts(config, languages, note), part))
    n = write_pairs(pairs, target, languages)
    console.print(f"{counted(n, 'pair')} written to {target}")
