"""Laws of what a training keeps: damage is told, the checkpoint before is good for it, a full disk costs no more."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from bad_inputs.case import nobody
from killing import Killer
from safetensors.torch import load_file, save_file
from test_kills import outcome, training
from test_preparation import Listens
from test_training import StopsAt, settings, train
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.errors import DamagedError, OutputError, RunError
from mtattn.run import CHECKPOINT, CONFIG, METRICS, MODEL, PREVIOUS, RunFolder
from mtattn.training.checkpoint import mend_checkpoint
from mtattn.training.lines import LineFile
from mtattn.weights import load_model, load_tensors, tensors_as_bytes


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Path:
    """Train without a stop."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    train(path, settings(pairs_file))
    return path


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Path:
    """Train until step 18: checkpoints were saved at the steps 8, 16 and 18."""
    path = tmp_path_factory.mktemp("runs") / "stopped"
    train(path, settings(pairs_file), StopsAt(18))
    return path


@pytest.fixture
def stopped(tmp_path: Path, stopped_once: Path) -> RunFolder:
    """Copy that run, to be spoiled."""
    return RunFolder(shutil.copytree(stopped_once, tmp_path / "stopped"))


def halved(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    """Change a bit in the middle of the weights."""
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    return bytes(changed)


def spoil(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))


@pytest.mark.parametrize("damage", [halved, flipped, lambda _: b"", lambda data: bytes(len(data))])
def test_the_checkpoint_before_takes_the_place_of_a_damaged_one(
    stopped: RunFolder, whole: Path, damage: Callable[[bytes], bytes]
) -> None:
    spoil(stopped.path / CHECKPOINT, damage)
    display = Listens()
    assert train(stopped.path, None, display) == 0
    assert display.told(f"{stopped.path / CHECKPOINT}: the file is damaged")
    assert display.told(f"going on from {PREVIOUS}")
    assert display.told("going on at step 16")
    assert outcome(stopped.path) == outcome(whole)


def test_a_checkpoint_that_a_kill_left_out_is_the_one_before(stopped: RunFolder, whole: Path) -> None:
    (stopped.path / CHECKPOINT).unlink()
    display = Listens()
    train(stopped.path, None, display)
    assert display.told("going on at step 16")
    assert outcome(stopped.path) == outcome(whole)


def test_a_damaged_checkpoint_without_a_good_one_is_told_by_name(stopped: RunFolder) -> None:
    for name in (CHECKPOINT, PREVIOUS):
        spoil(stopped.path / name, flipped)
    left = (stopped.path / METRICS).read_bytes()
    for _ in range(2):
        with pytest.raises(DamagedError, match=rf"/{CHECKPOINT}: the file is damaged \(its checksum is another\)"):
            train(stopped.path, None)
        (stopped.path / PREVIOUS).unlink(missing_ok=True)
    assert (stopped.path / METRICS).read_bytes() == left


def test_a_damaged_checkpoint_does_not_become_the_one_before(stopped: RunFolder, whole: Path) -> None:
    spoil(stopped.path / CHECKPOINT, flipped)
    assert train(stopped.path, None, StopsAt(17)) == 130
    for name in (CHECKPOINT, PREVIOUS):
        load_tensors(stopped.read(name), stopped.path / name)
    train(stopped.path, None)
    assert outcome(stopped.path) == outcome(whole)


@pytest.mark.parametrize("damage", [halved, flipped, lambda _: b""])
def test_the_best_weights_come_back_from_the_checkpoint(
    stopped: RunFolder, whole: Path, damage: Callable[[bytes], bytes]
) -> None:
    spoil(stopped.path / MODEL, damage)
    vocab_size = stopped.tokenizer().vocab_size
    with pytest.raises(DamagedError, match=f"/{MODEL}: the file is damaged"):
        load_model(stopped, vocab_size)
    assert train(stopped.path, None, StopsAt(19)) == 130
    load_model(stopped, vocab_size)
    train(stopped.path, None)
    assert outcome(stopped.path) == outcome(whole)


