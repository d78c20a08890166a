"""Heads switched from the command line: what is shown beside the model as it was trained."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.run import RunFolder

TEXTS = ("Hola.", "¿Dónde está la estación?")


def mtattn(*arguments: object, stdin: str = "", status: int = 0) -> CliRunner:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == status, result.stderr
    return result


@pytest.fixture
def run(trained_run: RunFolder) -> Path:
    return trained_run.path


def test_translate_shows_both_translations(run):
    plain = mtattn("translate", "--run", run, *TEXTS, "--json").stdout.splitlines()
    stdin = f"{TEXTS[0]}\n\n{TEXTS[1]}\n"
    only = ("--only", "cross.1.1", "--uniform", "decoder.2.8")
    lines = mtattn("translate", "--run", run, *only, stdin=stdin).stdout.split("\n")
    assert len(lines) == 4
    assert lines[1] == lines[3] == ""
    shown = [
        json.loads(line) for line in mtattn("translate", "--run", run, *only, *TEXTS, "--json").stdout.splitlines()
    ]
    for line, one, before in zip((lines[0], lines[2]), shown, map(json.loads, plain), strict=True):
        assert one["switches"] == {"mute": [], "only": ["cross.1.1"], "uniform": ["decoder.2.8"]}
        assert one["untouched"] == before["translations"]
        columns = line.split("\t")
        assert re.sub(r"[][]", "", columns[0]) == before["translations"][0]["text"]
        assert re.sub(r"[][]", "", columns[1]) == one["translations"][0]["text"]
        assert float(columns[2]) == pytest.approx(before["translations"][0]["log_prob"], abs=1e-4)
        assert float(columns[3]) == pytest.approx(one["translations"][0]["log_prob"], abs=1e-4)
        assert columns[2] != columns[3]


def test_inspect_heads_shows_the_maps_of_the_switched_model_and_what_changed(run):
    target = ("--target", "Where is it?", TEXTS[1])
    plain = json.loads(mtattn("inspect-heads", "--run", run, *target, "--json").stdout)
    options = ("inspect-heads", "--run", run, "--mute", "encoder.1.3", "--mute", "cross.1.2", "--uniform", "cross.2.5")
    changed = json.loads(mtattn(*options, *target, "--json").stdout)
    assert "untouched" not in plain
    untouched = changed["untouched"]
    assert untouched["switches"] == {"mute": ["encoder.1.3", "cross.1.2"], "only": [], "uniform": ["cross.2.5"]}
    assert untouched["target"] == changed["target"] == "Where is it?"
    assert untouched["log_prob"] != untouched["log_prob_switched"]
    cross = changed["pieces"]["cross"]
    assert cross["weights"] != plain["pieces"]["cross"]["weights"]
    assert {x for row in cross["weights"][1][4] for x in row} == {round(1 / len(cross["columns"]), 6)}
    for one in changed["words"].values():
        assert all(abs(sum(row) - 1) < 1e-3 for layer in one["weights"] for head in layer for row in head)
    shown = mtattn(*options, *TEXTS).stdout
    assert shown.count("mute encoder.1.3, mute cross.1.2, uniform cross.2.5") == 2
    assert shown.count("log-probability of the untouched output") == 2


@pytest.mark.parametrize("command", ["translate", "inspect-heads"])
def test_a_head_that_is_not_there_is_told_with_those_that_are(run, command):
    result = mtattn(command, "--run", run, "--mute", "cross.1.9", "Hola.", status=1)
    assert "cross.1.9" in result.stderr
    assert "cross.1.1 to cross.2.8" in result.stderr
    assert "such as cross.2.5" in mtattn(command, "--run", run, "--uniform", "cross", "Hola.", status=1).stderr
    assert result.stdout == ""


def test_switches_need_torch_and_one_translation_a_line(run):
    mtattn("translate", "--run", run, "--mute", "cross.1.1", "--engine", "ctranslate2", "Hola.", status=2)
    mtattn("translate", "--run", run, "--mute", "cross.1.1", "--n-best", 2, "Hola.", status=2)
    one = json.loads(mtattn("translate", "--run", run, "--mute", "cross.1.1", "--n-best", 2, "--json", "Hola.").stdout)
    assert len(one["translations"]) == len(one["untouched"]) == 2


@pytest.mark.parametrize("kept", [False, True])
def test_every_view_leaves_muted_heads_out_of_a_mean(run, tmp_path, kept):
    switches = ["--only", "cross.2.5"] if kept else ["--mute", "cross.1.2", "--mute", "cross.2.1"]
    given = ("inspect-heads", "--run", run, "--target", "It is here.", *switches)
    record = json.loads(mtattn(*given, "--json", "Hola.").stdout)
    attention = record["words"]["cross"]
    heads = [
        (f"cross.{i}.{j}", head) for i, layer in enumerate(attention["weights"], 1) for j, head in enumerate(layer, 1)
    ]
    assert len(attention["muted"]) == (15 if kept else 2)
    assert attention["muted"] == [name for name, _ in heads if (name != "cross.2.5" if kept else name in switches)]
    assert "muted" not in record["words"]["encoder"]
    heard = [head for name, head in heads if name not in attention["muted"]]
    mean = [sum(weights) / len(heard) for weights in zip(*(head[0] for head in heard), strict=True)]
    told = "mean of all 2 × 8 heads of cross, 15 muted left out" if kept else "cross, 2 muted left out"
    page, drawing = tmp_path / "heads.html", tmp_path / "heads.svg"
    shown = mtattn(*given, "--html", page, "--svg", drawing, "Hola.").stdout
    assert told in shown
    row = next(line for line in shown.splitlines() if re.match(r"It\b.*\d+ ", line))
    numbers = [int(number) for number in re.findall(r"\b\d+\b", row)]
    assert numbers == [round(100 * weight) for weight in mean if round(100 * weight)]
    assert told in drawing.read_text(encoding="utf-8")
    assert told.partition(", ")[2] in mtattn(*given, "--overview", "Hola.").stdout
    why = mtattn(*given, "--why", "It", "Hola.").stdout
    assert f"({15 if kept else 2} muted left out)" in " ".join(why.split())
    found = json.loads(mtattn(*given, "--why", "It", "--json", "Hola.").stdout)
    assert found["attention"] == pytest.approx(mean, abs=1e-5)
    explained = json.loads(mtattn(*given, "--explain", "It", "--json", "Hola.").stdout)
    assert explained["head"] not in attention["muted"]


def test_every_view_names_the_heads_that_are_switched(run, tmp_path):
    switches = ["--mute", "cross.1.2", "--uniform", "cross.2.5"]
    named = "heads switched: mute cross.1.2, uniform cross.2.5"
    for view in ([], ["--overview"]):
        assert named in mtattn("inspect-heads", "--run", run, *switches, *view, "Hola.").stdout
    for view in ("--why", "--explain"):
        assert named in mtattn("inspect-heads", "--run", run, *switches, view, "1", "Hola.").stderr
    page, drawing = tmp_path / "heads.html", tmp_path / "heads.svg"
    mtattn("inspect-heads", "--run", run, *switches, "--html", page, "--svg", drawing, "Hola.")
    assert named in drawing.read_text(encoding="utf-8")
    assert '"mute":["cross.1.2"]' in page.read_text(encoding="utf-8").replace(" ", "")
