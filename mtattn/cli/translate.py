"""`mtattn translate`."""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat, tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtattn.cli.common import (
    BeamOption,
    EngineOption,
    JsonOption,
    RunOption,
    open_run,
    stderr_console,
    translations_json,
)
from mtattn.cli.lines import asked_at_terminal, given, open_lines, prompted, write_line
from mtattn.cli.progress import counting
from mtattn.cli.switches import (
    MuteOption,
    OnlyOption,
    UniformOption,
    compared,
    engine_with,
    read_switches,
    switched_translator,
)
from mtattn.decoding.engines import Engine
from mtattn.text import json_line

if TYPE_CHECKING:
    from mtattn.decoding.translator import Translated, Translator

EXAMPLES = """
Examples:

  mtattn translate "La casa es grande." "¿Quién es?"

  mtattn translate --input a.es --output a.en

  mtattn translate < a.es | less

  mtattn translate --n-best 3 --json "Tengo hambre."

  mtattn translate --engine torch "Tengo hambre."

  mtattn translate --mute cross.2.5 --uniform encoder.1.3 "La casa es grande."
"""

_LINES_AT_ONCE = 1000


def translate(
    ctx: typer.Context,
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Sentences; none = --input or standard input.", metavar="[TEXT]..."),
    ] = None,
    run: RunOption = None,
    input_file: Annotated[
        Path | None, typer.Option("--input", help="File to translate, line by line.", metavar="FILE")
    ] = None,
    output_file: Annotated[
        Path | None, typer.Option("--output", help="File to write, whole or not at all.", metavar="FILE")
    ] = None,
    beam: BeamOption = 5,
    n_best: Annotated[int, typer.Option(min=1, help="Translations of each line, at most the beam.")] = 1,
    engine: EngineOption = Engine.AUTO,
    mute: MuteOption = None,
    only: OnlyOption = None,
    uniform: UniformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Translate arguments, a file, or standard input: one line in, one line out.

    With --n-best above 1, each translation has a line of its own: the number of the input line, the score,
    and the text, with tabs between.

    Where --mute, --only or --uniform change heads, a line is the translation of the model as it was trained,
    the one with the heads changed, the words that differ in square brackets, and the log-probability that each
    model gives its own translation, with tabs between.
    """
    if texts and input_file:
        raise typer.BadParameter("give texts or --input, not both")
    if n_best > beam:
        raise typer.BadParameter(f"--n-best {n_best} wants more than --beam {beam} finds")
    switches = read_switches(mute, only, uniform)
    if switches and n_best > 1 and not as_json:
        raise typer.BadParameter("--n-best goes with --mute, --only and --uniform where there is --json too")

    from mtattn.decoding.engines import open_translator
    from mtattn.errors import InputError
    from mtattn.files import open_whole

    if output_file and not output_file.parent.is_dir():
        raise InputError("there is no such folder", where=output_file.parent, fix="make it, or name another --output")
    console = stderr_console(ctx)
    translator = open_translator(open_run(ctx, run), engine_with(switches, engine), console.print)
    changed = switched_translator(translator, switches) if switches else None

    def lines(source: Iterable[str], at_once: int, count: Callable[[int], None] | None = None) -> Iterator[str]:
        source, again = tee(source)
        results = _translated(translator, source, at_once, beam, n_best, count)
        others = _translated(changed, again, at_once, beam, n_best, None) if changed else repeat(None)
        for number, (translated, other) in enumerate(zip(results, others, strict=False), 1):
            if translated.n_parts > 1:
                console.print(
                    f"line {number} is longer than the model's {translator.search.max_positions} positions: "
                    f"split into {translated.n_parts} parts"
                )
            if other and switches:
                yield compared(translated, other, switches, as_json)
            else:
                yield from _shown(translated, number, n_best, as_json)

    def write(result: Iterator[str]) -> None:
        if output_file:
            with open_whole(output_file) as (file,):
                for line in result:
                    file.write(f"{line}\n".encode())
            return
        for line in result:
            write_line(line)

    if texts:
        write(lines(given(texts), len(texts)))
    elif input_file is None and asked_at_terminal():
        write(lines(prompted("> "), 1))
    else:
        with open_lines(input_file) as reader:
            with counting(console, shown=output_file is not None or not sys.stdout.isatty()) as count:
                write(lines(reader, _LINES_AT_ONCE, count))
            reader.tell(console)


def _translated(
    translator: "Translator",
    texts: Iterable[str],
    at_once: int,
    beam: int,
    n_best: int,
    count: Callable[[int], None] | None,
) -> "Iterator[Translated]":
    """Translate so many lines at once, so that batches can be made by length."""
    rest = iter(texts)
    while chunk := list(islice(rest, at_once)):
        yield from translator.translate(chunk, beam=beam, n_best=n_best, on_progress=count)


def _shown(translated: "Translated", number: int, n_best: int, as_json: bool) -> Iterator[str]:
    if as_json:
        yield json_line({"source": translated.source, "translations": translations_json(translated)})
    elif n_best > 1:
        yield from (f"{number}\t{one.score:.4f}\t{one.text}" for one in translated.translations)
    else:
        yield translated.translations[0].text
