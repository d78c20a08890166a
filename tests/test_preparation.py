"""Laws of what lies on disk while a training goes on: used again where it fits, whole or absent, gone at the end."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from test_training import StopsAt, settings, steps_of, train

import mtattn.corpus.batches as batches_room
from mtattn.config import config_from
from mtattn.errors import RunError
from mtattn.run import CONFIG, DEV, MODEL, TOKENIZER, TRAIN_IDS, TRAIN_LINKS, RunFolder
from mtattn.training.interrupt import Interrupted
from mtattn.training.progress import Display, StepReport


class Listens(Display):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(Console(stderr=True, quiet=True))
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def told(self, words: str) -> bool:
        return any(words in note for note in self.notes)


@pytest.fixture
def mine(tmp_path: Path, pairs_file: Path) -> Path:
    """Copy the corpus, to be changed."""
    (tmp_path / "mine.tsv").write_bytes(pairs_file.read_bytes())
    return tmp_path / "mine.tsv"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> bytes:
    """Train without a stop, for the weights."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    train(path, settings(pairs_file))
    return (path / MODEL).read_bytes()


def test_the_ids_are_there_until_the_training_is_finished(tmp_path: Path, mine: Path) -> None:
    train(tmp_path / "run", settings(mine), StopsAt(5))
    assert (tmp_path / "run" / TRAIN_IDS).is_file()
    train(tmp_path / "run", None)
    assert not (tmp_path / "run" / TRAIN_IDS).exists()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *(CONFIG, MODEL, TOKENIZER),
        *("manifest.json", "checkpoint.safetensors", "metrics.jsonl", "history.jsonl", "dev.tsv", "test.tsv"),
    }


def test_resuming_reads_nothing_anew_where_nothing_has_changed(tmp_path: Path, mine: Path, whole: bytes) -> None:
    train(tmp_path / "run", settings(mine), StopsAt(5))
    made_at = (tmp_path / "run" / TRAIN_IDS).stat().st_mtime_ns

    class StopsAndListens(Listens):
        def step(self, report: StepReport) -> None:
            StopsAt(9).step(report)

    display = StopsAndListens()
    train(tmp_path / "run", None, display)
    assert (tmp_path / "run" / TRAIN_IDS).stat().st_mtime_ns == made_at
    assert display.told("the data are those that this run began with")
    assert not display.told("held out")
    train(tmp_path / "run", None)
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "harm"), [(TRAIN_IDS, cut), (TRAIN_IDS, changed), (TRAIN_IDS, Path.unlink), ("../mine.tsv", Path.touch)]
)
def test_ids_that_are_not_what_was_written_are_made_anew(
    tmp_path: Path, mine: Path, whole: bytes, name: str, harm: object
) -> None:
    train(tmp_path / "run", settings(mine), StopsAt(5))
    harm(tmp_path / "run" / name)
    display = Listens()
    train(tmp_path / "run", None, display)
    assert display.told("held out") == (name == TRAIN_IDS)  # a file that was only touched is the same
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


def test_another_file_with_the_same_pairs_is_as_good(tmp_path: Path, mine: Path, whole: bytes) -> None:
    train(tmp_path / "run", settings(mine), StopsAt(5))
    lines = mine.read_text().splitlines(keepends=True)
    mine.write_text("".join([*lines, "\n", lines[0]]))
    display = Listens()
    train(tmp_path / "run", None, display)
    assert display.told("repeat an earlier pair: 1")
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


def test_dev_pairs_that_were_changed_in_the_folder_are_not_taken(tmp_path: Path, mine: Path) -> None:
    train(tmp_path / "run", settings(mine), StopsAt(5))
    kept = (tmp_path / "run" / DEV).read_bytes()
    changed(tmp_path / "run" / DEV)
    display = Listens()
    train(tmp_path / "run", None, display)
    assert display.told("held out")
    assert (tmp_path / "run" / DEV).read_bytes() == kept


