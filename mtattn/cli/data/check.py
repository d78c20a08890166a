"""`mtattn data check`."""

from typing import Annotated

import typer

from mtattn.cli.common import JsonOption, stderr_console
from mtattn.cli.lines import write_line
from mtattn.corpus.languages import CARRIED_DIRECTION

EXAMPLES = """
Examples:

  mtattn data check

  mtattn data check pairs.tsv --direction en-es

  mtattn data check train.tsv --dev dev.tsv --test test.tsv --strict

  mtattn data check corpus.es,corpus.en --json --most 1000
"""


def check(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Sentence pairs, as for `train --data`; else the corpus mtattn carries.", metavar="SOURCE"),
    ] = None,
    direction: Annotated[
        str, typer.Option(help="Languages of source and target.", metavar="SRC-TGT")
    ] = CARRIED_DIRECTION,
    dev: Annotated[str, typer.Option(help="Pairs to validate on: no sentence may be in both.", metavar="SOURCE")] = "",
    test: Annotated[str, typer.Option(help="Pairs to score on, likewise.", metavar="SOURCE")] = "",
    src_column: Annotated[str, typer.Option(help="Source column: name, or number from 1.", metavar="COLUMN")] = "",
    tgt_column: Annotated[str, typer.Option(help="Target column, likewise.", metavar="COLUMN")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    most: Annotated[int, typer.Option(min=0, help="Show so many findings of a kind; count the rest.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Check sentence pairs for what would harm a training; the exit status is 1 where there are errors.

    Errors: rows that are broken or blank on one side, faulty encoding,
    duplicates, sentences that stand in dev or test too, sentences not
    translated, swapped or in another language.

    Warnings: odd lengths, unpaired marks, surplus space, the same sentence
    or nearly the same again and again.
    """
    if bool(src_column) != bool(tgt_column):
        raise typer.BadParameter("--src-column and --tgt-column are given both or neither")
    if src_column and not sources:
        raise typer.BadParameter("--src-column and --tgt-column go with a SOURCE")

    from dataclasses import asdict

    from mtattn.config import DataConfig
    from mtattn.corpus.checks import CheckReport, check_corpus
    from mtattn.corpus.loading import check_sources
    from mtattn.corpus.pairs import Direction
    from mtattn.corpus.tables import parts_of
    from mtattn.text import json_line

    console = stderr_console(ctx)
    alone = [source for source in sources or [] if parts_of(source) == [source]]
    check_sources(DataConfig(sources=[*alone, *filter(None, (dev, test))]))
    report = CheckReport()

    def note(text: str) -> None:
        console.print(text)

    columns = (src_column, tgt_column) if src_column else None
    findings = check_corpus(
        sources or [], Direction.parse(direction), columns=columns, dev=dev, test=test, note=note, report=report
    )
    for finding in findings:
        if report.counts[finding.kind] <= most:
            write_line(json_line({"level": finding.level, **asdict(finding)}) if as_json else str(finding))
    if as_json:
        totals = {"rows": report.n_rows, "files": report.n_files, "errors": report.n_errors}
        write_line(json_line(totals | {"warnings": report.n_warnings, "kinds": report.counts}))
    else:
        for line in report.lines(most):
            write_line(line)
    if report.n_errors or (strict and report.n_warnings):
        raise typer.Exit(1)
