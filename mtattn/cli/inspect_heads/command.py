"""`mtattn inspect-heads`."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
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
from mtattn.cli.inspect_heads.scorecard import DEFAULT_ABLATION_PAIRS
from mtattn.cli.inspect_heads.scorecard import scorecard as show_scorecard
from mtattn.cli.inspect_heads.switches import with_switches
from mtattn.cli.switches import MuteOption, OnlyOption, UniformOption, read_switches

EXAMPLES = """
Examples:

  mtattn inspect-heads "La casa es grande."

  mtattn inspect-heads --layer 2 --head 5 "La casa es grande."

  mtattn inspect-heads --kind encoder --subwords "Buenos días."

  mtattn inspect-heads --target "It is big." "Es grande."

  mtattn inspect-heads --mute cross.2.5 --uniform encoder.1.3 "La casa es grande."

  mtattn inspect-heads --scorecard --sort loss_lost

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
    mute: MuteOption = None,
    only: OnlyOption = None,
    uniform: UniformOption = None,
    scorecard: Annotated[
        bool,
        typer.Option("--scorecard", help="A row a head: where it looks, how well it aligns, how much it matters."),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(help="Pairs for the scorecard; else the dev part of the run's corpus.", metavar="SOURCE"),
    ] = None,
    sort: Annotated[str, typer.Option(help="The scorecard's column that orders the heads.", metavar="COLUMN")] = "head",
    ablation_pairs: Annotated[
        int,
        typer.Option(min=0, help="So many sentences are translated without each head for the scorecard's BLEU."),
    ] = DEFAULT_ABLATION_PAIRS,
    as_csv: Annotated[bool, typer.Option("--csv", help="The scorecard as CSV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show which source words each output word attends to, head by head.

    The translation is the model's own, or --target. Each row is one output word's attention over the source,
    at the step that emits it; </s>, the end of the sentence, has a column of its own.

    With --mute, --only or --uniform the map is that of the model with heads changed, below what that does to the
    translation. With --scorecard no sentence is shown: all heads are measured on many sentence pairs, and on pairs of
    the paired grammar with gold alignments.
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
    switches = read_switches(mute, only, uniform)
    if scorecard:
        if texts or switches:
            raise typer.BadParameter("--scorecard goes with neither TEXT nor --mute, --only and --uniform")
        show_scorecard(ctx, run, data, sort, ablation_pairs, as_json=as_json, as_csv=as_csv)
        return
    if data or as_csv or sort != "head" or ablation_pairs != DEFAULT_ABLATION_PAIRS:
        raise typer.BadParameter("--data, --sort, --ablation-pairs and --csv go with --scorecard")

    from rich.console import Console

    from mtattn.cli.inspect_heads.explain import explain
    from mtattn.cli.inspect_heads.why import why
    from mtattn.decoding.search import TorchSearch
    from mtattn.decoding.translator import Translator, split_long
    from mtattn.errors import InputError
    from mtattn.heads.capture import capture
    from mtattn.heads.record import HeadRecord
    from mtattn.heads.switches import switched
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

    look = with_switches(records, search, tokenizer, switches, beam) if switches else records

    def write(sources: Iterable[str]) -> None:
        for text in sources:
            if not text.strip():
                write_line("")
                continue
            if closely:
                with switched(search.model, switches) if switches else nullcontext():
                    write_line(look_closely(text))
            elif as_json:
                write_line(to_json(list(look(text))))
            else:
                for record in look(text):
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
