"""`mtattn align`."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtattn.alignment.links import Links, Symmetrisation, pharaoh, symmetrise
from mtattn.cli.common import JsonOption, RunOption, open_run, stderr_console
from mtattn.cli.lines import open_lines, write_line

if TYPE_CHECKING:
    from mtattn.heads.record import Reading
    from mtattn.run import RunFolder

EXAMPLES = """
Examples:

  mtattn align pairs.tsv

  mtattn align pairs.tsv --layer 2 --head 3

  mtattn align pairs.tsv --layer 1 --head 8 --reading read

  mtattn align pairs.tsv --run runs/es-en --reverse-run runs/en-es

  mtattn align --json < pairs.tsv
"""

_PAIRS_AT_ONCE = 1000

Align = Callable[[Sequence[tuple[str, str]]], list[Links | None]]


def _aligner(
    folder: "RunFolder",
    how: Symmetrisation,
    layer: int | None = None,
    head: int | None = None,
    reading: "Reading | None" = None,
) -> Align:
    """Load a run's model, to be read where and as it is named, else where the run saw that it aligns best."""
    from mtattn.heads.alignment import Scope, align
    from mtattn.weights import load_model

    tokenizer = folder.tokenizer()
    model = load_model(folder, tokenizer.vocab_size)
    scope = Scope(layer, head) if layer or head else Scope.recorded(folder.manifest())
    if reading:
        scope = scope._replace(reading=reading)
    return lambda pairs: align(model, tokenizer, pairs, scope, how)


def _turned(aligner: Align) -> Align:
    """Turn an aligner of the other direction."""

    def aligned(pairs: Sequence[tuple[str, str]]) -> list[Links | None]:
        found = aligner([(tgt, src) for src, tgt in pairs])
        return [links if links is None else sorted((src, tgt) for tgt, src in links) for links in found]

    return aligned


def align(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Source and target with a tab between; none = standard input.", metavar="[FILE.tsv]"),
    ] = None,
    run: RunOption = None,
    reverse_run: Annotated[
        Path | None, typer.Option(help="A run of the other direction, to align with both.", metavar="DIR")
    ] = None,
    symmetrisation: Annotated[
        Symmetrisation,
        typer.Option("--symmetrise", help="How links of both directions are put together."),
    ] = Symmetrisation.grow_diag_final_and,
    layer: Annotated[
        int | None,
        typer.Option(min=1, help="Layer of --run, from 1; if neither is named, what its training saw align best."),
    ] = None,
    head: Annotated[int | None, typer.Option(min=1, help="Head, from 1; if not named, the mean over all.")] = None,
    reading: Annotated[
        Literal["emitted", "read"] | None,
        typer.Option(
            help="A row belongs to the word that its step emits, or to the one that it reads; if not named, as the "
            "training saw it align best, and emitted where --layer or --head is named."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Align the words of given sentence pairs by the cross-attention.

    Each pair gives one line in the Pharaoh format, links `source-target` between words counted from 0; a pair
    with no link gives an empty line. Each output word is linked to the source word that it attends to most, each source
    word to the output word that attends to it most; --symmetrise puts both together.
    """
    from mtattn.errors import InputError
    from mtattn.text import json_line, normalise
    from mtattn.tokenizer import split_words

    console = stderr_console(ctx)
    aligners = [_aligner(open_run(ctx, run), symmetrisation, layer, head, reading)]
    if reverse_run:
        aligners.append(_turned(_aligner(open_run(ctx, reverse_run), symmetrisation)))
    n_done = 0
    with open_lines(file) as reader:
        rest = iter(reader)
        while chunk := list(islice(rest, _PAIRS_AT_ONCE)):
            pairs = []
            for number, line in enumerate(chunk, n_done + 1):
                columns = line.split("\t")
                if len(columns) < 2 and line.strip():
                    raise InputError(
                        "there is no tab between source and target",
                        where=f"{reader.name}:{number}",
                        fix="write one pair a line: source, a tab, target",
                    )
                pairs.append((normalise(columns[0]), normalise("".join(columns[1:2]))))
            found_by = [aligner(pairs) for aligner in aligners]
            for number, ((src, tgt), *found) in enumerate(zip(pairs, *found_by, strict=True), n_done + 1):
                links = [of_run for of_run in found if of_run is not None]
                if len(links) < len(found):
                    console.print(f"{reader.name}:{number}: longer than the model's positions; no links")
                    links = [[]]
                merged = symmetrise(links[0], links[-1], symmetrisation)
                if as_json:
                    write_line(json_line({"source": split_words(src), "target": split_words(tgt), "links": merged}))
                else:
                    write_line(pharaoh(merged))
            n_done += len(chunk)
        reader.tell(console)
