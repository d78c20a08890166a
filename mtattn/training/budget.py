"""Which config makes the best of a time budget on this machine."""

import time

import numpy as np
import torch

from mtattn.config import Config, TrainingConfig, config_for, load_config
from mtattn.corpus.batches import EncodedPairs, batches_of_epoch
from mtattn.training.machine import choose_computing
from mtattn.training.optimizer import Optimizer
from mtattn.training.team import Team
from mtattn.training.workers import Workers
from mtattn.weights import new_model

# `trial_speed` of the machine on which the budgets of `config_for` were measured: 2 cores with bfloat16 units.
_REFERENCE_SPEED = 19_000.0
_N_STEPS = 8


def trial_speed(config: Config, training: TrainingConfig, team: Team) -> float:
    """Train a model on a few random pairs, to see how fast this machine is once it has seen their shapes.

    Args:
        config: of the model and its optimizer.
        training: its device, threads and precision are those of the trial.
        team: the processes that will train together; all of them call this.

    Returns:
        Source and target tokens a second, by the quickest of a few steps: other work on the machine makes
        a step slower, nothing makes it faster.
    """
    rng, vocab_size = np.random.default_rng(0), config.tokenizer.vocab_size
    lengths = rng.integers(4, 14, size=(600, 2))  # of usual sentences
    ids = [[rng.integers(4, vocab_size, n).tolist() for n in side] for side in lengths.T]
    pairs = EncodedPairs(zip(*ids, strict=True), vocab_size)
    computing = choose_computing(training, {}, team, lambda _: None)
    torch.set_num_threads(1)
    workers = Workers(computing.n_threads, team)
    model = new_model(config, vocab_size).to(computing.device).train()
    optimizer = Optimizer(model, config.training, computing.dtype, workers)
    batches = batches_of_epoch(pairs, config.training.batch_tokens, seed=0, epoch=0)[:2]
    speeds = []
    for step in range(_N_STEPS):
        begun = time.perf_counter()
        loss = workers.gradients(
            model, pairs, batches[step % len(batches)], label_smoothing=0.1, dtype=computing.dtype, seed=(0, step)
        )
        optimizer.step(0.5)
        speeds.append(loss.n_tokens / (time.perf_counter() - begun))
    workers.close()
    (speed,) = team.agree([max(speeds)])
    return speed


def choose_config(minutes: float, training: TrainingConfig, team: Team) -> tuple[str, str]:
    """Name the carried config that makes the best of a time budget on this machine, and say why.

    Args:
        minutes: wall clock of the training.
        training: the user's settings, of which device, threads and precision matter.
        team: the processes that will train together; all of them call this.

    Returns:
        The name, and a line that tells what it was chosen by.
    """
    speed = trial_speed(load_config(), training, team)  # a second or so
    worth = minutes * speed / _REFERENCE_SPEED
    name = config_for(worth)
    return name, (
        f"config {name}: in a trial this machine trains {speed:,.0f} tokens/s, so that {minutes:g} minutes here are "
        f"worth {worth:.2g} of the machine that the budgets were measured on; --config and --set choose otherwise"
    )
