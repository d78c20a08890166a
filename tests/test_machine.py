"""Laws of choosing what to compute with."""

import pytest
import torch

from mtattn.config import TrainingConfig, load_config
from mtattn.errors import ConfigError
from mtattn.training.budget import trial_speed
from mtattn.training.machine import choose_computing, choose_device
from mtattn.training.team import Team


def config(**settings: object) -> TrainingConfig:
    return TrainingConfig.model_validate({"steps": 1, **settings})


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    present = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (choose_device("auto", Team()).type != "cpu") == present


@pytest.mark.parametrize(
    ("name", "present"), [("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())]
)
def test_a_device_that_is_not_there_is_refused(name: str, present: bool) -> None:
    if present:
        assert choose_device(name, Team()).type == name
    else:
        with pytest.raises(ConfigError, match=f"finds no {name} device"):
            choose_device(name, Team())


def test_what_is_set_is_taken_and_said() -> None:
    notes: list[str] = []
    chosen = choose_computing(config(device="cpu", threads=3, precision="bfloat16"), {}, Team(), notes.append)
    assert (chosen.device.type, chosen.n_threads, chosen.precision) == ("cpu", 3, "bfloat16")
    assert notes == ["3 threads, bfloat16 (as set)"]


def test_a_run_goes_on_with_what_it_began_with() -> None:
    begun = {"device": "cpu", "threads": 2, "precision": "float32"}
    chosen = choose_computing(config(device="cuda", threads=7, precision="bfloat16"), begun, Team(), lambda _: None)
    assert (chosen.device.type, chosen.n_threads, chosen.precision) == ("cpu", 2, "float32")


@pytest.mark.parametrize("batch_tokens", [2, 512, 25_000])
def test_a_trial_takes_batches_of_any_size(batch_tokens: int) -> None:
    tiny = load_config("tiny", [f"training.batch_tokens={batch_tokens}"])
    assert trial_speed(tiny, tiny.training, Team()) > 0
