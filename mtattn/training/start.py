"""A training from its folder alone: what it works on is prepared, and it is begun or gone on with."""

from contextlib import nullcontext

import torch

from mtattn.run import HISTORY, METRICS, RunFolder
from mtattn.text import counted
from mtattn.training.checkpoint import mend_checkpoint
from mtattn.training.interrupt import Interrupt
from mtattn.training.machine import choose_computing, keep_freed_memory
from mtattn.training.preparation import load_materials, prepare
from mtattn.training.progress import Display
from mtattn.training.repetition import Original
from mtattn.training.team import Team
from mtattn.training.trainer import Trainer
from mtattn.training.workers import Workers


def train_run(run: RunFolder, *, resume: bool, display: Display, started: float, team: Team | None = None) -> int:
    """Train the run of a folder, anew or from its checkpoint; as another one was, where its manifest `repeats` one.

    Args:
        run: the folder, made with its config.
        resume: go on from the checkpoint, if there is one.
        display: told what happens.
        started: `time.monotonic()` at the start of the command.
        team: the processes that train together; None = this one alone.

    Returns:
        0 when it is finished, 128 + the signal's number when one stopped it; it can be resumed then.

    Raises:
        MtattnError: it cannot be trained, or another process trains it; the last checkpoint, if any, still stands.
        Interrupted: a signal came before the first step, or a second one while saving.
    """
    team = team or Team()
    config = run.config()
    resume = resume and run.has_checkpoint()
    original = Original.of(run)
    known = run.manifest() if resume else original.manifest if original else {}
    with run.locked() if team.leads else nullcontext(), Interrupt() as interrupt, display:
        computing = choose_computing(config.training, known, team, display.note)
        torch.set_num_threads(1)  # of each worker's arithmetic
        if team.leads:
            run.refuse_links()
            run.forget_attempts()
            if resume:
                mend_checkpoint(run, display.note)
            prepare(run, config, resume=resume, note=display.note)
            if original:
                original.refuse_other_data(run)
        team.wait_for_leader()
        materials = load_materials(run, config, display.note)
        keep_freed_memory()  # from here on: what was freed before goes back to the system
        workers = Workers(computing.n_threads, team)
        trainer = Trainer(
            run,
            config,
            materials,
            team=team,
            workers=workers,
            computing=computing,
            display=display,
            started=started,
            course=original.course() if original else None,
        )
        n_parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
        heads = counted(config.model.n_heads, "head")
        display.note(f"model: {n_parameters:,} parameters, {heads} in each attention")
        if resume:
            trainer.restore()
            display.note(f"going on at step {trainer.progress.step:,}")
        elif team.leads:
            for name in (METRICS, HISTORY):
                (run.path / name).unlink(missing_ok=True)  # of a beginning that left no checkpoint
            run.update_manifest(
                seed=config.seed,
                n_parameters=n_parameters,
                vocab_size=materials.tokenizer.vocab_size,
                device=computing.device.type,
                threads=computing.n_threads,
                processes=team.size,
                precision=computing.precision,
            )
        interrupt.defer()
        if not trainer.progress.finished:
            trainer.train(interrupt)
        elif team.leads:  # stopped before the manifest was told
            trainer.record_end()
        workers.close()
        return 0 if trainer.progress.finished or not team.leads else 128 + interrupt.signum
