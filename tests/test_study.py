"""A study of numbers of heads: what it finds and keeps, how it goes on, what it refuses, what it says."""

import json
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.config import load_config
from mtattn.errors import RunError
from mtattn.run import CHECKPOINT, MANIFEST, METRICS, MODEL, RunFolder, newest_finished
from mtattn.study.conclusion import conclude
from mtattn.study.course import conduct
from mtattn.study.duration import expected_s
from mtattn.study.folder import STUDY, Member, Study, StudyFolder, make_plan
from mtattn.study.measuring import measure, tokens_per_s
from mtattn.study.results import TOLERANCE, ModelNumbers, by_heads
from mtattn.study.view import show
from mtattn.training.interrupt import Interrupted
from mtattn.weights import load_model, new_model

SETTINGS = (
    "data.dev_share=0.1",
    "data.test_share=0.1",
    "training.steps=4",
    "training.validation_pairs=3",
    "tokenizer.vocab_size=400",
)
MEMBERS = [Member(1, 1), Member(2, 1), Member(1, 2), Member(2, 2)]


def study_heads(*arguments: object, status: int = 0) -> CliRunner:
    result = CliRunner().invoke(app, ["study-heads", *map(str, arguments)])
    assert result.exit_code == status, result.stderr
    return result


def options(pairs_file: Path, *settings: str) -> list[str]:
    assignments = [option for setting in (*SETTINGS, *settings) for option in ("--set", setting)]
    return ["--config", "tiny", "--threads", "1", "--data", str(pairs_file), *assignments]


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> tuple[Path, str]:
    """Make a study of two numbers of heads and two seeds; its folder and what --json wrote."""
    path = tmp_path_factory.mktemp("runs") / "study"
    done = study_heads("--heads", "2,1", "--seeds", 2, "--run", path, "--json", *options(pairs_file))
    assert "models to train: 4; on this machine" in done.stderr
    return path, done.stdout


def finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def test_all_numbers_are_there(study):
    path, written = study
    found = json.loads(written)
    assert json.loads((path / STUDY).read_text()) == found
    assert finite(found)
    assert (found["heads"], found["seeds"]) == ([1, 2], [1, 2])
    assert [(model["n_heads"], model["seed"]) for model in found["models"]] == MEMBERS
    for model in found["models"]:
        n_heads = model["n_heads"]
        assert model["d_head"] * n_heads == 32
        assert model["steps"] == 4
        assert model["part"] == "test"
        assert 0 <= model["bleu_low"] <= model["bleu_high"] <= 100
        assert 0 <= model["aer"] <= 1
        assert model["aligner"].startswith("cross.")
        assert len(model["loss_lost"]) == 5 * n_heads
        spare = [lost <= TOLERANCE * model["loss"] for lost in model["loss_lost"].values()]
        assert model["spare"] == sum(spare) / len(spare)
        for value in model["diversity"].values():
            assert value is None if n_heads == 1 else 0 < value < 1
        assert {key for key, value in model.items() if value is None} == set()
    for attribute in ("n_parameters", "data_sha256", "n_pairs", "n_dev"):
        assert len({model[attribute] for model in found["models"]}) == 1
    one, two = found["by_heads"]
    assert (one["n_heads"], two["n_heads"], two["n_models"]) == (1, 2, 2)
    scores = [model["bleu"] for model in found["models"] if model["n_heads"] == 2]
    assert (two["low"], two["high"]) == (min(scores), max(scores))
    assert found["conclusion"]


def test_its_models_are_runs_like_any_other(study):
    path, _ = study
    for member in MEMBERS:
        run = RunFolder(path / member.name)
        config = run.config()
        assert (config.model.n_heads, config.seed) == member
        assert load_model(run, run.tokenizer().vocab_size).n_heads == member.n_heads
    translated = CliRunner().invoke(app, ["translate", "--run", str(path / "heads-2-seed-1"), "Hola."])
    assert translated.exit_code == 0


def test_the_newest_run_is_none_of_a_study(study, trained_run, tmp_path):
    path, _ = study
    with pytest.raises(RunError, match="no finished run"):
        newest_finished(path.parent)
    (tmp_path / "study").symlink_to(path)
    (tmp_path / "older").symlink_to(trained_run.path)
    assert newest_finished(tmp_path).path == tmp_path / "older"


def test_the_same_command_on_a_complete_study_shows_it_and_changes_nothing(study, pairs_file):
    path, written = study
    before = contents(path)
    same = ("--heads", "1,2", "--seeds", 2, "--run", path, *options(pairs_file))
    assert study_heads(*same, "--json").stdout == written
    assert study_heads("--run", path, "--json").stdout == written
    assert json.loads(written)["conclusion"].split() == study_heads("--run", path).stdout.split("\n\n")[-1].split()
    assert contents(path) == before


