"""Several processes train as one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mtattn.config import TrainingConfig
from mtattn.errors import RunError
from mtattn.run import MANIFEST, METRICS, MODEL
from mtattn.training.machine import choose_computing
from mtattn.training.team import Team


def train(run: Path, pairs_file: Path, n_processes: int, *more: str) -> subprocess.CompletedProcess[str]:
    together = (
        ["-m", "torch.distributed.run", "--nproc-per-node", str(n_processes), "-m", "--"] if n_processes > 1 else ["-m"]
    )
    command = [sys.executable, *together, "mtattn", "train", "--run", str(run), *more]
    environment = {name: value for name, value in os.environ.items() if name != "MASTER_PORT"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.filterwarnings("default")
def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path, pairs_file: Path) -> None:
    options = ["--config", "tiny", "--data", str(pairs_file), "--threads", "1", "--set", "training.steps=12"]
    options += ["--set", "data.dev_share=0.1", "--set", "training.precision=float32"]
    for n in (1, 2):
        train(tmp_path / str(n), pairs_file, n, *options)
    one, two = losses(tmp_path / "1"), losses(tmp_path / "2")
    assert len(one) == 12
    assert two == pytest.approx(one, rel=2e-3)  # sums in another order, magnified from step to step
    assert two[0] == pytest.approx(one[0], rel=1e-6)
    manifest = json.loads((tmp_path / "2" / MANIFEST).read_text())
    assert manifest["processes"] == 2
    assert (tmp_path / "2" / MODEL).is_file()
    assert "finished_at" in manifest


def nobody_is_told(text: str) -> None:
    pass


def test_a_run_is_gone_on_with_by_as_many_processes() -> None:
    config = TrainingConfig(steps=1)
    assert choose_computing(config, {"processes": 1, "threads": 3}, Team(), nobody_is_told).n_threads == 3
    with pytest.raises(RunError, match="begun by 2 processes, not 1"):
        choose_computing(config, {"processes": 2}, Team(), nobody_is_told)


def test_the_leaders_threads_and_precision_hold_for_all() -> None:
    class Follower(Team):
        def agree(self, values):
            return [5, 1.0]

    config = TrainingConfig(steps=1, threads=2, precision="float32")
    chosen = choose_computing(config, {}, Follower(), nobody_is_told)
    assert (chosen.n_threads, chosen.dtype) == (5, torch.bfloat16)
