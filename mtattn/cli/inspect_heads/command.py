"""`mtattn inspect-heads`."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from mtattn.cli.common import (
    BeamOption,
    JsonOption,
    RunOption,
    asked_at_terminal,
    given,
    open_lines,
    open_run,
    prompted,
    stderr_console,
    write_line,
)

EXAMPLES = """
Examples:

  mtattn inspect-heads "La casa es grande."

  mtattn inspect-heads --layer 2 --head 5 "La casa es grande."

  mtattn inspect-heads --kind encoder --subwords "Buenos días."

  mtattn inspect-heads --target "It is big." "Es grande."
"""


class KindName(StrEnum):
    """The kinds of attention, as they are typed."""

    cross = "cross"
    encoder = "encoder"
    decoder = "decoder"


def inspect_heads(
    ctx: typer.Context,
    texts: Annotated[
        list[str] | None, typer.Argument(help="Sentences; none = standard input.", metavar="[TEXT]...")
    ] = None,
    run: RunOption = None,
    target: Annotated[
        str | None, typer.Option(help="The output to look at, instead of the model's own.", metavar="TEXT")
    ] = None,
    kind: Annotated[
        KindName,
        typer.Option(help="cross: output to source; encoder, decoder: each to itself."),
    ] = KindName.cross,
    layer: Annotated[int | None, typer.Option(min=1, help="Layer, from 1; else the mean over all.")] = None,
    head: Annotated[int | None, typer.Option(min=1, help="Head, from 1; else the mean over all.")] = None,
    subwords: Annotated[bool, typer.Option("--subwords", help="Between the tokenizer's pieces, not words.")] = False,
    beam: BeamOption = 5,
    as_json: JsonOption = False,
) -> None:
    """Show which source words each output word attends to, head by head.

    The translation is the model's own, or --target. Each row is one output word's attention over the source,
    at the step that emits it; </s>, the end of the sentence, has a column of its own.
    """
    if target is not None and len(texts or []) != 1:
        raise typer.BadParameter("--target goes with one TEXT")

    from rich.console import Console

    from mtattn.decoding.search import TorchSearch
    from mtattn.decoding.translator import Translator, split_long
    from mtattn.errors import InputError
    from mtattn.heads.capture import capture
    from mtattn.heads.record import HeadRecord
    from mtattn.heads.views.json import to_json
    from mtattn.heads.views.terminal import show
    from mtattn.text import normalise
    from mtattn.weights import load_model

    notes, results = stderr_console(ctx), Console(highlight=False, soft_wrap=True)
    folder = open_run(ctx, run)
    tokenizer = folder.tokenizer()
    search = TorchSearch(load_model(folder, tokenizer.vocab_size))
    translator = Translator(search, tokenizer)

    def records(text: str) -> Iterable[HeadRecord]:
        text = normalise(text)
        if target is not None:
            output = normalise(target)
            for side in (text, output):
                if not translator.fits(side):
                    raise InputError(
                        f"a side is longer than the model's {search.max_positions} positions",
                        where="--target",
                        fix="give a shorter pair",
                    )
            yield capture(search.model, tokenizer, tokenizer.encode(text), tokenizer.encode(output), forced=True)
            return
        parts = split_long(text, translator.fits)
        if len(parts) > 1:
            notes.print(f"text longer than the model's {search.max_positions} positions: split into {len(parts)} parts")
        for part in parts:
            source = tokenizer.encode(part)
            yield capture(search.model, tokenizer, source, search([source], beam)[0][0].ids, forced=False)

    def write(sources: Iterable[str]) -> None:
        for text in sources:
            if not text.strip():
                write_line("")
                continue
            if as_json:
                write_line(to_json(list(records(text))))
            else:
                for record in records(text):
                    with results.capture() as shown:
                        for line in show(
                            record,
                            kind=kind.value,
                            layer=layer,
                            head=head,
                            subwords=subwords,
                            width=results.width,
                        ):
                            results.print(line)
                    write_line(shown.get())

    if texts:
        write(given(texts))
    elif asked_at_terminal():
        write(prompted("> "))
    else:
        with open_lines(None) as reader:
            write(reader)
            reader.tell(notes)