def test_a_folder_of_other_settings_is_refused_with_all_differences(study, pairs_file):
    path, _ = study
    before = contents(path)
    other = ("--heads", "1,4", "--seeds", 2, "--run", path, *options(pairs_file, "training.steps=5"))
    told = study_heads(*other, status=1).stderr
    assert "heads is [1, 2], not [1, 4]" in told
    assert "training.steps is 4, not 5" in told
    assert "seeds" not in told
    assert contents(path) == before
    run = path / "heads-1-seed-1"
    assert "a run stands here" in study_heads("--run", run, *options(pairs_file), status=1).stderr


class SendsSignal(Console):
    """Sends this process a signal when a certain text is told."""

    def __init__(self, text: str) -> None:
        super().__init__(stderr=True, quiet=True)
        self._text = text

    def print(self, *objects: object, **_: object) -> None:
        if any(str(one).startswith(self._text) for one in objects):
            os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def no_stages() -> Iterator[object]:
    yield lambda name, total: lambda n: None


@contextmanager
def interrupting_stages() -> Iterator[object]:
    yield lambda name, total: lambda n: os.kill(os.getpid(), signal.SIGTERM)


def test_an_interrupted_study_goes_on_and_trains_nothing_twice(study, tmp_path, pairs_file):
    given = {"data.sources": [str(pairs_file)], "training.threads": 1}
    plan = make_plan([1, 2], 1, "tiny", [*SETTINGS], given)
    folder = StudyFolder(tmp_path / "study")
    first, second = (folder.run_of(member).path for member in plan.members())
    quiet = Console(stderr=True, quiet=True)

    with pytest.raises(Interrupted) as interrupted:  # while the first is measured
        conduct(folder, Study(plan), quiet, interrupting_stages)
    assert interrupted.value.signum == signal.SIGTERM
    assert folder.read() == Study(plan)
    trained = contents(first)
    assert "finished_at" in json.loads(trained[first / MANIFEST][0])

    class InSecond(SendsSignal):
        def print(self, *objects: object, **options: object) -> None:
            if second.exists():
                super().print(*objects, **options)

    with pytest.raises(Interrupted) as interrupted:  # while the second is trained
        conduct(folder, folder.read(), InSecond("step 2"), no_stages)
    assert interrupted.value.signum == signal.SIGINT
    begun = folder.read()
    assert [model.n_heads for model in begun.models] == [1]
    assert (second / CHECKPOINT).is_file()
    assert "finished_at" not in RunFolder(second).manifest()

    whole = conduct(folder, begun, quiet, no_stages)
    assert not whole.missing()
    assert folder.read() == whole
    assert whole.models[0] == begun.models[0]
    assert contents(first) == trained
    uninterrupted, _ = study
    for run in (first, second):
        assert (run / MODEL).read_bytes() == (uninterrupted / run.name / MODEL).read_bytes()


def test_ctrl_c_says_how_to_go_on(tmp_path, pairs_file):
    path = tmp_path / "study"
    manifest = path / "heads-1-seed-1" / MANIFEST

    def interrupt_once_it_trains() -> None:
        while not (manifest.is_file() and "n_parameters" in manifest.read_text()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_once_it_trains, daemon=True).start()
    endless = options(pairs_file, "training.steps=1000000")
    told = study_heads("--heads", "1", "--run", path, *endless, status=130).stderr
    assert f"mtattn study-heads --run {path}" in told
    assert (path / STUDY).is_file()


def test_no_head_is_taught_unless_it_is_asked_for() -> None:
    def taught(*assignments: str) -> bool:
        return make_plan([1, 8], 1, "small", [*assignments], {}).config.training.guided_alignment

    assert load_config("small").training.guided_alignment
    assert not taught()
    assert taught("training.guided_alignment=true")


def test_a_run_of_other_settings_among_its_models_is_refused(tmp_path, trained_run):
    plan = make_plan([2], 1, "tiny", [*SETTINGS], {})
    folder = StudyFolder(tmp_path)
    shutil.copytree(trained_run.path, folder.run_of(plan.members()[0]).path)
    with pytest.raises(RunError, match="other settings"):
        conduct(folder, Study(plan), Console(quiet=True), no_stages)


@pytest.mark.parametrize("name", [STUDY, "heads-2-seed-2", f"heads-2-seed-2/{METRICS}"])
def test_nothing_is_written_through_a_strangers_link(study, tmp_path, name):
    path, mine = tmp_path / "study", tmp_path / "mine"
    shutil.copytree(study[0], path)
    found = json.loads((path / STUDY).read_text())
    found["models"].pop()
    (path / STUDY).write_text(json.dumps(found))
    (path / name).rename(mine)
    (path / name).symlink_to(mine)
    before = contents(tmp_path)
    assert "is a link, which is not written to" in study_heads("--run", path, status=1).stderr
    assert contents(tmp_path) == before


