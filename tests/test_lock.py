"""Laws of two trainings in one run folder."""

import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.config import Config
from mtattn.errors import RunError
from mtattn.run import CHECKPOINT, RunFolder


def mtattn(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mtattn", *map(str, arguments)]


@pytest.fixture
def at_work(tmp_path: Path, pairs_file: Path):
    """Start a training that goes on for long, and wait for its first checkpoint."""
    run = tmp_path / "run"
    options = ["--set", "training.epochs=0", "--set", "training.steps=100000", "--set", "training.validations=50000"]
    command = mtattn("train", "--config", "tiny", "--data", pairs_file, "--threads", 1, "--run", run, *options)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while not (run / CHECKPOINT).is_file():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield run, process
    process.kill()
    process.wait()


def test_a_second_training_is_refused_until_the_first_is_dead(at_work, pairs_file: Path) -> None:
    run, process = at_work
    config = (run / "config.toml").read_bytes()
    for options in (["--resume"], ["--force", "--config", "tiny", "--data", pairs_file]):
        second = subprocess.run(mtattn("train", "--run", run, *options), capture_output=True, check=False)
        assert second.returncode == 1
        assert b"another training is at work" in second.stderr
    assert process.poll() is None
    assert (run / "config.toml").read_bytes() == config
    process.kill()  # no chance to tidy up
    process.wait()
    resumed = subprocess.Popen(mtattn("train", "--run", run, "--resume"), stderr=subprocess.PIPE)
    assert resumed.stderr is not None
    for line in resumed.stderr:
        if b"going on at step" in line:
            break
    else:
        pytest.fail("it does not go on")
    resumed.send_signal(signal.SIGINT)
    resumed.communicate()
    assert resumed.returncode == 128 + signal.SIGINT


def test_a_lock_is_held_once_and_given_back(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with run.locked(), pytest.raises(RunError, match="another training"), run.locked():
        pass
    with run.locked():
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_another_training_took_just_before_is_left_to_it(
    tmp_path: Path, pairs_file: Path, trained_run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the moment at which a run is replaced and the one at which its training takes the folder."""
    run = tmp_path / "run"
    shutil.copytree(trained_run.path, run)
    create = RunFolder.create
    with ExitStack() as other:

        def then_taken(path: Path, config: Config, **options: Any) -> RunFolder:
            folder = create(path, config, **options)
            other.enter_context(folder.locked())
            return folder

        monkeypatch.setattr(RunFolder, "create", then_taken)
        arguments = ["train", "--run", run, "--force", "--config", "tiny", "--data", pairs_file]
        refused = CliRunner().invoke(app, [*map(str, arguments)])
        assert refused.exit_code == 1
        assert "another training is at work" in refused.stderr
        assert RunFolder(run).config().data.sources == [str(pairs_file)]
        assert RunFolder(run).replaced.is_whole()
