"""Laws of trainings that are killed: wherever that is, going on ends as if nothing had been.

A longer run by hand, sixty kills at random moments and one before every change of a run folder:
python -m pytest tests/test_kills.py --hypothesis-profile=long
"""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path

from hypothesis import settings
from killing import Ended, Killer
from safetensors.torch import load_file

from mtattn.run import CHECKPOINT, CONFIG, MANIFEST, METRICS, RunFolder

SMALL = {
    "direction": "de-en",  # of which there is no grammar to be read and measured
    "data.src_column": 1,
    "data.tgt_column": 2,
    "data.dev_share": 0.1,
    "data.test_share": 0.1,
    "tokenizer.vocab_size": 360,
    "model.d_model": 16,
    "model.n_heads": 2,
    "model.n_decoder_layers": 1,
    "model.d_ff": 32,
    "model.dropout": 0.3,
    "model.max_positions": 40,
    "training.batch_tokens": 256,
    "training.validation_pairs": 3,
    "training.guided_alignment": "true",
    "training.average": 0.5,
}
OF_TIME = {
    *("begun_s", "elapsed_s", "validation_s", "validations_s"),
    *("started_at", "finished_at", "command", "metrics_bytes"),
}


def training(data: Path, **training: object) -> list[object]:
    """Give the arguments of a small training."""
    given = SMALL | {f"training.{name}": value for name, value in training.items()}
    sets = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    return ["train", "--config", "tiny", "--threads", 1, "--data", data, *sets]


