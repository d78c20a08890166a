"""`mtattn inspect-heads`."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

import typer

from mtattn.cli.common import (
    BeamOption,
    JsonOption,
    RunOption,
    open_lines,
    open_run,
    prompted,
    rendered,
    stderr_console,
    write_line,
)

EXAMPLES = """
Examples:

  mtattn inspect-heads "La casa es grande."

  mtattn inspect-heads --layer 2 --head 5 "La casa es grande."

  mtattn inspect-heads --kind encoder --subwords "Buenos días."

  mtattn inspect-heads --target "It is big." "Es grande."

  mtattn inspect-heads --why house "La casa es grande."

  mtattn inspect-heads --explain house --lang es "La casa es grande."
"""


class KindName(StrEnum):
    """The kinds of attention, as they are typed."""

    cross = "cross"
    encoder = "encoder"
    decoder = "decoder"


class LanguageName(StrEnum):
    """The languages of --why and --explain, as they are typed."""

    en = "en"
    es = "es"


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
    why_asked: Annotated[
        str | None,
        typer.Option("--why", help="What is this output word due to? Four measures, compared.", metavar="WORD|PLACE"),
    ] = None,
    explain_asked: Annotated[
        str | None,
        typer.Option("--explain", help="Follow this row through one head, number by number.", metavar="WORD|PLACE"),
    ] = None,
    language: Annotated[
        LanguageName, typer.Option("--lang", help="Language of what --why and --explain say.")
    ] = LanguageName.en,
    beam: BeamOption = 5,
    as_json: JsonOption = False,
) -> None:
    """Show which source words each output word attends to, head by head.

    The translation is the model's own, or --target. Each row is one output word's attention over the source,
    at the step that emits it; </s>, the end of the sentence, has a column of its own.
    """
    if target is not None and len(texts or []) != 1:
        raise typer.BadParameter("--target goes with one TEXT")
    closely = [name for name, asked in (("--why", why_asked), ("--explain", explain_asked)) if asked is not None]
    if len(closely) > 1:
        raise typer.BadParameter("--why and --explain do not go together")
    if closely and len(texts or []) != 1:
        raise typer.BadParameter(f"{closely[0]} goes with one TEXT")
    if why_asked is not None and (kind != KindName.cross or subwords):
        raise typer.BadParameter("--why is of the cross-attention, between words")

    from rich.console import Console

    from mtattn.cli.inspect_heads.explain import explain
    from mtattn.cli.inspect_heads.why import why
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

    def passes(text: str) -> Iterator[tuple[list[int], list[int]]]:
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
            yield tokenizer.encode(text), tokenizer.encode(output)
            return
        parts = split_long(text, translator.fits)
        if len(parts) > 1:
            notes.print(f"text longer than the model's {search.max_positions} positions: split into {len(parts)} parts")
        for part in parts:
            source = tokenizer.encode(part)
            yield source, search([source], beam)[0][0].ids

    def records(text: str) -> Iterator[HeadRecord]:
        for source, output in passes(text):
            yield capture(search.model, tokenizer, source, output, forced=target is not None)

    def look_closely(text: str) -> str:
        if not translator.fits(normalise(text)):
            raise InputError(
                f"the text is longer than the model's {search.max_positions} positions",
                where=closely[0],
                fix="give one of its sentences",
            )
        ((source, output),) = passes(text)
        forced, console = target is not None, None if as_json else results
        if why_asked is not None:
            return why(
                why_asked,
                search.model,
                tokenizer,
                source,
                output,
                forced=forced,
                layer=layer,
                head=head,
                language=language.value,
                console=console,
            )
        assert explain_asked is not None
        return explain(
            explain_asked,
            search.model,
            tokenizer,
            source,
            output,
            forced=forced,
            kind=kind.value,
            layer=layer,
            head=head,
            subwords=subwords,
            language=language.value,
            console=console,
        )

    def write(sources: Iterable[str]) -> None:
        for text in sources:
            if not text.strip():
                write_line("")
                continue
            if closely:
                write_line(look_closely(text))
            elif as_json:
                write_line(to_json(list(records(text))))
            else:
                for record in records(text):
                    shown = show(
                        record, kind=kind.value, layer=layer, head=head, subwords=subwords, width=results.width
                    )
                    write_line(rendered(results, shown))

    if texts:
        write(texts)
    elif sys.stdin.isatty():
        write(prompted("> "))
    else:
        with open_lines(None) as reader:
            write(reader)
            reader.tell(notes)
