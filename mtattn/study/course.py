"""The course of a study: one model after the other is trained, measured, and kept."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace

from rich.console import Console

from mtattn.errors import ConfigError, DataError, RunError
from mtattn.heads.scorecard import OnStage
from mtattn.run import RunFolder
from mtattn.study.folder import Member, Plan, Study, StudyFolder
from mtattn.study.measuring import measure
from mtattn.study.results import ModelNumbers
from mtattn.training.interrupt import Interrupt, Interrupted
from mtattn.training.progress import Display, ValidationReport
from mtattn.training.start import train_run


class ShortDisplay(Display):
    """Tells how a training goes, without translations."""

    def validation(self, report: ValidationReport) -> None:
        """Show the scores on dev."""
        super().validation(replace(report, samples=[]))


def conduct(
    folder: StudyFolder, study: Study, console: Console, stages: Callable[[], AbstractContextManager[OnStage]]
) -> Study:
    """Train and measure the models of a study that are missing.

    A model whose training was finished before is not trained again; one that was stopped goes on where it stopped.

    Args:
        folder: where it lies; what was measured is written there model by model.
        study: what is there already.
        console: of stderr.
        stages: gives what is told how far the measuring of a model is.

    Returns:
        The study, complete.

    Raises:
        Interrupted: a signal came; what is done is kept.
        MtattnError: a model cannot be trained or measured, or is not comparable with the others; or a file of the
            study is a link.
    """
    folder.refuse_links(study.plan)
    folder.write(study)
    members = study.plan.members()
    for member in study.missing():
        run = folder.run_of(member)
        n = members.index(member) + 1
        console.print(f"model {n} of {len(members)}, heads: {member.n_heads}, seed: {member.seed}: {run.path}")
        try:
            _train(run, study.plan, member, console)
        except (DataError, ConfigError):
            if not any(folder.run_of(one).has_config() for one in members):
                folder.remove()  # the study could not begin
            raise
        with Interrupt(), stages() as on_stage:
            numbers = measure(run, on_stage)
        _refuse_incomparable(study, numbers, run)
        study = study.with_model(numbers)
        folder.write(study)
        aer = "" if numbers.aer is None else f", AER {numbers.aer:.3f}"
        console.print(f"BLEU {numbers.bleu:.1f}{aer}, {numbers.spare:.0%} of the heads spare")
    return study


def _train(run: RunFolder, plan: Plan, member: Member, console: Console) -> None:
    """Train a model to its end, from wherever it is.

    Raises:
        Interrupted: a signal came; it can be resumed.
        MtattnError: it cannot be trained, or the folder has a run of other settings.
    """
    started, config = time.monotonic(), plan.config_of(member)
    begun = run.has_config()
    if not begun:
        run = RunFolder.create(run.path, config, force=True)  # of a beginning that was cut off
    elif run.config() != config:
        raise RunError("a run of other settings than the study's stands here", where=run.path, fix="move it away")
    if "finished_at" in run.manifest():
        return
    try:
        status = train_run(run, resume=begun, display=ShortDisplay(console), started=started)
    except (DataError, ConfigError):
        if not begun:
            run.give_up()
            with suppress(OSError):  # where other files lie in it
                run.path.rmdir()
        raise
    run.replaced.forget()
    if status:
        raise Interrupted(status - 128)


def _refuse_incomparable(study: Study, numbers: ModelNumbers, run: RunFolder) -> None:
    """Refuse a model that differs from the first in more than its heads and seed."""
    facts = {"data": "data_sha256", "a number of parameters": "n_parameters", "a number of translations": "n_pairs"}
    for name, attribute in facts.items():
        if study.models and getattr(study.models[0], attribute) != getattr(numbers, attribute):
            raise RunError(
                f"this model has {name} other than the study's first",
                where=run.path,
                fix="restore the data and delete this folder, or begin another study",
            )
