"""The training loop of a run, from its first step to its best weights."""

import math
import time
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from mtattn.config import Config
from mtattn.corpus.batches import batches_of_epoch, blocks_of
from mtattn.errors import DivergedError
from mtattn.files import file_sha256
from mtattn.heads.alignment import best_scope
from mtattn.run import METRICS, MODEL, RunFolder, now
from mtattn.training.averaging import STEPS_PER_UPDATE, averaged
from mtattn.training.bad_steps import MOST_IN_A_ROW, are_finite, is_told, not_finite, trace
from mtattn.training.checkpoint import Progress, Tensors, load_checkpoint, save_checkpoint, write_best
from mtattn.training.history import History
from mtattn.training.interrupt import Interrupt
from mtattn.training.lines import LineFile
from mtattn.training.machine import Computing
from mtattn.training.optimizer import Optimizer
from mtattn.training.preparation import Materials
from mtattn.training.progress import Display, StepReport, ValidationReport
from mtattn.training.repetition import Course
from mtattn.training.team import Team
from mtattn.training.validation import Validator
from mtattn.training.workers import Workers
from mtattn.transformer import Transformer
from mtattn.weights import load_model, new_model

# Share of a time budget kept back for the end while no validation has been timed yet.
_FIRST_RESERVE = 0.05