def test_a_model_of_other_data_is_refused(study, tmp_path):
    path = tmp_path / "study"
    shutil.copytree(study[0], path)
    found = json.loads((path / STUDY).read_text())
    found["models"] = [model | {"data_sha256": "other"} for model in found["models"][:3]]
    (path / STUDY).write_text(json.dumps(found))
    told = study_heads("--run", path, status=1).stderr
    assert "done already: 3 of 4 models" in told
    assert "heads-2-seed-2: this model has data other than the study's first" in told


def test_all_that_cannot_be_trained_is_told_before_anything_is(tmp_path, pairs_file):
    path = tmp_path / "study"
    wrong = options(pairs_file, "model.d_modle=3", "training.epochs=-1")
    told = study_heads("--heads", "1,3,5", "--run", path, *wrong, status=1).stderr
    assert told.count("n_heads=3 does not divide d_model=32") == 1
    assert told.count("n_heads=5 does not divide d_model=32") == 1
    assert told.count("d_modle is no setting") == 1
    assert told.count("training.epochs = -1") == 1
    none = study_heads("--run", path, "--data", tmp_path / "none.tsv", status=1).stderr
    assert "none.tsv" in none
    for usage in (("--heads", "1,x"), ("--heads", "0"), ("--heads", ""), ("--set", "model.n_heads=2"), ("--seeds", 0)):
        study_heads("--run", path, *usage, status=2)
    assert not path.exists()


def test_data_that_cannot_be_split_leave_nothing_behind(tmp_path):
    data, path = tmp_path / "data.tsv", tmp_path / "study"
    data.write_text("El gato negro.\tThe black cat.\n")
    told = study_heads("--run", path, *options(data, "data.dev_share=0.0"), status=1).stderr
    assert "dev" in told
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"models": [{}]}'])
def test_what_is_no_study_is_told(tmp_path, text):
    (tmp_path / STUDY).write_text(text)
    assert STUDY in study_heads("--run", tmp_path, status=1).stderr


def test_the_number_of_heads_changes_no_number_of_parameters():
    counts = set()
    for n_heads in (1, 2, 4, 8, 16):
        model = new_model(load_config("small", [f"model.n_heads={n_heads}"]), 300)
        counts.add(sum(parameter.numel() for parameter in model.parameters()))
    assert len(counts) == 1


def test_a_time_budget_is_what_the_trainings_take(pairs_file):
    given = {"data.sources": [str(pairs_file)], "training.minutes": 3.0, "training.threads": 1}
    study = Study(make_plan([1, 2], 2, "tiny", [*SETTINGS, "training.steps=0"], given))
    train_s, measure_s = expected_s(study)
    assert train_s == 4 * 3 * 60
    assert 0 < measure_s < math.inf


