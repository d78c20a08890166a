"""Laws of a history: what it keeps is what the model did, and it changes nothing of the training."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from head_records import HOSTILE, history
from safetensors.torch import load_file, save_file
from test_training import StopsAt, settings, train

from mtattn.alignment.links import Gold
from mtattn.config import config_from
from mtattn.corpus.loading import read_gold
from mtattn.corpus.pairs import Direction, Pair, evenly
from mtattn.decoding.search import greedy_search
from mtattn.errors import ConfigError, RunError
from mtattn.heads.capture import capture
from mtattn.heads.card import COLUMNS
from mtattn.heads.history import Frame, head_to_show, read_history
from mtattn.heads.record import KINDS, HeadName, HeadRecord
from mtattn.heads.samples import fits
from mtattn.heads.scorecard import make_scorecard
from mtattn.run import CHECKPOINT, DEV, HISTORY, MODEL, RunFolder
from mtattn.text import json_line
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.training.checkpoint import Progress
from mtattn.training.history import teachable
from mtattn.weights import load_model

PROBES = ["La casa es grande. ||| The house is big.", "Hola."]


@pytest.fixture(scope="module")
def config(pairs_file: Path) -> dict[str, object]:
    return settings(pairs_file, probes=PROBES)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, config: dict[str, object]) -> RunFolder:
    path = tmp_path_factory.mktemp("history") / "run"
    assert train(path, config) == 0
    return RunFolder(path)


@pytest.fixture(scope="module")
def best(run: RunFolder) -> Frame:
    """Give the validation whose weights were kept."""
    frames = {frame.step: frame for frame in read_history(run)}
    return frames[run.manifest()["best_step"]]


def assert_alike(found: HeadRecord, expected: HeadRecord) -> None:
    assert (found.source, found.target, found.forced) == (expected.source, expected.target, expected.forced)
    for unit in ("pieces", "words"):
        for kind in KINDS:
            one, other = getattr(found, unit)[kind], getattr(expected, unit)[kind]
            assert (one.rows, one.columns) == (other.rows, other.columns)
            assert abs(one.weights - other.weights).max() <= 6e-7  # six places are kept


def test_a_probes_maps_are_those_that_the_saved_weights_give(run, best):
    tokenizer = run.tokenizer()
    model = load_model(run, tokenizer.vocab_size)
    for probe, asked in zip(best.probes, PROBES, strict=True):
        source, *target = (tokenizer.encode(side) for side in asked.split("|||"))
        (own,) = greedy_search(model, [source])
        assert probe.translation == tokenizer.decode(own.ids)
        expected = capture(model, tokenizer, source, target[0] if target else own.ids, forced=bool(target))
        assert_alike(probe.record, expected)


def test_the_measures_are_those_of_the_scorecard(run, best):
    tokenizer, config = run.tokenizer(), run.config()
    model = load_model(run, tokenizer.vocab_size)
    dev = evenly(run.read_pairs(DEV), config.training.validation_pairs)
    gold = [(one.pair, Gold(one.sure, one.sure | one.possible)) for one in read_gold(Direction.parse("es-en"), 60)]
    gold = [(pair, links) for pair, links in gold if fits(pair, tokenizer, model.max_positions)]
    assert (best.n_pairs, best.n_gold) == (len(dev), len(gold))
    card = make_scorecard(model, tokenizer, dev, gold, n_translated=0, on_stage=lambda name, n: lambda done: None)
    looked = [name for name in COLUMNS if "gradient" not in name and "lost" not in name]
    for one, other in zip(best.heads, card.heads, strict=True):
        assert {name: getattr(one, name) for name in looked} == {name: getattr(other, name) for name in looked}
    assert any(card.aer is not None for card in best.heads)


def test_there_is_a_line_for_each_validation_of_finite_numbers_and_it_reads_back(run):
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    lines = (run.path / HISTORY).read_text(encoding="utf-8").splitlines()
    metrics = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    validations = [(one["step"], one["dev_bleu_greedy"]) for one in metrics if "dev_loss" in one]
    found = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [(one["step"], one["dev_bleu_greedy"]) for one in found] == [
        (step, pytest.approx(bleu, abs=1e-6)) for step, bleu in validations
    ]
    assert [json_line(frame.as_object()) for frame in read_history(run)] == lines


def test_without_probes_a_teachable_pair_of_dev_is_looked_at(trained_run):
    for frame in read_history(trained_run):
        (probe,) = frame.probes
        assert probe.record.forced
        assert Pair(probe.record.source, probe.record.target) in trained_run.read_pairs(DEV)


def test_probes_change_nothing_of_the_training(run, tmp_path, pairs_file):
    assert train(tmp_path / "without", settings(pairs_file)) == 0
    assert (tmp_path / "without" / MODEL).read_bytes() == (run.path / MODEL).read_bytes()
    one, other = (load_file(path / CHECKPOINT) for path in (tmp_path / "without", run.path))
    assert all(torch.equal(one[key], other[key]) for key in one if key != "progress")


@pytest.mark.parametrize("stops", [(3, 17), (8,)])  # before the first validation, between two, at one
def test_a_stopped_training_has_the_history_of_one_that_never_stopped(run, tmp_path, config, stops):
    path = tmp_path / "run"
    for n, step in enumerate(stops):
        assert train(path, None if n else config, StopsAt(step)) == 130
        with (path / HISTORY).open("ab") as file:
            file.write(b'{"step": 17, "dev_bl')  # of an attempt that was killed while it wrote
    assert train(path, None) == 0
    assert (path / HISTORY).read_bytes() == (run.path / HISTORY).read_bytes()


def test_a_run_from_before_there_were_histories_goes_on(tmp_path, config):
    path = tmp_path / "run"
    assert train(path, config, StopsAt(9)) == 130
    (path / HISTORY).unlink()
    with pytest.raises(RunError, match="lines are missing"):
        train(path, None)
    tensors = load_file(path / CHECKPOINT)
    progress = json.loads(bytes(tensors["progress"].tolist()))
    del progress["history_bytes"]
    assert asdict(Progress(**progress))["history_bytes"] == 0
    tensors["progress"] = torch.tensor(list(json.dumps(progress).encode()), dtype=torch.uint8)
    save_file(tensors, path / CHECKPOINT)
    assert train(path, None) == 0
    assert [frame.step for frame in read_history(RunFolder(path))] == [16, 24]


def test_a_run_that_is_replaced_loses_its_history(tmp_path, config):
    run = RunFolder.create(tmp_path, config_from(config))
    (tmp_path / HISTORY).write_bytes(b"old")
    RunFolder.create(tmp_path, config_from(config), force=True)
    with pytest.raises(RunError, match="no history"):
        read_history(run)


def test_a_probe_is_text_of_the_one_form_and_has_no_blank_side(pairs_file):
    config = config_from(settings(pairs_file, probes=[" a\u0301 \x1b[31m  b "]))
    assert config.training.probes == ["á [31m b"]
    for text in ("", " ", "|||", "Hola. |||", "||| Hello."):
        with pytest.raises(ConfigError, match=r"training\.probes.*blank"):
            config_from(settings(pairs_file, probes=[text]))


@pytest.mark.parametrize("text", ["no " * 50, "no ||| " + "no " * 50])
def test_a_probe_that_is_too_long_is_refused_before_the_first_step(tmp_path, pairs_file, text):
    with pytest.raises(ConfigError, match="at most 40 pieces"):
        train(tmp_path / "run", settings(pairs_file, probes=[text]))
    assert not (tmp_path / "run" / CHECKPOINT).exists()


def test_what_a_probe_says_stays_text(tmp_path, pairs_file):
    hostile = "".join(HOSTILE)[:25] + "\\n{{7*7}}\x00"
    assert train(tmp_path / "run", settings(pairs_file, steps=2, validations=1, probes=[hostile])) == 0
    (frame,) = read_history(RunFolder(tmp_path / "run"))
    words = frame.probes[0].record.words["cross"].columns
    assert list(words[:-1]) == split_words(frame.probes[0].record.source)
    assert frame.probes[0].record.source.startswith("</script><imgsrc=x")


def test_the_teachable_pair_is_of_a_good_length_and_of_whole_words(tokenizer: Tokenizer):
    good = Pair("El gato negro bebe leche.", "The black cat drinks milk.")
    pairs = [Pair("Hola.", "Hello."), Pair("El xgato xnegro bebe leche.", good.tgt), good, good]
    assert teachable(pairs, tokenizer) == good
    assert teachable(pairs[:1], tokenizer) == pairs[0]
    assert teachable([Pair("no " * 30, "no"), Pair("no " * 3, "no")], tokenizer).src == "no " * 3


def broken(lines: list[str]) -> dict[str, list[str]]:
    """Give histories that are none: each a list of lines."""
    first, second = (json.loads(line) for line in lines[:2])

    def heads(change: dict[str, object]) -> list[str]:
        return [json.dumps(first | {"heads": [first["heads"][0] | change, *first["heads"][1:]]})]

    return {
        "no JSON": [lines[0][:100]],
        "no object": ["[]"],
        "something is missing": ['{"step": 1}'],
        "the steps fall": [json.dumps(second), json.dumps(first)],
        "a probe is gone": [json.dumps(first), json.dumps(second | {"probes": first["probes"][:1]})],
        "a head is gone": [json.dumps(first | {"heads": first["heads"][1:]})],
        "no head": heads({"head": "cross.1"}),
        "another number": heads({"bits": 1.0}),
        "infinite": heads({"entropy": math.inf}),
        "no number": heads({"entropy": "1"}),
        "no distribution": [lines[0].replace('"weights": [[[[', '"weights": [[[[1', 1)],
    }


def test_a_damaged_history_is_refused_and_its_line_named(run, tmp_path):
    lines = (run.path / HISTORY).read_text(encoding="utf-8").splitlines()
    for wrong in broken(lines).values():
        (tmp_path / HISTORY).write_text("".join(line + "\n" for line in wrong), encoding="utf-8")
        with pytest.raises(RunError, match=rf"{HISTORY}:{len(wrong)}: this line is no validation's"):
            read_history(RunFolder(tmp_path))
    (tmp_path / HISTORY).write_text(lines[0] + "\n" + lines[1][:50], encoding="utf-8")
    assert len(read_history(RunFolder(tmp_path))) == 1  # the line that a training is writing now


def test_the_head_shown_is_the_best_aligner_or_the_most_confident_one_or_the_one_named():
    frames = history(("a b", "c d"))
    cards = [card for card in frames[-1].heads if card.head.kind == "cross"]
    assert head_to_show(frames, "cross", None, None) == min(cards, key=lambda card: card.aer).head
    ungold = [replace(frame, heads=tuple(replace(card, aer=None) for card in frame.heads)) for frame in frames]
    assert head_to_show(ungold, "cross", None, None) == max(cards, key=lambda card: card.confidence).head
    assert head_to_show(frames, "decoder", None, None).kind == "decoder"
    assert head_to_show(frames, "cross", 2, None) is None
    assert isinstance(head_to_show(frames, "cross", None, None), HeadName)