def test_a_tokenizer_that_was_changed_in_the_folder_is_not_taken(tmp_path: Path, mine: Path) -> None:
    train(tmp_path / "run", settings(mine), StopsAt(5))
    path = tmp_path / "run" / TOKENIZER
    kept = path.read_bytes()
    path.write_bytes(kept.replace("é".encode(), "è".encode(), 1))
    with pytest.raises(RunError, match=f"{TOKENIZER}: this is not the tokenizer that the run began with; restore"):
        train(tmp_path / "run", None)
    path.write_bytes(kept)
    assert train(tmp_path / "run", None) == 0


def test_links_are_made_anew_where_they_are_not_what_was_written(tmp_path: Path, mine: Path) -> None:
    guided = settings(mine, guided_alignment=True)
    train(tmp_path / "whole", guided)
    train(tmp_path / "run", guided, StopsAt(5))
    cut(tmp_path / "run" / TRAIN_LINKS)
    train(tmp_path / "run", None, StopsAt(9))
    display = Listens()
    train(tmp_path / "run", None, display)
    assert display.told("the data are those that this run began with")
    assert (tmp_path / "run" / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()


KILLED = """
import os
from test_preparation import *

class KillsItself(Listens):
    def note(self, text):
        if "left out of the loss" in text:
            assert [path.name for path in Path(sys.argv[1]).glob("*train.ids*")] == [".train.ids.part"]
            os.kill(os.getpid(), signal.SIGKILL)

train(Path(sys.argv[1]), None, KillsItself())
"""


def test_what_a_kill_leaves_half_written_is_not_trusted(tmp_path: Path, mine: Path) -> None:
    config = settings(mine)
    config["model"]["max_positions"] = 20  # some pairs are too long: that is told while the file is being written
    train(tmp_path / "whole", config)
    RunFolder.create(tmp_path / "run", config_from(config))
    folders = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    killed = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {folders}\n{KILLED}", str(tmp_path / "run")],
        check=False,
        stderr=subprocess.PIPE,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "run" / TRAIN_IDS).exists()
    assert "prepared" not in json.loads((tmp_path / "run" / "manifest.json").read_text())
    train(tmp_path / "run", None)
    assert (tmp_path / "run" / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()
    assert not list((tmp_path / "run").glob("*.part"))


def test_an_interrupt_while_the_ids_are_written_leaves_none(tmp_path: Path, mine: Path) -> None:
    config = settings(mine)
    config["model"]["max_positions"] = 20

    class Stops(Listens):
        def note(self, text: str) -> None:
            if "left out of the loss" in text:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(tmp_path / "run", config, Stops())
    assert not list((tmp_path / "run").glob("*train.ids*"))


def test_a_preparation_that_was_finished_is_used_though_no_step_was_taken(
    tmp_path: Path, mine: Path, whole: bytes
) -> None:
    class Stops(Listens):
        def note(self, text: str) -> None:
            if text.startswith("model:"):
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(tmp_path / "run", settings(mine), Stops())
    display = Listens()
    train(tmp_path / "run", None, display)
    assert display.told("the data are those")
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


class TestBlocks:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches_room, "BLOCK_PAIRS", 40)
        monkeypatch.setattr(batches_room, "_RUN_PAIRS", 4)

    def test_a_training_stopped_in_any_block_goes_on_exactly(self, tmp_path: Path, mine: Path) -> None:
        config = settings(mine, steps=0, epochs=2)
        train(tmp_path / "whole", config)
        n_steps = len(steps_of(tmp_path / "whole"))
        train(tmp_path / "run", config, StopsAt(n_steps // 3))
        train(tmp_path / "run", None, StopsAt(n_steps // 2 + 2))
        train(tmp_path / "run", None)
        assert (tmp_path / "run" / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()

    def test_an_epoch_has_every_pair_and_the_schedule_runs_evenly_from_0_to_1(self, tmp_path: Path, mine: Path) -> None:
        train(tmp_path / "run", settings(mine, steps=0, epochs=2))
        steps = steps_of(tmp_path / "run")
        n_tokens = [sum(step["n_tokens"] for step in steps if step["epoch"] == epoch) for epoch in (1, 2)]
        assert n_tokens[0] == n_tokens[1]
        positions = [step["position"] for step in steps]
        assert positions[0] == 0
        assert positions == sorted(positions)
        assert max(after - before for before, after in zip(positions, [*positions[1:], 1.0], strict=True)) < 0.05
