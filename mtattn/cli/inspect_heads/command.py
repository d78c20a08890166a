"""`mtattn inspect-heads`."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from mtattn.cli.common import BeamOption, JsonOption, RunOption, open_run, rendered, stderr_console
from mtattn.cli.inspect_heads.files import HtmlOption, SvgOption, check_files, write_files
from mtattn.cli.inspect_heads.history import history as show_history
from mtattn.cli.inspect_heads.modes import check_options
from mtattn.cli.inspect_heads.scorecard import DEFAULT_ABLATION_PAIRS, ListedHeads
from mtattn.cli.inspect_heads.scorecard import scorecard as show_scorecard
from mtattn.cli.inspect_heads.switches import switched_records
from mtattn.cli.lines import asked_at_terminal, given, open_lines, prompted, write_line
from mtattn.cli.switches import MuteOption, OnlyOption, UniformOption, read_switches

if TYPE_CHECKING:
    from rich.text import Text

    from mtattn.heads.record import Kind

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

  mtattn inspect-heads --overview "La casa es grande."

  mtattn inspect-heads --history

  mtattn inspect-heads --html heads.html "La casa es grande." "Buenos días."
"""

_CLOSELY = "One word, closely"
_SCORECARD = "All heads, measured"
_HISTORY = "During training"


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
        KindName | None,
        typer.Option(help="cross, the usual one: output to source; encoder, decoder: each to itself."),
    ] = None,
    layer: Annotated[int | None, typer.Option(min=1, help="Layer, from 1; else the mean over all.")] = None,
    head: Annotated[int | None, typer.Option(min=1, help="Head, from 1; else the mean over all.")] = None,
    subwords: Annotated[bool, typer.Option("--subwords", help="Between the tokenizer's pieces, not words.")] = False,
    why_asked: Annotated[
        str | None,
        typer.Option(
            "--why",
            help="What is this output word due to? Four measures, compared.",
            metavar="WORD|PLACE",
            rich_help_panel=_CLOSELY,
        ),
    ] = None,
    explain_asked: Annotated[
        str | None,
        typer.Option(
            "--explain",
            help="Follow this row through one head, number by number.",
            metavar="WORD|PLACE",
            rich_help_panel=_CLOSELY,
        ),
    ] = None,
    language: Annotated[
        LanguageName,
        typer.Option("--lang", help="Language of what --why and --explain say.", rich_help_panel=_CLOSELY),
    ] = LanguageName.en,
    as_overview: Annotated[bool, typer.Option("--overview", help="Every head in miniature, no numbers.")] = False,
    html: HtmlOption = None,
    svg: SvgOption = None,
    beam: BeamOption = 5,
    mute: MuteOption = None,
    only: OnlyOption = None,
    uniform: UniformOption = None,
    scorecard: Annotated[
        bool,
        typer.Option(
            "--scorecard",
            help="A row a head: where it looks, how well it aligns, how much it matters.",
            rich_help_panel=_SCORECARD,
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            help="Pairs for the scorecard; else the dev part of the run's corpus.",
            metavar="SOURCE",
            rich_help_panel=_SCORECARD,
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            help="The scorecard's column that orders the heads.", metavar="COLUMN", rich_help_panel=_SCORECARD
        ),
    ] = "head",
    ablation_pairs: Annotated[
        int,
        typer.Option(
            min=0,
            help="So many sentences are translated without each head for the scorecard's BLEU.",
            rich_help_panel=_SCORECARD,
        ),
    ] = DEFAULT_ABLATION_PAIRS,
    as_csv: Annotated[bool, typer.Option("--csv", help="The scorecard as CSV.", rich_help_panel=_SCORECARD)] = False,
    history: Annotated[
        bool,
        typer.Option(
            "--history",
            help="How the heads found their roles: from validation to validation of the training.",
            rich_help_panel=_HISTORY,
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show which source words each output word attends to, head by head.

    The translation is the model's own, or --target. Each row is one output word's attention over the source,
    at the step that emits it; </s>, the end of the sentence, has a column of its own.

    With --mute, --only or --uniform the map is that of the model with heads changed, below what that does
    to the translation; a mean leaves muted heads out. With --scorecard no sentence is shown: all heads are measured on
    many sentence pairs, and on pairs of the paired grammar with gold alignments; --kind, --layer and --head choose
    those that are listed.

    With --history the sentences are those that the training kept maps of, its probes (mtattn train --probe); TEXT
    names some of them. The head shown is the best aligner, or the most confident head, unless one is named.
    """
    check_options(ctx)
    for option, value in {"--target": target, "--why": why_asked, "--explain": explain_asked}.items():
        if value is not None and len(texts or []) != 1:
            raise typer.BadParameter(f"{option} goes with one TEXT")
    if scorecard:
        heads = ListedHeads(kind.value if kind else None, layer, head)
        show_scorecard(ctx, run, data, sort, ablation_pairs, heads, as_json=as_json, as_csv=as_csv)
        return
    of_kind: Kind = kind.value if kind else "cross"
    if history:
        check_files(html, None, [])
        show_history(
            ctx, run, texts or [], html, kind=of_kind, layer=layer, head=head, subwords=subwords, as_json=as_json
        )
        return
    check_files(html, svg, texts or [])
    switches = read_switches(mute, only, uniform)

    from rich.console import Console

    from mtattn.cli.inspect_heads.passes import Passes
    from mtattn.heads.record import HeadRecord
    from mtattn.heads.switches import switched
    from mtattn.heads.views.json import to_json
    from mtattn.heads.views.overview import overview
    from mtattn.heads.views.terminal import show

    notes, results = stderr_console(ctx), Console(highlight=False, soft_wrap=True)
    if results.color_system == "standard":  # sixteen colours do not tell the weights apart; the shades do
        results.no_color = True
    folder = open_run(ctx, run)
    passes = Passes.of_run(folder, target, beam, notes.print)
    aligned, named = folder.manifest().get("alignment"), f"{of_kind}.{layer}.{head}"
    if isinstance(aligned, dict) and (aligned.get("head"), aligned.get("head_reading")) == (named, "read"):
        notes.print(f"{named} looks for what the word written last translates: its rows are one word late")

    if why_asked is not None or explain_asked is not None:
        from mtattn.cli.inspect_heads.explain import explain
        from mtattn.cli.inspect_heads.why import why

        (text,) = texts or [""]
        if switches:
            told = (f"{switch} {name}" for switch, names in switches.named().items() for name in names)
            notes.print(f"heads switched: {', '.join(told)}")
        console = None if as_json else results
        with switched(passes.search.model, switches) if switches else nullcontext():
            if why_asked is not None:
                shown = why(passes, text, why_asked, layer, head, language.value, console)
            else:
                row = str(explain_asked)
                shown = explain(passes, text, row, of_kind, layer, head, subwords, language.value, console)
        write_line(shown)
        return

    look = switched_records(passes, switches) if switches else passes.records
    kept: list[HeadRecord] = []  # for the files

    def lines(record: HeadRecord) -> "Iterator[Text]":
        if as_overview:
            in_colour = results.color_system is not None and not results.no_color
            return overview(record, kind=of_kind, subwords=subwords, width=results.width, colour=in_colour)
        return show(record, kind=of_kind, layer=layer, head=head, subwords=subwords, width=results.width)

    def write(sources: Iterable[str]) -> None:
        for text in sources:
            if not text.strip():
                write_line("")
                continue
            found = list(look(text))
            if html or svg:
                kept.extend(found)
            if as_json:
                write_line(to_json(found))
                continue
            for record in found:
                write_line(rendered(results, lines(record)))

    if texts:
        write(given(texts))
    elif asked_at_terminal():
        write(prompted("> "))
    else:
        with open_lines(None) as reader:
            write(reader)
            reader.tell(notes)
    if html or svg:
        write_files(kept, html, svg, kind=of_kind, layer=layer, head=head, subwords=subwords, note=notes.print)