def test_measuring_takes_about_as_long_as_was_said(study, pairs_file, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", time.process_time)  # what else the machine does counts for nothing
    begun = time.process_time()
    measure(RunFolder(study[0] / "heads-2-seed-1"), lambda name, total: lambda n: None)
    took_s = time.process_time() - begun
    given = {"data.sources": [str(pairs_file)], "training.threads": 1}
    _, measure_s = expected_s(Study(make_plan([2], 1, "tiny", [*SETTINGS], given)))
    assert took_s / 2 < measure_s < 2 * took_s


def test_all_of_a_given_dev_part_is_measured_on(pairs_file, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    dev = tmp_path / "dev.tsv"
    dev.write_text("".join(f"Yo tengo {n} gatos.\tI have {n} cats.\n" for n in range(400)))
    given = {"data.sources": [str(pairs_file)], "training.threads": 1}
    _, without_s = expected_s(Study(make_plan([2], 1, "tiny", [*SETTINGS], given)))
    _, with_s = expected_s(Study(make_plan([2], 1, "tiny", [*SETTINGS], given | {"data.dev": str(dev)})))
    assert with_s > 2 * without_s


def test_speed_is_the_median_over_steps_whatever_lies_between_them(tmp_path):
    lines = [{"step": 1, "n_tokens": 50, "elapsed_s": 3.0}]
    lines += [{"step": step, "n_tokens": 200, "elapsed_s": 3.0 + step} for step in range(2, 6)]
    lines += [{"step": 5, "dev_loss": 1.0, "elapsed_s": 20.0}]
    lines += [{"step": 6, "n_tokens": 300, "elapsed_s": 21.0}, {"step": 7, "n_tokens": 900, "elapsed_s": 90.0}]
    (tmp_path / METRICS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert tokens_per_s(RunFolder(tmp_path)) == 200
    (tmp_path / METRICS).write_text(json.dumps(lines[0]) + "\n")
    assert tokens_per_s(RunFolder(tmp_path)) is None


def numbers(n_heads: int, bleu: float, seed: int = 1, **others: object) -> ModelNumbers:
    """Make up a model's numbers."""
    usual = {
        "run": Member(n_heads, seed).name,
        "n_heads": n_heads,
        "seed": seed,
        "d_head": 64 // n_heads,
        "n_parameters": 1_234_567,
        "data_sha256": "0" * 64,
        "steps": 3_000,
        "elapsed_s": 300.0,
        "tokens_per_s": 21_000.0 - 100 * n_heads,
        "part": "test",
        "n_pairs": 726,
        "bleu": bleu,
        "bleu_low": bleu - 1,
        "bleu_high": bleu + 1,
        "chrf": 50.0,
        "n_gold": 400,
        "aligner": "cross.2.1",
        "aer": 0.25,
        "diversity": dict.fromkeys(("cross", "encoder", "decoder"), None if n_heads == 1 else 0.4 + 0.01 * n_heads),
        "n_dev": 400,
        "loss": 2.0,
        "loss_lost": {f"cross.1.{head}": 0.02 * (head % 2) for head in range(1, n_heads + 1)},
    }
    return ModelNumbers(**{**usual, **others})


def made_up(scores: dict[int, tuple[float, ...]], **others: object) -> Study:
    """Make up a study from the BLEU of each number of heads, seed by seed."""
    n_seeds = len(next(iter(scores.values())))
    plan = make_plan([*scores], n_seeds, "small", ["model.d_model=64"], {})
    models = [numbers(n, bleu, seed, **others) for n in scores for seed, bleu in enumerate(scores[n], 1)]
    return Study(plan, tuple(models))


def conclusion(scores: dict[int, tuple[float, ...]]) -> str:
    return conclude(by_heads(made_up(scores).models))


def test_the_conclusion_follows_from_the_numbers():
    apart = conclusion({1: (20.0, 21.0), 4: (30.0, 31.0), 8: (28.0, 29.0)})
    assert "30.5 (the mean of 2 seeds), has 4 heads" in apart
    assert "difference to 8 heads, 2.0, is larger than the spread" in apart
    assert "33% of cases" in apart
    assert "From 4 to 8 heads the diversity of heads rises from 0.44 to 0.48 in cross-attention" in apart
    overlapping = conclusion({4: (30.0, 31.0), 8: (28.0, 30.5)})
    assert "is not larger than the spread: their ranges over 2 seeds overlap" in overlapping
    best_is_usual = conclusion({1: (20.0,), 4: (30.0,), 8: (33.0,)})
    assert "33.0 (a single model), has 8 heads" in best_is_usual
    assert "difference to 4 heads, 3.0, is larger than the spread: their 95% intervals lie apart" in best_is_usual
    alone = conclusion({1: (20.0,)})
    assert "1 head." in alone
    assert "difference" not in alone
    assert "diversity" not in alone


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_study_fits_a_terminal_and_its_chart_orders_the_scores(width: int, seeds: int):
    scores = {1: 20.0, 2: 25.0, 4: 31.0, 8: 33.3, 16: 32.0}
    study = made_up({n: tuple(bleu + k for k in range(seeds)) for n, bleu in scores.items()})
    console = Console(width=width)
    with console.capture() as shown:
        for part in show(study, width):
            console.print(part)
    lines = shown.get().splitlines()
    assert max(map(len, lines)) <= width
    drawn = {int(line.split()[0]): line.index("●") for line in lines if "●" in line and not line.startswith("heads")}
    assert [*drawn] == [*scores]
    assert sorted(drawn, key=drawn.__getitem__) == sorted(scores, key=scores.__getitem__)
    text = " ".join(" ".join(lines).split())
    for told in (
        "1,234,567 parameters",
        "AER",
        "JS cross",
        "spare",
        "tokens/s",
        "20,900",
        "50%",
        conclude(by_heads(study.models)),
    ):
        assert told in text


def test_a_study_without_spread_gold_or_test_part_is_shown():
    study = made_up({1: (0.0, 0.0), 2: (0.0, 0.0)}, n_gold=0, aer=None, aligner=None, part="dev", tokens_per_s=None)
    console = Console(width=80)
    with console.capture() as shown:
        for part in show(study, 80):
            console.print(part)
    assert "AER:" not in shown.get()
    assert "by which the weights were chosen too" in shown.get()
