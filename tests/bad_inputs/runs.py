"""Run folders that are missing, damaged, of another version, or made to do harm."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load, save

from bad_inputs.case import LINE, RUN_FILES, TRAIN, Case, lay_out
from bad_inputs.corpora import PAIRS

GREEDY = "mtattn translate Hola --beam 1 --run run"
NOT_THE_WEIGHTS = "run/model.safetensors: these are not the weights of the model in config.toml: "
RESTORE = "restore the file, or train the run again"
RETRAIN = TRAIN.replace("--run out", "--run run --data p.tsv --force")


def copy_of_the_run(folder: Path, name: str = "run") -> Path:
    run = folder / name
    shutil.copytree(os.environ["MTATTN_TRAINED_RUN"], run)
    return run


def spoiled(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Change one file of a copy of the run."""

    def spoil(folder: Path) -> None:
        path = copy_of_the_run(folder) / name
        path.write_bytes(change(path.read_bytes()))

    return spoil


def weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    return spoiled("model.safetensors", lambda data: save(change(load(data))))


def header(text: bytes, size: int | None = None) -> Callable[[Path], None]:
    """Put another header before the weights, with another size declared."""
    declared = struct.pack("<Q", len(text) if size is None else size)
    return spoiled("model.safetensors", lambda data: declared + text + data)


def in_config(before: str, after: str) -> Callable[[Path], None]:
    def change(data: bytes) -> bytes:
        assert before.encode() in data
        return data.replace(before.encode(), after.encode(), 1)

    return spoiled("config.toml", change)


def manifest(data: bytes) -> Callable[[Path], None]:
    return spoiled("manifest.json", lambda _: data)


def of_another_version(before: str, after: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        in_config(before, after)(folder)
        path = folder / "run/manifest.json"
        path.write_text(json.dumps(json.loads(path.read_bytes()) | {"mtattn": "9.9\x1b[31m"}))

    return spoil


def unfinished(folder: Path) -> Path:
    """Copy the run as it was a moment before its end."""
    run = copy_of_the_run(folder)
    state = json.loads((run / "manifest.json").read_bytes())
    del state["finished_at"]
    (run / "manifest.json").write_text(json.dumps(state))
    return run


def linked(name: str, target: str) -> Callable[[Path], None]:
    """Make one file of an unfinished copy of the run a link."""

    def spoil(folder: Path) -> None:
        run = unfinished(folder)
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(target)
        (folder / "mine").write_text("mine\n")

    return spoil


def replaceable(folder: Path, pairs: str = PAIRS) -> None:
    copy_of_the_run(folder)
    lay_out({"p.tsv": pairs, "run/notes.md": "mine\n"}, folder)


def several_runs(folder: Path) -> None:
    """Lay out runs of which the newest is without a manifest that could be read, and an older one is whole."""
    (folder / "runs").mkdir()
    for name, data in (
        ("a", b"[" * 100_000),
        ("b", b"[]"),
        ("c", b'{"finished_at": "2000-01-01T00:00:00"}'),
        ("d", b'{"finished_at": "0001-01-01T00:00:00"}'),
        ("e", None),
    ):
        run = copy_of_the_run(folder, f"runs/{name}")
        if data is not None:
            (run / "manifest.json").write_bytes(data)
    (folder / "runs/loop").symlink_to("loop")


SHAPE = json.dumps({"embedding.weight": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 4]}}).encode()