def files_of(run: Path) -> dict[str, bytes]:
    """Read all files of a folder but for a lock, which a dead process does not hold."""
    paths = [path for path in run.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def timeless(facts: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if name not in OF_TIME}


def outcome(run: Path) -> dict[str, object]:
    """Give all that a run folder holds, but for times."""
    found: dict[str, object] = {**files_of(run)}
    found[MANIFEST] = timeless(json.loads((run / MANIFEST).read_bytes()))
    found[METRICS] = [timeless(json.loads(line)) for line in (run / METRICS).read_text().splitlines()]
    tensors = load_file(run / CHECKPOINT)
    progress = json.loads(bytes(tensors.pop("progress").tolist()))
    assert progress["metrics_bytes"] == (run / METRICS).stat().st_size
    found[CHECKPOINT] = timeless(progress) | {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}
    return found


def is_long() -> bool:
    return settings.get_current_profile_name() == "long"


class Attempt:
    """A training in a process of its own, as it is started from a shell."""

    def __init__(self, run: Path, arguments: list[object]) -> None:
        begun = (run / CONFIG).is_file()
        arguments = ["train", "--resume"] if begun else arguments
        command = [sys.executable, "-m", "mtattn", *map(str, arguments), "--run", str(run)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def wait_for(self, words: str) -> bool:
        """Read on until a line has these words; False = it ended before."""
        assert self._process.stderr
        return not words or any(words in line for line in self._process.stderr)

    def end(self, signum: int = 0) -> tuple[int, str]:
        if signum:
            self._process.send_signal(signum)
        _, told = self._process.communicate()
        return self._process.returncode, told


# What stands on stderr first; the longest time from then on, as a share of what a training takes once it is prepared;
# the signal.
MOMENTS = [
    ("", 1.5, signal.SIGKILL),  # it starts
    ("run:", 0.5, signal.SIGKILL),  # it prepares
    ("to train on", 0.1, signal.SIGKILL),
    ("to train on", 0.1, signal.SIGINT),
    ("model:", 0.15, signal.SIGKILL),  # it trains
    ("dev loss", 0.005, signal.SIGKILL),  # it saves
    ("dev loss", 0.15, signal.SIGTERM),
    ("going on", 0.1, signal.SIGKILL),
    ("dev loss", 0.005, signal.SIGKILL),
    ("step 60:", 0.05, signal.SIGKILL),  # it ends
]


def test_ten_kills_in_a_row_change_nothing(tmp_path: Path, few_pairs: Path) -> None:
    arguments = training(few_pairs, steps=60, validations=12)
    whole = Attempt(tmp_path / "whole", arguments)
    assert whole.wait_for("model:")
    begun = time.monotonic()
    status, told = whole.end()
    trains_s = time.monotonic() - begun
    assert status == 0, told
    chance, moments = random.Random(1), cycle(MOMENTS)
    n_kills, n_runs = 0, 1
    while n_kills < (60 if is_long() else 10):
        words, share, signum = next(moments)
        attempt = Attempt(tmp_path / f"run-{n_runs}", arguments)
        if attempt.wait_for(words):
            time.sleep(chance.uniform(0, share) * trains_s)
        status, told = attempt.end(signum)
        assert status in (-signum, 128 + signum, 0), told
        if status:
            n_kills += 1
        else:  # it came to its end before: what was killed since the last one is judged, and another is begun
            assert outcome(tmp_path / f"run-{n_runs}") == outcome(tmp_path / "whole")
            n_runs += 1
    status, told = Attempt(tmp_path / f"run-{n_runs}", arguments).end()
    assert status == 0, told
    assert outcome(tmp_path / f"run-{n_runs}") == outcome(tmp_path / "whole")


def go_on(killer: Killer, run: Path, arguments: list[object]) -> Ended:
    """Begin a training, or go on with it."""
    return killer(*(["train", "--resume"] if (run / CONFIG).is_file() else arguments), run=run)


def test_a_kill_before_any_change_of_the_folder_changes_nothing(
    killer: Killer, tmp_path: Path, few_pairs: Path
) -> None:
    arguments = training(few_pairs, steps=400, validations=100, patience=2)  # patience is what ends it
    status, n_changes, told = killer(*arguments, run=tmp_path / "whole")
    assert (status, "stopped: 2 validations" in told) == (0, True), told
    assert n_changes > 60
    expected = outcome(tmp_path / "whole")
    for n in range(1, n_changes + 1, 1 if is_long() else n_changes // 6):
        run = tmp_path / f"run-{n}"
        assert killer(*arguments, run=run, kill_at=n).status == -signal.SIGKILL
        ended = go_on(killer, run, arguments)
        assert ended.status == 0, (n, ended.stderr)
        assert outcome(run) == expected, n
        shutil.rmtree(run)


def test_a_kill_while_a_run_is_replaced_or_comes_back_loses_nothing(
    killer: Killer, tmp_path: Path, few_pairs: Path, trained_run: RunFolder
) -> None:
    impossible = [*training(few_pairs), "--force", "--set", "tokenizer.vocab_size=9"]  # which is known late

    def old_run(name: str) -> Path:
        shutil.copytree(trained_run.path, tmp_path / name)
        (tmp_path / name / "notes.md").write_text("mine\n")
        return tmp_path / name

    expected = files_of(old_run("whole"))
    status, n_changes, told = killer(*impossible, run=tmp_path / "whole")
    assert (status, "vocabulary of 9 pieces cannot" in told) == (1, True), told
    assert files_of(tmp_path / "whole") == expected
    assert n_changes > 40
    for n in range(1, n_changes + 1, 1 if is_long() else 5):
        run = old_run(f"run-{n}")
        assert killer(*impossible, run=run, kill_at=n).status == -signal.SIGKILL
        kept = files_of(run).values()
        assert all(content in kept for content in expected.values()), n
        if n % 2 == 0:
            assert "finished already" in killer("train", "--resume", run=run).stderr or (run / ".replaced").is_dir()
        assert killer(*impossible, run=run).status == 1
        assert files_of(run) == expected, n
        shutil.rmtree(run)


def test_a_run_is_replaced_once_and_for_all_when_the_other_is_saved(
    killer: Killer, tmp_path: Path, few_pairs: Path, trained_run: RunFolder
) -> None:
    arguments = training(few_pairs, steps=8, validations=2)
    killer(*arguments, run=tmp_path / "whole")
    shutil.copytree(trained_run.path, tmp_path / "counted")
    n_changes = killer(*arguments, "--force", run=tmp_path / "counted").n_changes
    assert outcome(tmp_path / "counted") == outcome(tmp_path / "whole")
    for n in range(n_changes, 0, -1 if is_long() else -n_changes // 4):
        run = tmp_path / f"run-{n}"
        shutil.copytree(trained_run.path, run)
        assert killer(*arguments, "--force", run=run, kill_at=n).status == -signal.SIGKILL
        ended = killer("train", "--resume", run=run)
        assert ended.status == 0, (n, ended.stderr)
        came_back = files_of(run) == files_of(trained_run.path)
        assert came_back != (outcome(run) == outcome(tmp_path / "whole")), n
        assert not came_back or n < n_changes // 2, n
        shutil.rmtree(run)
