"""Laws of steps whose numbers are not finite: skipped without a trace in the weights, and too many end the training."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from test_team import losses
from test_training import StopsAt, settings, train
from torch.optim.swa_utils import AveragedModel

import mtattn.training.trainer as trainer_room
from mtattn.errors import MtattnError
from mtattn.run import CHECKPOINT, CONFIG, MANIFEST, METRICS, MODEL
from mtattn.training.averaging import averaged
from mtattn.training.bad_steps import MOST_IN_A_ROW, is_told
from mtattn.training.progress import Display
from mtattn.transformer import Transformer
from mtattn.weights import new_model

# Tokens of a side that one training pair of the corpus goes beyond.
SANE = 33


def spoil(model: Transformer) -> None:
    """Let a model, and no copy of it, find no finite loss for long pairs."""

    def hook(module: Transformer, inputs: tuple[torch.Tensor, ...], hidden: torch.Tensor) -> torch.Tensor | None:
        src, _, tgt, *_ = inputs
        return hidden * torch.nan if module is model and max(src.shape[1], tgt.shape[1]) > SANE else None

    model.register_forward_hook(hook)


def poisoned(*arguments: object) -> Transformer:
    model = new_model(*arguments)
    spoil(model)
    return model


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_room, "new_model", poisoned)


class Listens(Display):
    """Keeps what it is told of skipped steps, and stops the training once so many were told."""

    def __init__(self, stop_after: int = 0) -> None:
        super().__init__(Console(stderr=True, quiet=True))
        self._stop_after = stop_after
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        if "skipped" in text:
            self.notes.append(text)
            if len(self.notes) == self._stop_after:
                os.kill(os.getpid(), signal.SIGINT)


def lines_of(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def progress_of(run: Path) -> dict[str, object]:
    return json.loads(bytes(load_file(run / CHECKPOINT)["progress"].tolist()))


def tensors_of(run: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in load_file(run / CHECKPOINT).items() if name != "progress"}


@pytest.mark.parametrize("threads", [1, 2])
def test_a_skipped_step_leaves_weights_average_and_optimizer_as_they_were(
    tmp_path: Path, pairs_file: Path, poison: None, threads: int
) -> None:
    config = settings(pairs_file, threads=threads, validations=1)
    display = Listens(stop_after=1)
    assert train(tmp_path / "after", config, display) == 130
    skipped = lines_of(tmp_path / "after")[-1]
    assert skipped["skipped"] == "the loss"
    assert "loss" not in skipped
    step = skipped["step"]
    assert step > 1
    (note,) = display.notes
    assert note.startswith(f"step {step} is skipped: the loss is no finite number; traced to 1 pair of the ")
    src, _, tgt = note.partition("“")[2].partition(" → ")
    lines = pairs_file.read_text().splitlines()
    named = [line for line in lines if line.split("\t")[0].startswith(src.rstrip("…"))]
    assert len(named) == 1
    assert named[0].split("\t")[1].startswith(tgt.rstrip("”…"))
    assert train(tmp_path / "before", config, StopsAt(step - 1)) == 130
    before, after = tensors_of(tmp_path / "before"), tensors_of(tmp_path / "after")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert progress_of(tmp_path / "before")["n_skipped"] == 0
    assert progress_of(tmp_path / "after")["n_skipped"] == progress_of(tmp_path / "after")["n_skipped_in_a_row"] == 1


def test_a_training_stopped_at_a_skipped_step_goes_on_exactly(tmp_path: Path, pairs_file: Path, poison: None) -> None:
    config = settings(pairs_file, steps=80, threads=2)
    display = Listens()
    assert train(tmp_path / "whole", config, display) == 0
    skipped = [line["step"] for line in lines_of(tmp_path / "whole") if "skipped" in line]
    assert len(display.notes) == sum(map(is_told, range(1, len(skipped) + 1)))
    assert len(display.notes) < len(skipped) < 20
    assert json.loads((tmp_path / "whole" / MANIFEST).read_text())["skipped_steps"] == len(skipped)
    assert train(tmp_path / "stopped", config, Listens(stop_after=2)) == 130
    assert train(tmp_path / "stopped", None, Listens()) == 0
    assert (tmp_path / "stopped" / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()
    assert [line["step"] for line in lines_of(tmp_path / "stopped") if "skipped" in line] == skipped


@pytest.fixture
def astray(tmp_path: Path, pairs_file: Path) -> Path:
    """Save a training after its first step, whose rate is 0; the second one will ruin its weights."""
    absurd = {"learning_rate": 1e39, "muon_learning_rate": 1e39, "warmup": 0.5}
    run = tmp_path / "run"
    assert train(run, settings(pairs_file, **absurd), StopsAt(1)) == 130
    return run


def test_several_bad_steps_in_a_row_stop_the_training_which_can_go_on_with_lower_rates(astray: Path) -> None:
    checkpoint = (astray / CHECKPOINT).read_bytes()
    display = Listens()
    with pytest.raises(MtattnError) as stopped:
        train(astray, None, display)
    assert stopped.value.what == "the loss is no finite number at step 7, the 5th such step in a row"
    rates = "training.learning_rate and training.muon_learning_rate"
    assert stopped.value.fix == f"lower {rates}; the checkpoint of step 1 stands"
    assert display.notes[0].endswith("the weights are at fault, not the pairs")
    assert (astray / CHECKPOINT).read_bytes() == checkpoint
    assert [line["step"] for line in lines_of(astray) if "skipped" in line] == [3, 4, 5, 6, 7]
    assert MOST_IN_A_ROW == 5
    config = (astray / CONFIG).read_text()
    assert config.count("1e+39") == 2
    (astray / CONFIG).write_text(config.replace("1e+39", "0.002"))
    assert train(astray, None) == 0
    lines = lines_of(astray)
    assert [line["step"] for line in lines if "n_tokens" in line] == list(range(1, 25))
    assert not any("skipped" in line for line in lines)


def test_ruined_weights_are_not_saved_over_good_ones(astray: Path) -> None:
    checkpoint = (astray / CHECKPOINT).read_bytes()
    with pytest.raises(MtattnError, match=r"a weight is no finite number at step 2, .*the checkpoint of step 1 stands"):
        train(astray, None, StopsAt(2))
    assert (astray / CHECKPOINT).read_bytes() == checkpoint


def test_a_dev_loss_that_is_not_finite_stops_the_training(
    tmp_path: Path, pairs_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned_average(*arguments: object) -> AveragedModel:
        average = averaged(*arguments)
        spoil(average.module)
        return average

    monkeypatch.setattr(trainer_room, "averaged", poisoned_average)
    long = tmp_path / "long.tsv"
    long.write_text("Sí.\tYes.\n" + " ".join(["palabra"] * SANE) + "\t" + " ".join(["word"] * SANE) + "\n")
    config = settings(pairs_file, validations=24)
    config["data"] = {"sources": [str(pairs_file)], "dev": str(long)}
    with pytest.raises(
        MtattnError, match=r"the loss on dev is no finite number at step 1, traced to 1 pair of the .*: “palabra "
    ) as stopped:
        train(tmp_path / "run", config)
    assert "Yes" not in stopped.value.what
    assert "checkpoint" not in stopped.value.fix
    assert not (tmp_path / "run" / CHECKPOINT).exists()


POISONED_COMMAND = """
import sys
sys.path[:0] = {folders}
import mtattn.training.trainer
from mtattn.cli import main
from test_bad_steps import poisoned
mtattn.training.trainer.new_model = poisoned
main()
"""


def test_a_team_skips_the_steps_that_one_process_skips(tmp_path: Path, pairs_file: Path) -> None:
    folders = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    (tmp_path / "train.py").write_text(POISONED_COMMAND.format(folders=folders))
    assignments = [
        *("training.steps=0", "training.epochs=1", "training.batch_tokens=512", "training.validation_pairs=5"),
        *("training.precision=float32", "data.dev_share=0.1", "tokenizer.vocab_size=500"),
    ]
    options = ["--config", "tiny", "--data", str(pairs_file), "--threads", "1"]
    options += [word for assignment in assignments for word in ("--set", assignment)]
    environment = {name: value for name, value in os.environ.items() if name != "MASTER_PORT"}
    together = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--"]
    for name, starts in {"1": [], "2": together}.items():
        done = subprocess.run(
            [sys.executable, *starts, tmp_path / "train.py", "train", "--run", tmp_path / name, *options],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(" is skipped: the loss is no finite number; traced to 1 pair of the ") == 1
    one, two = ([line["step"] for line in lines_of(tmp_path / name) if "skipped" in line] for name in ("1", "2"))
    assert one == two
    assert one
    assert losses(tmp_path / "2") == pytest.approx(losses(tmp_path / "1"), rel=2e-2)