def test_the_best_weights_are_those_of_the_checkpoint_not_of_steps_that_were_lost(stopped: RunFolder) -> None:
    best = (stopped.path / MODEL).read_bytes()
    spoil(stopped.path / MODEL, lambda data: tensors_as_bytes({k: 2 * v for k, v in load_file_of(data).items()}))
    assert train(stopped.path, None, StopsAt(19)) == 130
    assert (stopped.path / MODEL).read_bytes() == best


def load_file_of(data: bytes) -> dict[str, torch.Tensor]:
    return load_tensors(data, Path(MODEL))


def test_a_run_of_an_older_version_goes_on_and_translates(stopped: RunFolder, whole: Path) -> None:
    """Without checksums, without the best weights in the checkpoint, without one before."""
    tensors = load_file(stopped.path / CHECKPOINT)
    save_file(
        {name: tensor for name, tensor in tensors.items() if not name.startswith("best/")}, stopped.path / CHECKPOINT
    )
    save_file(load_file(stopped.path / MODEL), stopped.path / MODEL)
    (stopped.path / PREVIOUS).unlink()
    load_model(stopped, stopped.tokenizer().vocab_size)
    assert train(stopped.path, None) == 0
    assert outcome(stopped.path) == outcome(whole)


def test_every_bit_of_the_weights_counts_and_order_does_not(tmp_path: Path) -> None:
    tensors = {
        "b": torch.zeros(3, dtype=torch.bfloat16),
        "a": torch.tensor(7),
        "c": torch.zeros(0, 2),
        "d": torch.eye(2),
    }
    data = tensors_as_bytes(tensors)
    assert data == tensors_as_bytes(dict(reversed(tensors.items())))
    back = load_tensors(data, tmp_path)
    assert all(torch.equal(back[name], tensor) and back[name].dtype == tensor.dtype for name, tensor in tensors.items())
    n_contents = sum(tensor.nbytes for tensor in tensors.values())
    for place in range(len(data) - n_contents, len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(DamagedError):
                load_tensors(bytes(changed), tmp_path)
    for end in range(len(data)):
        with pytest.raises(DamagedError):
            load_tensors(data[:end], tmp_path)


def test_lines_that_cannot_be_written_are_told_with_their_file(tmp_path: Path) -> None:
    (tmp_path / METRICS).mkdir()
    lines = LineFile(tmp_path / METRICS)
    lines.append({"step": 1})
    with pytest.raises(OutputError, match=rf"/{METRICS}: cannot be written \(Is a directory\); make room for it"):
        lines.save()


def test_lines_that_may_not_be_written_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()  # which anybody may enter
    monkeypatch.chdir(tmp_path / "run")
    Path(METRICS).write_text("{}\n")
    Path(METRICS).chmod(0o444)
    lines = LineFile(Path(METRICS))
    for act in (lines.save, lambda: lines.cut(1)):
        with (
            nobody(),
            pytest.raises(OutputError, match=rf"^{METRICS}: cannot be written \(Permission denied\); make room"),
        ):
            act()


def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_damaged(
    stopped: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stopped.path)
    Path(CHECKPOINT).chmod(0)
    with nobody(), pytest.raises(RunError, match="Permission denied"):
        mend_checkpoint(RunFolder(Path()), pytest.fail)
    assert {CHECKPOINT, PREVIOUS} <= {path.name for path in stopped.path.iterdir()}


@pytest.fixture(scope="module")
def reference(killer: Killer, tmp_path_factory: pytest.TempPathFactory, few_pairs: Path) -> Path:
    run = tmp_path_factory.mktemp("runs") / "reference"
    assert killer(*training(few_pairs, steps=12, validations=4), run=run).status == 0
    return run


def refused(told: str) -> bool:
    return (
        ("cannot be written (" in told or "cannot be kept here (" in told)
        and "make room" in told
        and "Traceback" not in told
    )


def test_a_limit_on_the_size_of_files_leaves_a_run_that_goes_on(
    killer: Killer, reference: Path, tmp_path: Path, few_pairs: Path
) -> None:
    sizes = sorted(path.stat().st_size for path in reference.iterdir())
    for n, most_bytes in enumerate([300, sizes[len(sizes) // 2], sizes[-3], sizes[-1] - 500]):  # times have lengths
        run = tmp_path / f"run-{n}"
        ended = killer(*training(few_pairs, steps=12, validations=4), run=run, most_bytes=most_bytes)
        assert ended.status == 1
        assert refused(ended.stderr), (most_bytes, ended.stderr)
        assert not list(run.glob(".*.part")), most_bytes
        if (run / CONFIG).is_file():
            assert f"go on with: mtattn train --run {run} --resume" in ended.stderr
            assert killer("train", "--resume", run=run).status == 0
            assert outcome(run) == outcome(reference)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Give a disk of so many bytes; asked again, make it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")

    def mount(n_bytes: int) -> Path:
        options = f"size={n_bytes}" + (",remount" if os.path.ismount(disk) else "")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted ({done.stderr.decode().strip()})")
        return disk

    yield mount
    if os.path.ismount(disk):
        subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_the_last_good_checkpoint(
    killer: Killer, reference: Path, small_disk: Callable[[int], Path], few_pairs: Path
) -> None:
    n_bytes = (reference / CHECKPOINT).stat().st_size
    room = 2 * n_bytes + sum(path.stat().st_size for path in reference.iterdir())  # for two and a half
    run = small_disk(int(room)) / "run"
    ended = killer(*training(few_pairs, steps=12, validations=4), run=run)
    assert ended.status == 1
    assert f"{run / CHECKPOINT}: cannot be written (No space left on device); make room for it" in ended.stderr
    assert f"the last checkpoint stands; go on with: mtattn train --run {run} --resume" in ended.stderr
    load_tensors((run / CHECKPOINT).read_bytes(), run)
    progress = load_file(run / CHECKPOINT)["progress"]
    assert json.loads(bytes(progress.tolist()))["step"] >= 3
    again = killer("train", "--resume", run=run)
    assert again.status == 1
    assert "No space left on device" in again.stderr
    small_disk(100 * n_bytes)
    assert killer("train", "--resume", run=run).status == 0
    assert outcome(run) == outcome(reference)


def test_a_checkpoint_of_another_model_is_no_damage(stopped: RunFolder) -> None:
    config = stopped.path / CONFIG
    config.write_text(config.read_text().replace("d_ff = 32", "d_ff = 48"))
    with pytest.raises(RunError, match="does not belong to this run"):
        train(stopped.path, None)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_the_weights_of_a_finished_run_come_back_from_its_checkpoint(
    tmp_path: Path, trained_run: RunFolder, harm: Callable[[Path], object]
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    harm(run.path / MODEL)
    with pytest.raises(RunError) as told:
        load_model(run, run.tokenizer().vocab_size)
    assert "--resume" in str(told.value)
    resumed = CliRunner().invoke(app, ["train", "--run", str(run.path), "--resume"])
    assert resumed.exit_code == 0
    assert "restored from the checkpoint" in resumed.stderr
    assert (run.path / MODEL).read_bytes() == (trained_run.path / MODEL).read_bytes()


def test_the_weights_of_a_finished_run_are_not_written_through_a_link(tmp_path: Path, trained_run: RunFolder) -> None:
    run, mine = tmp_path / "run", tmp_path / "mine"
    shutil.copytree(trained_run.path, run)
    mine.write_text("of mine\n")
    (run / MODEL).unlink()
    (run / MODEL).symlink_to(mine)
    refused = CliRunner().invoke(app, ["train", "--run", str(run), "--resume"])
    assert refused.exit_code == 1
    assert "is a link" in refused.stderr
    assert mine.read_text() == "of mine\n"
