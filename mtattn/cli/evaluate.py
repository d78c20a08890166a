"""`mtattn evaluate`."""

from dataclasses import asdict
from typing import Annotated

import typer

from mtattn.cli.common import BeamOption, EngineOption, JsonOption, RunOption, open_run, stderr_console
from mtattn.cli.lines import write_line
from mtattn.cli.progress import counting
from mtattn.decoding.engines import Engine

EXAMPLES = """
Examples:

  mtattn evaluate

  mtattn evaluate --data test.tsv

  mtattn evaluate --beam 1 --json
"""


def evaluate(
    ctx: typer.Context,
    data: Annotated[
        str | None,
        typer.Option(help="Pairs to score on; else the test part of the run's corpus.", metavar="SOURCE"),
    ] = None,
    run: RunOption = None,
    beam: BeamOption = 5,
    engine: EngineOption = Engine.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Score a run's translations with sacreBLEU: BLEU and chrF, with their signatures."""
    from mtattn.corpus.loading import read_source
    from mtattn.corpus.pairs import Direction
    from mtattn.decoding.engines import open_translator
    from mtattn.errors import RunError
    from mtattn.evaluation import evaluate as evaluate_pairs
    from mtattn.run import TEST
    from mtattn.text import counted, json_line

    console = stderr_console(ctx)
    folder = open_run(ctx, run)
    config = folder.config()
    if data is not None:
        direction = Direction.parse(config.direction)

        def note(text: str) -> None:
            console.print(text)

        pairs = list(read_source(data, config.data, direction, note))
    elif (folder.path / TEST).is_file():
        pairs = folder.read_pairs(TEST)
    else:
        raise RunError("the run held out no test part", where=folder.path, fix="name pairs to score on with --data")
    translator = open_translator(folder, engine, console.print)
    with counting(console) as count:
        scores, _ = evaluate_pairs(translator, pairs, beam, on_progress=count)
    if as_json:
        write_line(json_line(asdict(scores)))
        return
    how = "greedy" if beam == 1 else f"beam {beam}"
    write_line(f"BLEU {scores.bleu:.1f}  chrF {scores.chrf:.1f}  ({counted(scores.n_pairs, 'pair')}, {how})")
    write_line(f"BLEU signature: {scores.bleu_signature}")
    write_line(f"chrF signature: {scores.chrf_signature}")