CASES = [
    Case("translate: no such run", GREEDY, ("run: no run can be read here (there is no such folder); check --run",)),
    Case("evaluate: a folder without a run", "mtattn evaluate --run .", (".: no run is in this folder; check --run",)),
    Case(
        "export: no run at all", "mtattn export --to ctranslate2", ("runs: no finished run is in this folder; train",)
    ),
    Case(
        "align: a run that is a file",
        "mtattn align --run x",
        ("x: no run can be read here (Not a dir",),
        files={"x": ""},
    ),
    Case("train: a run that is a file", f"{TRAIN} --data out", ("out: there is no such file",)),
    Case(
        "train: a run's folder that is a file",
        f"{TRAIN} --data p.tsv",
        ("out: the run folder cannot be made (File exists); choose another with --run",),
        files={"p.tsv": PAIRS, "out": "mine"},
    ),
    Case(
        "translate: links that lead in a circle",
        GREEDY,
        ("run: no run can be read here (Too many levels of symbolic links)",),
        files=lambda folder: (folder / "run").symlink_to("run"),
    ),
    Case(
        "translate: weights that are a link to themselves",
        GREEDY,
        ("run: the run has no model.safetensors that can be read (Too many levels of symbolic links); train it",),
        files=linked("model.safetensors", "model.safetensors"),
    ),
    Case(
        "translate: a config that is a link to themselves",
        GREEDY,
        ("run: the run has no config.toml that can be read (Too many levels",),
        files=linked("config.toml", "config.toml"),
    ),
    Case(
        "translate: weights that are a device without end",
        GREEDY,
        ("run: the run has no model.safetensors that can be read (it is no file)",),
        files=linked("model.safetensors", "/dev/zero"),
    ),
    Case(
        "train: nothing is written through a stranger's link",
        "mtattn train --resume --run run",
        ("run: metrics.jsonl is a link, which is not written to; put the file itself",),
        files=linked("metrics.jsonl", "../mine"),
    ),
    *(
        Case(
            f"train: nothing is written through a stranger's link, {name}",
            "mtattn train --resume --run run",
            (f"run: {name} is a link, which is not written to; put the file itself",),
            files=linked(name, "../mine"),
        )
        for name in ("checkpoint.safetensors", "checkpoint.previous.safetensors", "model.safetensors")
    ),
    Case(
        "train: --resume brings nothing back through a stranger's link",
        "mtattn train --resume --run run",
        ("run: no run is in this folder; check --run",),
        files=lambda folder: (
            copy_of_the_run(folder, "mine"),
            (folder / "run").mkdir(),
            (folder / "run/.replaced").symlink_to("../mine"),
        ),
    ),
    Case(
        "export: nothing is written through a stranger's link",
        "mtattn export --to ctranslate2 --run run",
        ("run/ctranslate2: something that is no export stands here",),
        files=lambda folder: (
            lay_out({"mine/x": "mine"}, folder),
            (copy_of_the_run(folder) / "ctranslate2").symlink_to("../mine"),
        ),
    ),
    Case(
        "translate: another shape",
        GREEDY,
        (f"{NOT_THE_WEIGHTS}decoder_norm.bias is (3,), not (32,)", RESTORE),
        files=weights(lambda w: w | {"decoder_norm.bias": torch.zeros(3)}),
    ),
    Case(
        "translate: a weight too few",
        GREEDY,
        (f"{NOT_THE_WEIGHTS}encoder_norm.bias is missing, not (32,)", RESTORE),
        files=weights(lambda w: {name: weight for name, weight in w.items() if name != "encoder_norm.bias"}),
    ),
    Case(
        "translate: a path for a name",
        GREEDY,
        (f"{NOT_THE_WEIGHTS}../../etc/x [31m is (1,), not part of it", RESTORE),
        files=weights(lambda w: w | {"../../etc/x\x1b[31m": torch.zeros(1)}),
    ),
    Case(
        "translate: NaN",
        GREEDY,
        ("run/model.safetensors: a weight is not a finite number, in embedding.weight; ",),
        files=weights(lambda w: w | {"embedding.weight": w["embedding.weight"] * float("nan")}),
    ),
    Case(
        "align: infinity",
        "mtattn align --run run",
        ("a weight is not a finite number, in decoder_norm.bias", RESTORE),
        files=weights(lambda w: w | {"decoder_norm.bias": torch.full((32,), torch.inf)}),
        stdin="a\tb\n",
    ),
    Case(
        "translate: integers",
        GREEDY,
        ("run/model.safetensors: ", "is int8, not float32", RESTORE),
        files=weights(lambda w: {name: weight.to(torch.int8) for name, weight in w.items()}),
    ),
    Case(
        "export: half precision",
        "mtattn export --to ctranslate2 --run run",
        ("is float16, not float32", RESTORE),
        files=weights(lambda w: {name: weight.half() for name, weight in w.items()}),
    ),
    Case(
        "translate: a header of four exabytes",
        GREEDY,
        ("run/model.safetensors: the file is damaged (", "restore it"),
        files=header(b"{}", 2**62),
    ),
    Case(
        "translate: a header of 99 megabytes",
        GREEDY,
        ("run/model.safetensors: the file is damaged (", "restore it"),
        files=header(b"{}", 99_000_000),
    ),
    Case(
        "translate: a shape without end",
        GREEDY,
        ("run/model.safetensors: the file is damaged (", "restore it"),
        files=header(SHAPE),
    ),
    Case(
        "translate: a header without an end of its nesting",
        GREEDY,
        ("the file is damaged (", "restore it"),
        files=header(b"[" * 100_000),
    ),
    Case(
        "translate: no weights",
        GREEDY,
        ("run/model.safetensors: the file is damaged (", "restore it"),
        files=spoiled("model.safetensors", lambda _: b""),
    ),
    Case(
        "translate: half of the weights",
        GREEDY,
        ("run/model.safetensors: the file is damaged (", "restore it"),
        files=spoiled("model.safetensors", lambda data: data[: len(data) // 2]),
    ),
    Case(
        "translate: weights of hundred gigabytes that are not there",
        GREEDY,
        ("the file is damaged (", "restore it"),
        files=lambda folder: os.truncate(copy_of_the_run(folder) / "model.safetensors", 10**11),
    ),
    Case(
        "translate: a model without end",
        GREEDY,
        (NOT_THE_WEIGHTS, "not (64, 65536)", RESTORE),
        files=in_config("d_model = 32", "d_model = 65536"),
    ),
    Case(
        "translate: a hidden layer without end",
        GREEDY,
        (NOT_THE_WEIGHTS, "not (65536, 32)", RESTORE),
        files=in_config("d_ff = 64", "d_ff = 65536"),
    ),
    Case(
        "translate: layers without end",
        GREEDY,
        (NOT_THE_WEIGHTS, "encoder.1", "is missing", RESTORE),
        files=in_config("n_encoder_layers = 1", "n_encoder_layers = 1000"),
    ),
    Case(
        "translate: positions without end",
        GREEDY,
        ("run/config.toml: model.max_positions = 1000000000: input",),
        files=in_config("max_positions = 256", "max_positions = 1_000_000_000"),
    ),
    Case(
        "translate: heads that do not fit",
        GREEDY,
        ("run/config.toml: model: n_heads=7 does not divide",),
        files=in_config("n_heads = 8", "n_heads = 7"),
    ),
    Case(
        "translate: a config with an unknown key",
        GREEDY,
        ("run/config.toml: model.evil [31m is no setting",),
        files=in_config("[model]", '[model]\n"evil\\u001b[31m" = 1'),
    ),
    Case(
        "translate: a config that is nested without end",
        GREEDY,
        ("run/config.toml: this is no TOML (", "look at"),
        files=in_config("seed = 1", "seed = " + "[" * 100_000),
    ),
    Case(
        "translate: a config of a gigabyte",
        GREEDY,
        ("the run has no config.toml that can be read (it has 1,000,000,000",),
        files=lambda folder: os.truncate(copy_of_the_run(folder) / "config.toml", 10**9),
    ),
    Case(
        "translate: a key of another version",
        GREEDY,
        ("model.new is no setting", "; mtattn 9.9 [31m made the run and this is"),
        files=of_another_version("[model]", "[model]\nnew = 1"),
    ),
    Case(
        "translate: weights of another version",
        GREEDY,
        (NOT_THE_WEIGHTS, "; mtattn 9.9 [31m made the run and this is"),
        files=of_another_version("d_ff = 64", "d_ff = 66"),
    ),
    Case(
        "translate: no tokenizer",
        GREEDY,
        ("run/tokenizer.model: this is not a sentencepiece model; train", "restore"),
        files=spoiled("tokenizer.model", lambda _: b""),
    ),
    Case(
        "translate: a tokenizer that is text",
        GREEDY,
        ("run/tokenizer.model: this is not a sentencepiece model; train",),
        files=spoiled("tokenizer.model", lambda _: b"not a model at all"),
    ),
    Case(
        "translate: half of a tokenizer",
        GREEDY,
        ("run/tokenizer.model: this is not a sentencepiece model; train",),
        files=spoiled("tokenizer.model", lambda data: data[: len(data) // 2]),
    ),
    Case(
        "translate: a tokenizer whose pieces are no UTF-8",
        GREEDY,
        ("run/tokenizer.model: this is not a sentencep",),
        files=spoiled("tokenizer.model", lambda data: data.replace("ó".encode(), b"\xff\xfe")),
    ),
    Case(
        "translate -v: a manifest that is no JSON",
        f"{GREEDY} -v",
        ("run/manifest.json: this is no JSON (", RESTORE),
        files=manifest(b"{"),
    ),
    Case(
        "translate -v: a manifest that is a list",
        f"{GREEDY} -v",
        ("run/manifest.json: this is no JSON object; ",),
        files=manifest(b"[1, 2]"),
    ),
    Case(
        "translate -v: a manifest without an end of its nesting",
        f"{GREEDY} -v",
        ("manifest.json: this is no JSON (",),
        files=manifest(b"[" * 100_000),
    ),
    Case(
        "train: resuming with a manifest that is a list",
        "mtattn train --resume --run run",
        ("is no JSON object; ",),
        files=manifest(b"[]"),
    ),
    Case("translate: a manifest is not needed", GREEDY, None, 0, LINE, files=manifest(b"[]")),
    Case(
        "translate -v: control characters in a manifest",
        f"{GREEDY} -v",
        ("cpu:  [31m ",),
        0,
        LINE,
        files=manifest(b'{"cpu": "\\u001b[31m\\u202e"}'),
    ),
    Case(
        "translate: the newest run that can be used",
        "mtattn translate Hola --beam 1",
        ("run: runs/e",),
        0,
        LINE,
        files=several_runs,
    ),
    Case(
        "translate: an export whose record is nested without end is left aside",
        GREEDY,
        (
            "run/ctranslate2: this is no export of this version of mtattn; export the run with `mtattn export",
            "; translating with torch",
        ),
        0,
        LINE,
        files=lambda folder: (
            copy_of_the_run(folder),
            lay_out({"run/ctranslate2/mtattn.json": "[" * 100_000}, folder),
        ),
    ),
    Case(
        "evaluate: no pairs",
        "mtattn evaluate --run run",
        ("run/test.tsv:1: this line is no pair; restore the file",),
        files=spoiled("test.tsv", lambda _: b""),
    ),
    Case(
        "evaluate: no tab",
        "mtattn evaluate --run run",
        ("run/test.tsv:2: this line is no pair; restore the file",),
        files=spoiled("test.tsv", lambda _: b"a\tb\nc\n"),
    ),
    Case(
        "train: over a run",
        f"{TRAIN} --data p.tsv --run run",
        ("run: a run stands here already; go on with it with",),
        files=replaceable,
    ),
    Case(
        "train: --force over a run keeps it where there is nothing to train on",
        RETRAIN,
        ("p.tsv: no usable pair",),
        files=lambda folder: replaceable(folder, "one column\n"),
    ),
    Case(
        "train: --force over a run keeps it where the settings turn out impossible",
        f"{RETRAIN} --set tokenizer.vocab_size=9",
        ("a vocabulary of 9 pieces cannot be trained",),
        files=replaceable,
    ),
    Case(
        "train: --force over a folder with the name of a run's file",
        RETRAIN,
        ("run: dev.tsv stands here and is no part",),
        files=lambda folder: (replaceable(folder), (folder / "run/dev.tsv").unlink(), (folder / "run/dev.tsv").mkdir()),
    ),
    Case(
        "train: --force over files that are no run",
        f"{TRAIN} --data p.tsv --force",
        ("out: config.toml stands here and is no part of a run; choose another --run",),
        files={"p.tsv": PAIRS, "out/config.toml": "mine"},
    ),
    Case(
        "train: a link in place of a file to be written is not followed",
        f"{TRAIN} --data p.tsv",
        ("done after 2 steps",),
        0,
        leaves=dict.fromkeys([*RUN_FILES, "out/test.tsv"]),
        files=lambda folder: (
            lay_out({"p.tsv": PAIRS, "mine": "mine\n", "out/notes.md": "mine\n"}, folder),
            (folder / "out/.config.toml.part").symlink_to("../mine"),
        ),
    ),
]
