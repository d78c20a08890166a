"""`mtattn align`."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from mtattn.cli.common import JsonOption, RunOption, open_lines, open_run, stderr_console, write_line

EXAMPLES = """
Examples:

  mtattn align pairs.tsv

  mtattn align pairs.tsv --layer 2 --head 3

  mtattn align --json < pairs.tsv
"""

_PAIRS_AT_ONCE = 1000


def align(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Source and target with a tab between; none = standard input.", metavar="[FILE.tsv]"),
    ] = None,
    run: RunOption = None,
    layer: Annotated[int | None, typer.Option(min=1, help="Layer, from 1; else the mean over all.")] = None,
    head: Annotated[int | None, typer.Option(min=1, help="Head, from 1; else the mean over all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Align the words of given sentence pairs by the cross-attention.

    Each pair gives one line in the Pharaoh format, links `source-target` between words counted from 0; a pair
    with no link gives an empty line.
    """
    from mtattn.errors import InputError
    from mtattn.heads.alignment import align as align_pairs
    from mtattn.heads.alignment import pharaoh
    from mtattn.text import json_line, normalise
    from mtattn.tokenizer import split_words
    from mtattn.weights import load_model

    console = stderr_console(ctx)
    folder = open_run(ctx, run)
    tokenizer = folder.tokenizer()
    model = load_model(folder, tokenizer.vocab_size)
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
            for number, (found, (src, tgt)) in enumerate(
                zip(align_pairs(model, tokenizer, pairs, layer, head), pairs, strict=True), n_done + 1
            ):
                if found is None:
                    console.print(f"{reader.name}:{number}: over the model's {model.max_positions} positions; no links")
                if as_json:
                    words = {"source": split_words(src), "target": split_words(tgt), "links": found or []}
                    write_line(json_line(words))
                else:
                    write_line(pharaoh(found or []))
            n_done += len(chunk)
        reader.tell(console)