class Trainer:
    """Trains the model of one run folder.

    Args:
        run: the folder.
        config: its settings.
        materials: what it trains on.
        team: the processes that train together.
        workers: the threads that do this process' work of a step.
        computing: what this process computes with.
        display: told what happens.
        started: `time.monotonic()` at the start of the command, from which `training.minutes` count.
        course: what the clock decided in a run that is repeated, in place of the clock.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        materials: Materials,
        *,
        team: Team,
        workers: Workers,
        computing: Computing,
        display: Display,
        started: float,
        course: Course | None = None,
    ) -> None:
        self.run, self.config, self.materials = run, config, materials
        self.team, self.workers = team, workers
        self.display, self.started, self.computing = display, started, computing
        self.course = course
        torch.manual_seed(config.seed)
        self.model = new_model(config, materials.tokenizer.vocab_size).to(computing.device)
        self.optimizer = Optimizer(self.model, config.training, computing.dtype, workers)
        self.model.train()
        self.average = averaged(self.model, config.training.average)
        self.averaged_model = cast("Transformer", self.average.module)
        self.validator = Validator(self.averaged_model, materials, config.training.batch_tokens)
        self.progress = Progress()
        self._best: Tensors = {}
        self._metrics = LineFile(run.path / METRICS)
        self._history = History(run, config, materials)
        self._last_bleu: float | None = None
        self._saved_step = 0
        self._n_blocks = blocks_of(len(materials.train))
        self._new_block()

    def restore(self) -> None:
        """Go on from the run's checkpoint; what metrics.jsonl and history.jsonl have beyond it is cut off.

        Raises:
            RunError: one of these files cannot be used.
        """
        self.progress, self._best = load_checkpoint(self.run, self.model, self.average, self.optimizer)
        self._saved_step = self.progress.step
        self._new_block()
        if not self.team.leads:
            return
        write_best(self.run, self._best)
        self._metrics.cut(self.progress.metrics_bytes)
        self._history.lines.cut(self.progress.history_bytes)

    def _new_block(self) -> None:
        self._batches = batches_of_epoch(
            self.materials.train,
            self.config.training.batch_tokens,
            self.config.seed,
            self.progress.epoch,
            self.progress.block,
            self._n_blocks,
        )

    # --- how far it is ---------------------------------------------------------------------------

    def elapsed_s(self) -> float:
        """Seconds spent on this run, those before a resume included."""
        return self.progress.elapsed_s + time.monotonic() - self.started

    def position(self) -> float:
        """Say how much of the training is done, from 0 to 1: the most that any of its bounds says."""
        training, progress = self.config.training, self.progress
        if self.course:
            return self.course.position(progress.step)
        shares = []
        if training.steps:
            shares.append(progress.step / training.steps)
        if training.epochs:
            block = progress.block + progress.batch / len(self._batches)
            shares.append((progress.epoch + block / self._n_blocks) / training.epochs)
        if training.minutes:
            budget_s = training.minutes * 60
            reserve_s = 1.2 * progress.validation_s + 1.0 if progress.n_validations else _FIRST_RESERVE * budget_s
            end_s = max(budget_s - reserve_s, 0.5 * budget_s)
            # Counted from the first step: what was spent on reading takes nothing from the warm-up.
            shares.append((self.elapsed_s() - progress.begun_s) / max(end_s - progress.begun_s, 1e-9))
        return min(1.0, max(shares))

    # --- the loop --------------------------------------------------------------------------------

    def train(self, interrupt: Interrupt) -> None:
        """Train until a bound is reached, patience is at its end, or a signal came; then save.

        Raises:
            MtattnError: loss or gradient, for several steps in a row, or the loss on dev, is no finite number, or the
                run cannot be written.
        """
        progress = self.progress
        if not progress.step:
            progress.begun_s = self.elapsed_s()
        while True:
            # The leader's clock, patience and signals hold for the whole team.
            stops = self._out_of_patience() or bool(interrupt.signum)
            position, stopped = self.team.agree([self.position(), stops])
            # One step at least, so that even a budget spent on reading leaves a model.
            if stopped or (position >= 1 and progress.step):
                break
            self._step(self._batches[progress.batch], position)
            progress.batch += 1
            if progress.batch == len(self._batches):
                progress.batch, progress.block = 0, progress.block + 1
                if progress.block == self._n_blocks:
                    progress.block, progress.epoch = 0, progress.epoch + 1
                self._new_block()
            if self.team.leads:
                self._validate_if_due()
        if not self.team.leads:
            return
        if self._out_of_patience():
            self.display.note(f"stopped: {progress.n_worse} validations without a better BLEU")
        if self._out_of_patience() or not interrupt.signum:
            if progress.validated_step != progress.step:
                self._validate()
            progress.finished = True
        self._save()
        if progress.finished:
            self.record_end()

    def _out_of_patience(self) -> bool:
        # A time budget is used to its end: the schedule brings the best weights last.
        training = self.config.training
        return bool(training.patience and not training.minutes and self.progress.n_worse >= training.patience)

    def _validate_if_due(self) -> None:
        """Validate and save where the schedule says so."""
        progress = self.progress
        if not self._validation_is_due():
            return
        self._validate()
        # Its time moved the end of a time budget, and with it the position.
        n_due = int(self.position() * self.config.training.validations)
        progress.n_validations = max(progress.n_validations + 1, n_due)
        self._save()

    def _validation_is_due(self) -> bool:
        if self.course:
            return self.progress.step in self.course.validated
        position = self.position()
        return position < 1 and int(position * self.config.training.validations) > self.progress.n_validations

    def _step(self, indices: np.ndarray, position: float) -> None:
        loss = self.workers.gradients(
            self.model,
            self.materials.train,
            indices,
            label_smoothing=self.config.training.label_smoothing,
            dtype=self.computing.dtype,
            seed=(self.config.seed, self.progress.step),
            guidance=self.materials.guidance,
        )
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.clip_norm)
        self.progress.step += 1
        facts = {"step": self.progress.step, "epoch": self.progress.epoch + 1, "position": position}
        # The processes of a team have the same sums here, so that all of them skip a step or none.
        fault = not_finite(loss, norm.item())
        if fault:
            elapsed_s = round(self.elapsed_s(), 3)
            self._metrics.append(facts | {"skipped": fault, "n_tokens": loss.n_tokens, "elapsed_s": elapsed_s})
            self._skip(fault, indices)
            return
        self.progress.n_skipped_in_a_row = 0
        learning_rate = self.optimizer.step(position)
        if self.progress.step % STEPS_PER_UPDATE == 0:
            self.average.update_parameters(self.model)
        self._metrics.append(
            facts
            | {
                "learning_rate": learning_rate,
                "loss": loss.emission,
                **({"alignment_loss": loss.alignment} if self.materials.guidance else {}),
                "gradient_norm": norm.item(),
                "n_tokens": loss.n_tokens,
                "elapsed_s": round(self.elapsed_s(), 3),
            }
        )
        self.display.step(
            StepReport(
                step=self.progress.step,
                epoch=self.progress.epoch + 1,
                position=position,
                loss=loss.emission,
                n_tokens=loss.n_tokens,
                elapsed_s=self.elapsed_s(),
                last_bleu=self._last_bleu,
            )
        )

    def _skip(self, what: str, indices: np.ndarray) -> None:
        """Count a step that is not taken, and tell it, the more seldom the more there are.

        Raises:
            MtattnError: it is one too many in a row.
        """
        progress = self.progress
        progress.n_skipped += 1
        progress.n_skipped_in_a_row += 1
        ends, cause = progress.n_skipped_in_a_row == MOST_IN_A_ROW, ""
        if self.team.leads and (ends or is_told(progress.n_skipped)):
            cause = trace(self.model, self.materials.train, indices, self.materials.tokenizer)
            so_far = f", {progress.n_skipped:,} so far" if progress.n_skipped > 1 else ""
            self.display.note(f"step {progress.step:,} is skipped{so_far}: {what} is no finite number; {cause}")
        if ends:
            raise self._diverged(what, f"the {MOST_IN_A_ROW}th such step in a row")

    def _diverged(self, what: str, more: str) -> DivergedError:
        if self.team.leads:
            self._metrics.save()  # to be looked at; resuming cuts off what the checkpoint does not count
        stands = f"; the checkpoint of step {self._saved_step:,} stands" if self._saved_step else ""
        return DivergedError(
            f"{what} is no finite number at step {self.progress.step:,}, {more}",
            where=self.run.path,
            fix=f"lower training.learning_rate and training.muon_learning_rate{stands}",
        )

    def _validate(self) -> None:
        begun = time.monotonic()
        progress = self.progress
        self.average.update_parameters(self.model)
        loss = self.validator.loss()
        if not math.isfinite(loss):
            raise self._diverged("the loss on dev", self.validator.cause())
        scores, samples = self.validator.translate()
        self._history.record(self.averaged_model, progress.step, scores.bleu)
        progress.validation_s = time.monotonic() - begun
        progress.validations_s += progress.validation_s
        progress.validated_step = progress.step
        self._last_bleu = scores.bleu
        progress.n_worse = 0 if scores.bleu > progress.best_bleu else progress.n_worse + 1
        better = (scores.bleu, -loss) > (progress.best_bleu, -progress.best_loss)  # at first BLEU may be 0 for long
        if better:
            progress.best_bleu, progress.best_loss, progress.best_step = scores.bleu, loss, progress.step
            self._best = {name: tensor.clone() for name, tensor in self.averaged_model.state_dict().items()}
        self._metrics.append(
            {
                "step": progress.step,
                "dev_loss": loss,
                "dev_bleu_greedy": scores.bleu,
                "dev_chrf_greedy": scores.chrf,
                "n_pairs": scores.n_pairs,
                "validation_s": round(progress.validation_s, 3),
                "elapsed_s": round(self.elapsed_s(), 3),
            }
        )
        self.display.validation(ValidationReport(progress.step, loss, scores, better, samples))

    def _save(self) -> None:
        """Save the training as it is.

        Raises:
            MtattnError: it went astray since the last checkpoint, which stays.
            OutputError: it cannot be written.
        """
        if not are_finite(self.model.parameters()):
            raise self._diverged("a weight", "so that nothing is saved of it")
        self.progress.metrics_bytes = self._metrics.save()
        self.progress.history_bytes = self._history.lines.save()
        # `started` still counts what was spent since: only the saved copy has it.
        saved = replace(self.progress, elapsed_s=self.elapsed_s())
        save_checkpoint(self.run, self.model, self.average, self.optimizer, self._best, saved)
        self._saved_step = self.progress.step

    def record_end(self) -> None:
        """Tell the manifest that the run is finished, and with what scores; what only a training needs goes."""
        progress = self.progress
        self.run.update_manifest(
            finished_at=now(),
            steps=progress.step,
            skipped_steps=progress.n_skipped,
            best_step=progress.best_step,
            dev_bleu_greedy=progress.best_bleu,
            elapsed_s=round(self.elapsed_s(), 1),
            validations_s=round(progress.validations_s, 1),
            weights_sha256=file_sha256(self.run.readable(MODEL)),
            alignment=self._best_scope(),
        )
        self.run.tidy()

    def _best_scope(self) -> dict[str, Any]:
        model = load_model(self.run, self.materials.tokenizer.vocab_size)  # with the best weights
        dev = [(pair.src, pair.tgt) for pair in self.materials.dev]
        return best_scope(model, self.materials.tokenizer, dev, self.materials.dev_links)
