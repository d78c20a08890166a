"""Laws of a training: it repeats itself, it goes on exactly, and its folder tells the truth."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file

from mtattn.config import config_from
from mtattn.corpus.loading import load_parts
from mtattn.corpus.pairs import Direction, sentence_key
from mtattn.errors import RunError
from mtattn.run import CHECKPOINT, CONFIG, DEV, MANIFEST, METRICS, MODEL, TEST, TOKENIZER, TRAIN_LINKS, RunFolder
from mtattn.run import newest_finished as newest
from mtattn.training.interrupt import Interrupted
from mtattn.training.progress import Display, StepReport
from mtattn.training.start import train_run
from mtattn.weights import load_model


def settings(pairs_file: Path, **training: object) -> dict[str, object]:
    return {
        "data": {"sources": [str(pairs_file)], "dev_share": 0.1, "test_share": 0.1},
        "tokenizer": {"vocab_size": 500},
        "model": {"d_model": 16, "n_heads": 2, "n_encoder_layers": 1, "n_decoder_layers": 1, "d_ff": 32},
        "training": {"steps": 24, "batch_tokens": 256, "validations": 3, "validation_pairs": 5, "threads": 1}
        | training,
    }


class StopsAt(Display):
    """Sends this process a signal at a step."""

    def __init__(self, step: int, signum: int = signal.SIGINT) -> None:
        super().__init__(Console(stderr=True, quiet=True))
        self._stop_at, self._signum = step, signum

    def step(self, report: StepReport) -> None:
        if report.step == self._stop_at:
            os.kill(os.getpid(), self._signum)


def train(path: Path, config: dict[str, object] | None, display: Display | None = None) -> int:
    """Train anew with a config, or go on without one."""
    run = RunFolder.create(path, config_from(config)) if config else RunFolder(path)
    display = display or Display(Console(stderr=True, quiet=True))
    return train_run(run, resume=config is None, display=display, started=time.monotonic())


def steps_of(path: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (path / METRICS).read_text().splitlines()]
    return [line for line in lines if "loss" in line]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes(tmp_path, pairs_file, threads):
    config = settings(pairs_file, threads=threads)
    config["model"]["dropout"] = 0.3
    for name in "ab":
        assert train(tmp_path / name, config) == 0
    for file in (MODEL, TOKENIZER, CONFIG, DEV, TEST):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_what_is_not_taught_changes_no_byte_and_what_is_taught_is_learned(tmp_path, pairs_file):
    train(tmp_path / "plain", settings(pairs_file))
    train(tmp_path / "other", settings(pairs_file, alignment_weight=0.7))
    assert (tmp_path / "plain" / MODEL).read_bytes() == (tmp_path / "other" / MODEL).read_bytes()
    assert "alignment_loss" not in steps_of(tmp_path / "plain")[0]
    train(tmp_path / "taught", settings(pairs_file, guided_alignment=True, alignment_weight=0.7, steps=120))
    losses = [step["alignment_loss"] for step in steps_of(tmp_path / "taught")]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert not (tmp_path / "taught" / TRAIN_LINKS).exists()


def test_another_seed_gives_other_weights(tmp_path, pairs_file):
    for seed in (1, 2):
        train(tmp_path / str(seed), settings(pairs_file) | {"seed": seed})
    assert (tmp_path / "1" / MODEL).read_bytes() != (tmp_path / "2" / MODEL).read_bytes()


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_goes_on_exactly(tmp_path, pairs_file, signum, status):
    config = settings(pairs_file, steps=0, epochs=3, threads=2)
    config["model"]["dropout"] = 0.3
    assert train(tmp_path / "whole", config) == 0
    assert train(tmp_path / "stopped", config, StopsAt(11, signum)) == status
    assert len(steps_of(tmp_path / "stopped")) == 11
    assert train(tmp_path / "stopped", None, StopsAt(17, signum)) == status
    assert train(tmp_path / "stopped", None) == 0
    assert (tmp_path / "whole" / MODEL).read_bytes() == (tmp_path / "stopped" / MODEL).read_bytes()
    whole, stopped = (load_file(tmp_path / name / CHECKPOINT) for name in ("whole", "stopped"))
    assert whole.keys() == stopped.keys()
    assert all(torch.equal(whole[key], stopped[key]) for key in whole if key != "progress")
    assert [{**s, "elapsed_s": 0} for s in steps_of(tmp_path / "whole")] == [
        {**s, "elapsed_s": 0} for s in steps_of(tmp_path / "stopped")
    ]


def test_what_metrics_has_beyond_the_checkpoint_is_cut_off_on_resuming(tmp_path, pairs_file):
    train(tmp_path / "run", settings(pairs_file), StopsAt(9))
    with (tmp_path / "run" / METRICS).open("a") as file:
        file.write('{"step": 10, "loss": 1.0}\n{"step": 11, "lo')
    assert train(tmp_path / "run", None) == 0
    assert [step["step"] for step in steps_of(tmp_path / "run")] == list(range(1, 25))


def test_a_signal_before_the_first_step_stops_at_once_and_resuming_begins_anew(tmp_path, pairs_file):
    class StopsWhileReading(Display):
        def note(self, text: str) -> None:
            if "to train on" in text:
                assert "steps = 24" in (tmp_path / "run" / CONFIG).read_text()
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as interrupted:
        train(tmp_path / "run", settings(pairs_file), StopsWhileReading(Console(stderr=True, quiet=True)))
    assert interrupted.value.signum == signal.SIGTERM
    assert train(tmp_path / "run", None) == 0


def test_a_time_budget_that_is_spent_already_still_leaves_a_model(tmp_path, pairs_file):
    run = RunFolder.create(tmp_path / "run", config_from(settings(pairs_file, steps=0, minutes=1.0)))
    started = time.monotonic() - 3600
    assert train_run(run, resume=False, display=Display(Console(quiet=True)), started=started) == 0
    (step,) = steps_of(run.path)
    assert step["position"] == 1
    load_model(run, run.tokenizer().vocab_size)


def test_the_time_before_the_first_step_takes_nothing_from_the_schedule(tmp_path, pairs_file):
    config = config_from(settings(pairs_file, steps=0, minutes=100.0, validations=1))
    run = RunFolder.create(tmp_path / "run", config)
    train_run(run, resume=False, display=StopsAt(2), started=time.monotonic() - 50 * 60)
    assert all(step["position"] < 1e-3 for step in steps_of(run.path))


def test_with_a_time_budget_the_time_before_a_stop_counts(tmp_path, pairs_file):
    config = config_from(settings(pairs_file, steps=0, minutes=100.0, validations=1))
    run = RunFolder.create(tmp_path / "run", config)
    begun = time.monotonic()
    train_run(run, resume=False, display=StopsAt(2), started=begun - 50 * 60)
    assert train_run(run, resume=True, display=StopsAt(4), started=time.monotonic() - 20 * 60) == 130
    took_s = time.monotonic() - begun
    elapsed_s = [step["elapsed_s"] for step in steps_of(run.path)]
    for elapsed, before in zip(elapsed_s, (50, 50, 70, 70), strict=True):
        assert before * 60 <= elapsed <= before * 60 + took_s
    begun_s = elapsed_s[0]
    for step in steps_of(run.path):  # of what the reading left, less what the end needs: a twentieth, not yet measured
        expected = (step["elapsed_s"] - begun_s) / (100 * 60 * 0.95 - begun_s)
        assert step["position"] == pytest.approx(expected, abs=2e-3)


def test_a_signal_while_patience_ends_leaves_a_finished_run(tmp_path, pairs_file):
    config = settings(pairs_file, steps=500, validations=100, patience=2, learning_rate=1e-9)
    config["training"]["muon_learning_rate"] = 1e-9
    assert train(tmp_path / "run", config, StopsAt(15)) == 0
    assert len(steps_of(tmp_path / "run")) == 15
    assert RunFolder(tmp_path / "run").manifest()["steps"] == 15


def test_patience_stops_a_training_that_no_longer_gets_better(tmp_path, pairs_file):
    config = settings(pairs_file, steps=500, validations=100, patience=2, learning_rate=1e-9)
    config["training"]["muon_learning_rate"] = 1e-9
    assert train(tmp_path / "run", config) == 0
    assert len(steps_of(tmp_path / "run")) == 15  # the first validation is the best, two more are not


def test_of_validations_with_equal_bleu_the_one_of_the_lowest_loss_is_the_best(tmp_path, pairs_file):
    config = settings(pairs_file, validations=6)
    for name in ("whole", "stopped"):
        train(tmp_path / name, config, StopsAt(15) if name == "stopped" else None)
    assert train(tmp_path / "stopped", None) == 0
    lines = [json.loads(line) for line in (tmp_path / "whole" / METRICS).read_text().splitlines()]
    validations = [line for line in lines if "dev_loss" in line]
    assert {line["dev_bleu_greedy"] for line in validations} == {0.0}  # after so few steps
    best = min(validations, key=lambda line: line["dev_loss"])
    assert best is not validations[0]
    manifests = [RunFolder(tmp_path / name).manifest() for name in ("whole", "stopped")]
    assert [one["best_step"] for one in manifests] == [best["step"]] * 2


def test_a_run_bounded_in_epochs_sees_every_pair_as_often(tmp_path, pairs_file):
    train(tmp_path / "run", settings(pairs_file, steps=0, epochs=2))
    epochs = [step["epoch"] for step in steps_of(tmp_path / "run")]
    n_tokens = dict.fromkeys(epochs, 0)
    for step in steps_of(tmp_path / "run"):
        n_tokens[step["epoch"]] += step["n_tokens"]
    assert len(n_tokens) == 2
    assert len(set(n_tokens.values())) == 1


def test_every_step_records_its_place_on_the_schedule(tmp_path, pairs_file):
    train(tmp_path / "run", settings(pairs_file))
    positions = [step["position"] for step in steps_of(tmp_path / "run")]
    assert positions == [step / 24 for step in range(24)]


def test_held_out_sentences_are_kept_with_the_run_and_not_trained_on(trained_run):
    dev, test = trained_run.read_pairs(DEV), trained_run.read_pairs(TEST)
    parts = load_parts(trained_run.config().data, Direction.parse("es-en"), note=lambda text: None)
    assert dev == parts.dev
    assert test == parts.test
    counts = {"train": len(parts.train), "dev": len(dev), "test": len(test)}
    assert trained_run.manifest()["n_pairs"] == counts
    assert min(counts.values()) > 0
    for side in ("src", "tgt"):
        trained, held_out = ({sentence_key(getattr(p, side)) for p in pairs} for pairs in (parts.train, dev + test))
        assert not trained & held_out


def test_a_run_that_was_stopped_before_its_manifest_was_told_can_be_finished(tmp_path, pairs_file):
    train(tmp_path / "run", settings(pairs_file))
    run = RunFolder(tmp_path / "run")
    manifest = run.manifest()
    ended = {
        key: manifest.pop(key)
        for key in ("finished_at", "steps", "best_step", "dev_bleu_greedy", "elapsed_s", "validations_s", "alignment")
    }
    run.write_manifest(manifest)
    assert train(tmp_path / "run", None) == 0
    again = run.manifest()
    assert {key: again[key] for key in ("steps", "best_step", "dev_bleu_greedy", "alignment")} == {
        key: ended[key] for key in ("steps", "best_step", "dev_bleu_greedy", "alignment")
    }
    assert newest(tmp_path).path == tmp_path / "run"


def test_metrics_that_lost_lines_are_told(tmp_path, pairs_file):
    train(tmp_path / "run", settings(pairs_file), StopsAt(9))
    (tmp_path / "run" / METRICS).write_text("")
    with pytest.raises(RunError, match="lines are missing"):
        train(tmp_path / "run", None)


def test_a_finished_run_is_found_and_an_unfinished_one_is_not(tmp_path, pairs_file):
    train(tmp_path / "old", settings(pairs_file))
    train(tmp_path / "new", settings(pairs_file), StopsAt(5))
    assert newest(tmp_path).path == tmp_path / "old"
    with pytest.raises(RunError, match="no finished run"):
        newest(tmp_path / "nowhere")


def test_a_run_is_not_overwritten_unless_forced_and_foreign_files_stay(tmp_path, trained_run):
    config = trained_run.config()
    run = RunFolder.create(tmp_path, config)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / MODEL).write_bytes(b"old")
    with pytest.raises(RunError, match="--resume"):
        RunFolder.create(tmp_path, config)
    RunFolder.create(tmp_path, config, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / MODEL).exists()
    assert run.config() == config


def test_changed_data_are_refused_on_resuming(tmp_path, pairs_file):
    mine = tmp_path / "pairs.tsv"
    mine.write_text(pairs_file.read_text())
    train(tmp_path / "run", settings(mine), StopsAt(5))
    mine.write_text("".join(mine.read_text().splitlines(keepends=True)[5:]))
    with pytest.raises(RunError, match="not those that this run began with"):
        train(tmp_path / "run", None)


class TestLoading:
    @pytest.fixture
    def copy(self, tmp_path, trained_run):
        for name in (CONFIG, MANIFEST, TOKENIZER, MODEL):
            (tmp_path / name).write_bytes(trained_run.read(name))
        return RunFolder(tmp_path)

    def load(self, run: RunFolder) -> None:
        load_model(run, run.tokenizer().vocab_size)

    def test_a_copied_folder_loads(self, copy):
        self.load(copy)

    @pytest.mark.parametrize("name", [CONFIG, TOKENIZER, MODEL])
    def test_a_missing_file_is_named(self, copy, name):
        (copy.path / name).unlink()
        with pytest.raises(RunError):
            self.load(copy)

    @pytest.mark.parametrize("name", [TOKENIZER, MODEL])
    @pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 99])
    def test_a_damaged_file_is_refused(self, copy, name, damage):
        path = copy.path / name
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(RunError, match=name):
            self.load(copy)

    def test_weights_that_are_not_finite_are_refused(self, copy):
        tensors = load_file(copy.path / MODEL)
        tensors["encoder_norm.weight"][0] = torch.nan
        save_file(tensors, copy.path / MODEL)
        with pytest.raises(RunError, match="not a finite number"):
            self.load(copy)

    def test_weights_of_another_model_are_refused(self, copy):
        text = (copy.path / CONFIG).read_text()
        assert "d_ff = 64" in text
        (copy.path / CONFIG).write_text(text.replace("d_ff = 64", "d_ff = 60000"))
        with pytest.raises(RunError, match="not the weights of the model"):
            self.load(copy)
