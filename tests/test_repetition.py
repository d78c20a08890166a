"""Laws of a run that is repeated: the same bytes from what its folder records, or a reason why not."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from test_training import StopsAt, settings, steps_of, train
from typer.testing import CliRunner

import mtattn.training.trainer as trainer_room
from mtattn.cli import app
from mtattn.config import config_from
from mtattn.run import CONFIG, MANIFEST, METRICS, MODEL, TOKENIZER, RunFolder
from mtattn.training.progress import Display
from mtattn.training.start import train_run


def mtattn(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.stderr
    return result.stderr


def lines_of(run: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    return [{key: line[key] for key in line.keys() - {"elapsed_s", "validation_s"}} for line in lines]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Path:
    path = tmp_path_factory.mktemp("source") / "pairs.tsv"
    path.write_bytes(pairs_file.read_bytes())
    return path


@pytest.fixture(scope="module")
def of_steps(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    path = tmp_path_factory.mktemp("runs") / "steps"
    assert train(path, settings(source, threads=2)) == 0
    return path


@pytest.fixture(scope="module")
def of_minutes(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """Train for a minute of a clock that goes by leaps, so that the steps do not depend on how fast this machine is."""
    leaps = np.random.default_rng(0).uniform(0, 0.8, 10_000).cumsum()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer_room, "time", SimpleNamespace(monotonic=map(float, leaps).__next__))
        # So many that the places on the schedule alone would put some of them elsewhere.
        config = config_from(settings(source, steps=0, minutes=1.0, validations=10))
        run = RunFolder.create(tmp_path_factory.mktemp("runs") / "minutes", config)
        assert train_run(run, resume=False, display=Display(Console(stderr=True, quiet=True)), started=0.0) == 0
    assert [line["step"] for line in lines_of(run.path) if "dev_loss" in line][1:-1]
    return run.path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def changed(tmp_path: Path, of_steps: Path) -> Path:
    """Copy what a run is repeated from, to be changed."""
    (tmp_path / "changed").mkdir()
    for name in (CONFIG, MANIFEST):
        (tmp_path / "changed" / name).write_bytes((of_steps / name).read_bytes())
    return tmp_path / "changed"


def test_a_run_bounded_by_steps_is_repeated_from_config_and_manifest_alone(changed: Path, of_steps: Path) -> None:
    again = changed.parent / "again"
    told = mtattn("train", "--repeat", changed, "--run", again)
    assert f"the weights are the same bytes as those of {changed.resolve()}: SHA-256 " in told
    assert "2 threads" in told
    for name in (MODEL, TOKENIZER, CONFIG):
        assert (again / name).read_bytes() == (of_steps / name).read_bytes()
    assert lines_of(again) == lines_of(of_steps)


def test_a_run_bounded_by_time_is_repeated_however_long_it_takes_now(tmp_path: Path, of_minutes: Path) -> None:
    class Dawdles(Display):
        def step(self, report: object) -> None:
            time.sleep(0.02)

    again = RunFolder.create(tmp_path / "slower", RunFolder(of_minutes).config())
    again.update_manifest(repeats=str(of_minutes))
    slow = Dawdles(Console(stderr=True, quiet=True))
    assert train_run(again, resume=False, display=slow, started=time.monotonic() - 60) == 0
    assert lines_of(again.path) == lines_of(of_minutes)
    assert (again.path / MODEL).read_bytes() == (of_minutes / MODEL).read_bytes()
    assert mtattn("train", "--repeat", again.path, "--run", tmp_path / "twice").count("the same bytes as") == 1


def test_a_repetition_that_was_stopped_goes_on_as_one(tmp_path: Path, of_minutes: Path) -> None:
    again = RunFolder.create(tmp_path / "again", RunFolder(of_minutes).config())
    again.update_manifest(repeats=str(of_minutes))
    half = len(steps_of(of_minutes)) // 2
    assert train_run(again, resume=False, display=StopsAt(half), started=time.monotonic()) == 130
    assert "the same bytes as" in mtattn("train", "--run", again.path, "--resume")
    assert lines_of(again.path) == lines_of(of_minutes)


def test_a_source_that_has_changed_is_refused_and_nothing_is_left_behind(
    tmp_path: Path, of_steps: Path, source: Path
) -> None:
    text = source.read_text()
    try:
        source.write_text(text + "Uno más.\tOne more.\n")
        told = mtattn("train", "--repeat", of_steps, "--run", tmp_path / "again", status=1)
        assert f"{source}: {of_steps} was trained on this file, which has changed since; put the one there" in told
        source.unlink()
        told = mtattn("train", "--repeat", of_steps, "--run", tmp_path / "again", status=1)
        assert f"{source}: {of_steps} was trained on this file, which is not there" in told
        source.symlink_to("/dev/zero")
        assert "which is not there" in mtattn("train", "--repeat", of_steps, "--run", tmp_path / "again", status=1)
        source.unlink()
    finally:
        source.write_text(text)
    assert not (tmp_path / "again").exists()


def test_other_pairs_of_a_source_without_a_file_are_refused(changed: Path) -> None:
    manifest = json.loads((changed / MANIFEST).read_text())
    (changed / MANIFEST).write_text(json.dumps(manifest | {"sources": {}, "data_sha256": "0" * 64, "python": "3.0"}))
    told = mtattn("train", "--repeat", changed, "--run", changed.parent / "again", status=1)
    assert "pairs.tsv: these are not the pairs that" in told
    assert "what differs: python is 3.1" in told
    assert not (changed.parent / "again").exists()


def test_other_weights_are_told_with_what_differs(changed: Path) -> None:
    manifest = json.loads((changed / MANIFEST).read_text())
    manifest["packages"]["torch"] = "1.0"
    (changed / MANIFEST).write_text(json.dumps(manifest | {"cpu": "another"}))
    edit(changed / CONFIG, "seed = 1", "seed = 2")
    told = mtattn("train", "--repeat", changed, "--run", changed.parent / "again", status=1)
    assert "the weights are not the same bytes as those of" in told
    assert "there; torch is 2." in told
    assert "here, another there" in told


def test_what_is_no_finished_run_is_refused(changed: Path) -> None:
    manifest = json.loads((changed / MANIFEST).read_text())
    for name, says in [
        ("finished_at", "the run is not finished"),
        ("weights_sha256", "weights_sha256 is not recorded"),
    ]:
        (changed / MANIFEST).write_text(json.dumps({key: manifest[key] for key in manifest if key != name}))
        assert says in mtattn("train", "--repeat", changed, "--run", changed.parent / "again", status=1)
    (changed / MANIFEST).write_text(json.dumps(manifest | {"threads": 10**9}))
    told = mtattn("train", "--repeat", changed, "--run", changed.parent / "again", status=1)
    assert "training.threads = 1000000000: input should be less than" in told


@pytest.mark.parametrize("lines", ["", '{"step": 1}\n', '{"position": NaN}\n' * 24, "[]\n", "{"])
def test_a_run_bounded_by_time_whose_steps_are_lost_is_refused(changed: Path, lines: str) -> None:
    edit(changed / CONFIG, "minutes = 0.0", "minutes = 1.0")
    (changed / METRICS).write_text(lines)
    told = mtattn("train", "--repeat", changed, "--run", changed.parent / "again", status=1)
    assert f"{METRICS}: " in told
    assert "the steps of a run bounded by time stand in it alone" in told


@pytest.mark.parametrize(
    "options",
    [
        ("--config", "tiny"),
        ("--data", "pairs.tsv"),
        ("--dev", "pairs.tsv"),
        ("--set", "seed=3"),
        ("--seed", 3),
        ("--minutes", 1),
        ("--threads", 1),
        ("--device", "cpu"),
        ("--direction", "es-en"),
        ("--probe", "Hola."),
        ("--resume",),
    ],
)
def test_what_contradicts_a_repetition_is_wrong_usage(tmp_path: Path, of_steps: Path, options: tuple[object]) -> None:
    told = mtattn("train", "--repeat", of_steps, "--run", tmp_path / "again", *options, status=2)
    assert "goes with --run" in told
    assert not (tmp_path / "again").exists()


def test_a_run_is_not_repeated_into_itself(of_steps: Path) -> None:
    before = (of_steps / MANIFEST).read_bytes()
    told = mtattn("train", "--repeat", of_steps, "--run", of_steps.parent / "." / of_steps.name, "--force", status=2)
    assert "name another folder" in told
    assert (of_steps / MANIFEST).read_bytes() == before
