"""`mtattn data stats`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from mtattn.cli.common import JsonOption, stderr_console
from mtattn.cli.lines import write_line

EXAMPLES = """
Examples:

  mtattn data stats

  mtattn data stats pairs.tsv --missing

  mtattn data stats corpus.es,corpus.en --commonest 3000 --json
"""


def stats(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Sentence pairs, as for train --data; the corpus that mtattn carries if none.",
            show_default=False,
        ),
    ] = None,
    direction: Annotated[str | None, typer.Option(help="Languages, such as es-en.", metavar="SRC-TGT")] = None,
    commonest: Annotated[
        int, typer.Option(min=1, help="So many of each language's commonest words are looked for.")
    ] = 1000,
    missing: Annotated[bool, typer.Option("--missing", help="Name all missing and rare words, not a dozen.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the config, such as data.src_column=2.", metavar="KEY=VALUE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a corpus holds: sentences, words, lengths, themes, parts, and how much of the languages it covers."""
    from mtattn.config import load_config
    from mtattn.corpus.loading import check_sources
    from mtattn.corpus.statistics import corpus_statistics
    from mtattn.corpus.statistics_view import show
    from mtattn.corpus.tables import parts_of
    from mtattn.text import json_line

    console = stderr_console(ctx)
    given: dict[str, Any] = {"data.sources": sources, "direction": direction}
    config = load_config(assignments=settings, options={key: value for key, value in given.items() if value})
    alone = [source for source in config.data.sources if parts_of(source) == [source]]
    check_sources(config.data.model_copy(update={"sources": alone}))
    statistics = corpus_statistics(config, n_commonest=commonest, note=lambda text: console.print(text))
    if as_json:
        write_line(json_line(asdict(statistics)))
        return
    for line in show(statistics, in_full=missing):
        write_line(line)
