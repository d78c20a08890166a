"""`mtattn study-heads`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtattn.cli.common import stderr_console
from mtattn.cli.lines import write_line

if TYPE_CHECKING:
    from rich.console import Console

    from mtattn.study.folder import Study, StudyFolder

EXAMPLES = """
Examples:

  mtattn study-heads --minutes 5

  mtattn study-heads --heads 1,8 --seeds 3 --data pairs.tsv

  mtattn study-heads --run runs/study-mine
"""
_NARROWEST = 60
_DEFAULT_HEADS = "1,2,4,8,16"


def study_heads(
    ctx: typer.Context,
    heads: Annotated[
        str | None,
        typer.Option(help=f"Numbers of heads to compare; {_DEFAULT_HEADS} if not named.", metavar="N,N,…"),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.05, help="Train each model for this long; else as the config says.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Models of each number of heads, each with its own seed; 1 if not named.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="tiny, small, medium, large, base, or a TOML file; if not named, what suits --minutes, else small.",
            metavar="NAME|FILE",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Sentence pairs, see `mtattn train --help`. Several times for several.", metavar="SOURCE"),
    ] = None,
    dev: Annotated[
        str | None, typer.Option(help="Pairs to validate and score on; else parts of the data.", metavar="SOURCE")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting of the config, such as training.steps=2000.", metavar="KEY=VALUE"),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder of the study; one that was stopped goes on. Else a new one in runs/.", metavar="DIR"),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, as in the folder's study.json.")] = False,
) -> None:
    """Train models that differ in their number of heads alone, and compare them.

    Each has as many parameters and the same budget. Compared are BLEU, the AER
    of the best aligning head, how differently heads look, how many can be muted,
    and speed. No head is taught to align, unless --set training.guided_alignment=true.
    Each model is a run folder like any other.
    """
    from rich.console import Console

    from mtattn.run import RUNS
    from mtattn.study.folder import Study, StudyFolder, make_plan
    from mtattn.study.view import show
    from mtattn.text import json_line

    given: dict[str, Any] = {
        "data.sources": data,
        "data.dev": dev,
        "training.minutes": minutes,
        "training.threads": threads,
    }
    given = {key: value for key, value in given.items() if value is not None}
    if any(setting.partition("=")[0].strip() == "model.n_heads" for setting in settings or []):
        raise typer.BadParameter("model.n_heads is what --heads varies")
    numbers = _numbers(_DEFAULT_HEADS if heads is None else heads)

    notes, results = stderr_console(ctx), Console(highlight=False)
    folder = StudyFolder(run or RUNS / datetime.now().strftime("study-%Y-%m-%d_%H-%M-%S"))
    study = folder.read() if folder.begun() else None
    if study is None or heads or seeds or config or settings or given:
        name = config or (study.plan.config_name if study else _config_for(minutes, settings, given, notes))
        plan = make_plan(numbers, seeds or 1, name, settings or [], given)
        if study:
            study.plan.refuse_other(plan, folder.path)
        else:
            study = Study(plan)
    if study.missing():
        study = _conduct(folder, study, notes)
    if as_json:
        write_line(json_line(study.as_json()))
        return
    with results.capture() as shown:
        for part in show(study, max(_NARROWEST, results.width)):
            results.print(part)
    write_line(shown.get().removesuffix("\n"))


def _numbers(text: str) -> list[int]:
    """Read numbers of heads."""
    numbers = text.split(",")
    if not all(number.strip().isdecimal() and int(number) for number in numbers):
        raise typer.BadParameter(f"--heads {text}: write numbers from 1 with commas between, such as {_DEFAULT_HEADS}")
    return [int(number) for number in numbers]


def _config_for(minutes: float | None, settings: list[str] | None, given: dict[str, Any], notes: "Console") -> str:
    """Name the config that suits a time budget, as `mtattn train` does, or the default."""
    from mtattn.config import DEFAULT_CONFIG, load_config

    if not minutes:
        return DEFAULT_CONFIG
    training = load_config(DEFAULT_CONFIG, settings, given | {"model.n_heads": 1}).training

    from mtattn.training.budget import choose_config
    from mtattn.training.team import Team

    name, why = choose_config(minutes, training, Team())
    notes.print(why)
    return name


def _conduct(folder: "StudyFolder", study: "Study", notes: "Console") -> "Study":
    """Train and measure what is missing of a study, after having said how long that takes."""
    from mtattn.cli.progress import stages
    from mtattn.corpus.loading import check_sources
    from mtattn.errors import MtattnError
    from mtattn.study.course import conduct
    from mtattn.study.duration import expected_s
    from mtattn.training.progress import clock
    from mtattn.training.team import Team

    if Team().size > 1:
        raise MtattnError("a study trains in one process", fix="start it without torchrun")
    check_sources(study.plan.config.data)
    notes.print(f"study: {folder.path}")
    n_models, n_missing = len(study.plan.members()), len(study.missing())
    if n_missing < n_models:
        notes.print(f"done already: {n_models - n_missing} of {n_models} models")
    train_s, measure_s = expected_s(study)
    notes.print(
        f"models to train: {n_missing}; on this machine as it is now that takes about {clock(train_s)}, and measuring "
        f"them {clock(measure_s)}: {clock(train_s + measure_s)} in all"
    )
    try:
        return conduct(folder, study, notes, lambda: stages(notes))
    except KeyboardInterrupt:
        notes.print(f"stopped; what is done is kept. Go on with: mtattn study-heads --run {folder.path}")
        raise
