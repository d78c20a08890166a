"""`mtattn train`."""

import time
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtattn.cli.common import STARTED, Verbosity, folder_name, stderr_console

if TYPE_CHECKING:
    from rich.console import Console

    from mtattn.run import RunFolder
    from mtattn.training.progress import Display

EXAMPLES = """
Examples:

  mtattn train

  mtattn train --data pairs.tsv --minutes 30 --run runs/mine

  mtattn train --run runs/one-head --set model.n_heads=1

  mtattn train --probe "La casa es grande. ||| The house is big."

  mtattn train --run runs/mine --resume

  mtattn train --repeat runs/mine --run runs/mine-again

  torchrun --nproc-per-node 4 -m -- mtattn train --data pairs.tsv
"""


class DeviceName(StrEnum):
    """The devices, as they are typed."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def train(
    ctx: typer.Context,
    config: Annotated[
        str | None,
        typer.Option(
            help="tiny, small, medium, large, base, or a TOML file; if not named, what suits --minutes, else small.",
            metavar="NAME|FILE",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Sentence pairs: a .tsv, .csv, .jsonl or .parquet file, a Moses pair a.es,a.en, a folder of .tsv "
            "files, or hf:owner/name[:config][@revision]. Several times for several sources.",
            metavar="SOURCE",
        ),
    ] = None,
    dev: Annotated[
        str | None, typer.Option(help="Pairs to validate on; else a part of the data.", metavar="SOURCE")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; else a new one in runs/.", metavar="DIR", parser=folder_name),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.05, help="Train for this long in all, from start to exit.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    direction: Annotated[str | None, typer.Option(help="Languages, such as es-en.", metavar="SRC-TGT")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting of the config, such as model.n_heads=4.", metavar="KEY=VALUE"),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    device: Annotated[
        DeviceName | None, typer.Option(help="What trains; auto, the default: a GPU where there is one.")
    ] = None,
    probes: Annotated[
        list[str] | None,
        typer.Option(
            "--probe",
            help="A sentence whose maps are kept at each validation, for inspect-heads --history; else a pair of dev.",
            metavar="TEXT[ ||| OUTPUT]",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the run that stands in --run.")] = False,
    repeat: Annotated[
        Path | None,
        typer.Option(
            help="Train a finished run once more, by what its folder records, into another one; say whether the "
            "weights are the same bytes.",
            metavar="RUN",
            parser=folder_name,
        ),
    ] = None,
) -> None:
    """Train a translator on sentence pairs."""
    given: dict[str, Any] = {
        "data.sources": data,
        "data.dev": dev,
        "seed": seed,
        "direction": direction,
        "training.minutes": minutes,
        "training.threads": threads,
        "training.device": device and device.value,
        "training.probes": probes,
    }
    given = {key: value for key, value in given.items() if value is not None}
    if resume and run is None:
        raise typer.BadParameter("--resume needs --run, the folder of the run that is to go on")
    if resume and (force or repeat or config or given or settings):
        raise typer.BadParameter("--resume goes with --run alone: the run's own settings hold, leave out all others")
    if repeat and (config or given or settings):
        raise typer.BadParameter("--repeat goes with --run and --force alone: the settings of the run repeated hold")
    if repeat and run and repeat.resolve() == run.resolve():
        raise typer.BadParameter("--run is the run to be repeated; name another folder")

    from mtattn.config import DEFAULT_CONFIG, load_config
    from mtattn.corpus.loading import check_sources
    from mtattn.errors import ConfigError, DataError, DivergedError, InUseError, OutputError
    from mtattn.run import CONFIG, RUNS, RunFolder
    from mtattn.training.repetition import Original
    from mtattn.training.team import Team

    team, why = Team(), ""
    made: list[Path] = []
    if not team.leads:
        ctx.obj = Verbosity(quiet=True)
    console = stderr_console(ctx)
    if resume:
        assert run is not None
        folder = RunFolder(run)
        if team.leads:
            folder.recover()
        team.wait_for_leader()
        folder.config()  # says what is wrong before anything slow begins
        if "finished_at" in folder.manifest():
            if team.leads:
                _see_to_finished(folder, console)
            return
    else:
        if repeat:
            original = Original(RunFolder(repeat))
            original.refuse_changed_sources()
            resolved = original.config
        else:
            resolved = load_config(config or DEFAULT_CONFIG, settings, given)
        check_sources(resolved.data)  # before --force replaces a run
        if minutes and not config:
            from mtattn.training.budget import choose_config

            name, why = choose_config(minutes, resolved.training, team)
            resolved = load_config(name, settings, given)
        (now,) = team.agree([time.time()])
        path = run or RUNS / datetime.fromtimestamp(now).strftime("%Y-%m-%d_%H-%M-%S")
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        facts = {"repeats": str(repeat.resolve())} if repeat else {}
        folder = RunFolder.create(path, resolved, force=force, **facts) if team.leads else RunFolder(path)
    team.wait_for_leader()

    from mtattn.training.progress import Display
    from mtattn.training.start import train_run

    display = Display(console)
    display.note(f"run: {folder.path}")
    if why:
        display.note(why)
    if ctx.obj.verbose:
        display.note(folder.config().to_toml())
    try:
        status = train_run(folder, resume=resume, display=display, started=STARTED, team=team)
    except InUseError:
        raise
    except BaseException as error:
        useless = isinstance(error, DataError | ConfigError) or (force and not folder.has_checkpoint())
        if team.leads and not resume and useless:  # nothing was trained that would be worth going on with
            folder.give_up()
            for empty in made:
                with suppress(OSError):
                    empty.rmdir()
        elif team.leads and isinstance(error, OutputError | KeyboardInterrupt):
            kept = "the last checkpoint stands" if folder.has_checkpoint() else "no step was saved yet"
            display.note(f"{kept}; go on with: mtattn train --run {folder.path} --resume")
        elif team.leads and isinstance(error, DivergedError) and folder.has_checkpoint() and not repeat:
            display.note(
                f"lower them in {folder.path / CONFIG} and go on from there with: "
                f"mtattn train --run {folder.path} --resume; where that ends likewise, train anew"
            )
        raise
    if team.leads:
        folder.replaced.forget()
    if status:
        display.note(f"stopped and saved; go on with: mtattn train --run {folder.path} --resume")
        raise typer.Exit(status)
    team.close()
    if not team.leads:
        return
    _tell_end(folder, display)


def _see_to_finished(folder: "RunFolder", console: "Console") -> None:
    """Mend what a kill at the very end, or damage, left of a finished run.

    Raises:
        RunError: it cannot be mended, or is a repetition that has other weights.
    """
    from mtattn.files import file_sha256
    from mtattn.run import MODEL
    from mtattn.training.repetition import Original

    path, recorded = folder.path / MODEL, folder.manifest().get("weights_sha256")
    if recorded and not (path.is_file() and file_sha256(path) == recorded):
        from mtattn.training.checkpoint import restore_best

        folder.refuse_links()
        restore_best(folder)
        console.print(f"{path} was missing or damaged: it is restored from the checkpoint")
    folder.tidy()
    console.print(f"{folder.path} is finished already; nothing is left to do")
    if repeated := Original.of(folder):
        repeated.confirm(folder, console.print)


def _tell_end(folder: "RunFolder", display: "Display") -> None:
    """Say what a finished training came to.

    Raises:
        RunError: it was to repeat another one, and has other weights.
    """
    from mtattn.training.progress import clock
    from mtattn.training.repetition import Original

    manifest, note = folder.manifest(), display.note
    skipped = f", {manifest['skipped_steps']:,} of them skipped" if manifest["skipped_steps"] else ""
    note(
        f"done after {manifest['steps']:,} steps{skipped}: {folder.path}, BLEU {manifest['dev_bleu_greedy']:.1f} "
        f"on dev (greedy, the weights of step {manifest['best_step']:,})"
    )
    share = manifest["validations_s"] / manifest["elapsed_s"]
    note(f"it took {clock(manifest['elapsed_s'])}, {share:.0%} of it for validation")
    repeated = Original.of(folder)
    if repeated:
        repeated.confirm(folder, note)
        return
    note("try next:")
    note(f'  mtattn translate --run {folder.path} "..."')
    note(f'  mtattn inspect-heads --run {folder.path} "..."')
    note(f"  mtattn evaluate --run {folder.path}")
