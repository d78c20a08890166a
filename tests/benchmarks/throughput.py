"""How fast training, translation and the start of a command are on this machine, beside Joey NMT and eole.

    python tests/benchmarks/throughput.py --train train.tsv --dev dev.tsv [--steps 150] [--threads 1 2]
                                          [--only ours joey eole] [--work DIR] [--json FILE]
                                          [--run RUN [--test test.tsv]]

Training is timed in its steady state, at the size of equal_size.toml for all and in batches of as many positions;
ours with AdamW too, since neither of the others has Muon. Tokens are source and target tokens, each sentence's </s>
among them, padding not. The others' vocabulary cuts sentences in another way than ours, so pairs a second stand
beside them. With RUN, a finished run, the start of a command is timed, and with --test translation too, beside the
model that time_to_bleu.py left in the same DIR. For a RUN of its size train one with
`--config tests/benchmarks/equal_size.toml --minutes 10`. Let nothing else run meanwhile.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import others
import torch
from others_settings import eole_config, joey_config

from mtattn.decoding.engines import Engine, open_translator
from mtattn.run import RunFolder
from mtattn.surroundings import available_cores, describe_machine

_N_WARM_UP = 20  # updates
_N_STARTS = 5
_SYSTEMS = ("ours", "joey", "eole")


@dataclass(frozen=True)
class Variant:
    """What is trained with."""

    system: str
    precision: str
    optimizer: str


_VARIANTS = (  # Joey NMT has no bfloat16 on a CPU, and neither of the others has Muon
    Variant("ours", "bfloat16", "muon"),
    Variant("ours", "bfloat16", "adamw"),
    Variant("ours", "float32", "adamw"),
    Variant("joey", "float32", "adam"),
    Variant("eole", "bfloat16", "adam"),
    Variant("eole", "float32", "adam"),
)


def mtattn(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mtattn", "-q", *map(str, arguments)]


def train_ours(options: argparse.Namespace, threads: int, variant: Variant) -> dict[str, float]:
    """Train with mtattn for a while and time it."""
    folder = RunFolder(options.work / "mtattn-timed")
    training = {
        "steps": options.steps,
        "validations": 1,
        "validation_pairs": 1,
        "precision": variant.precision,
        "optimizer": variant.optimizer,
    }
    settings = [word for key, value in training.items() for word in ("--set", f"training.{key}={value}")]
    sources = ["--data", options.train, "--dev", options.dev, "--config", others.EQUAL_SIZE]
    train = mtattn("train", *sources, "--run", folder.path, "--force", "--threads", threads, *settings)
    subprocess.run(train, check=True)
    lines = map(json.loads, (folder.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    done = [line for line in lines if "loss" in line][_N_WARM_UP:]
    rate = sum(line["n_tokens"] for line in done[1:]) / (done[-1]["elapsed_s"] - done[0]["elapsed_s"])
    tokenizer, pairs = folder.tokenizer(), others.read_pairs(options.train)
    n_tokens = sum(len(tokenizer.encode(text)) + 1 for pair in pairs for text in pair)
    n_parameters = folder.manifest()["n_parameters"]
    return {"parameters": n_parameters, "tokens/s": rate, "tokens/pair": n_tokens / len(pairs)}


def train_other(options: argparse.Namespace, threads: int, variant: Variant) -> dict[str, float]:
    """Train with another toolkit for a while and time it."""
    data = others.prepare(options.work, options.train, options.dev)
    folder = options.work / f"{variant.system}-timed"
    model = folder / "model"
    if variant.system == "joey":
        config = joey_config(data, model, updates=options.steps, validation_every=options.steps + 1, beam=1)
    else:
        config = eole_config(data, model, updates=options.steps, precision=variant.precision)
    done = others.train(variant.system, config, folder, work=options.work, threads=threads)
    rate, n_parameters = done.tokens_per_s(_N_WARM_UP), done.updates[-1]["n_parameters"]
    return {"parameters": n_parameters, "tokens/s": rate, "tokens/pair": data.tokens_per_pair}


def time_training(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    print("training  precision  optimizer  threads  parameters  tokens/s  tokens/pair  pairs/s")
    for threads in options.threads:
        for variant in _VARIANTS:
            if variant.system not in options.only:
                continue
            train = train_ours if variant.system == "ours" else train_other
            seen = train(options, threads, variant)
            seen["pairs/s"] = seen["tokens/s"] / seen["tokens/pair"]
            rows.append({**asdict(variant), "threads": threads, **seen})
            print(
                f"{variant.system:8}  {variant.precision:9}  {variant.optimizer:9} {threads:8} "
                f"{seen['parameters']:11,} {seen['tokens/s']:9,.0f} {seen['tokens/pair']:12.1f} "
                f"{seen['pairs/s']:8,.0f}",
                flush=True,
            )
    return rows


def translate_ours(run: Path, sources: list[str], beam: int, threads: int) -> float:
    """Count mtattn's sentences a second."""
    torch.set_num_threads(threads)
    translator = open_translator(RunFolder(run), Engine.TORCH, print)
    translator.translate(sources[:20], beam=beam)
    begun = time.perf_counter()
    translator.translate(sources, beam=beam)
    return len(sources) / (time.perf_counter() - begun)


def translate_joey(options: argparse.Namespace, sources: list[str], beam: int, threads: int) -> float:
    """Count Joey NMT's sentences a second, from the time that it says."""
    folder = options.work / "joey"
    config = json.loads((folder / "config.yaml").read_text(encoding="utf-8"))
    config["testing"]["beam_size"] = beam
    _, took_s = others.joey_translate(config, sources, folder=folder, work=options.work, threads=threads)
    return len(sources) / took_s


def time_translation(options: argparse.Namespace) -> list[dict[str, Any]]:
    sources = [source for source, _ in others.read_pairs(options.test)]
    rows = []
    print("\ntranslation    beam threads  sentences/s")
    for threads in options.threads:
        for beam in (1, 5):
            rates = {"ours": translate_ours(options.run, sources, beam, threads)}
            if (options.work / "joey" / "model" / "best.ckpt").is_file():
                rates["joey"] = translate_joey(options, sources, beam, threads)
            for system, rate in rates.items():
                rows.append({"system": system, "beam": beam, "threads": threads, "sentences/s": rate})
                print(f"{system:14} {beam:4} {threads:7} {rate:12,.1f}", flush=True)
    return rows


def seconds(command: list[str]) -> float:
    """Time a command, the best of several runs."""
    times = []
    for _ in range(_N_STARTS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - begun)
    return min(times)


def time_start(options: argparse.Namespace) -> dict[str, float]:
    commands = {
        "one sentence from cold, s": mtattn("translate", "--run", options.run, "Hola."),
        "python -c 'import torch', s": [sys.executable, "-c", "import torch"],
        "mtattn --help, s": mtattn("--help"),
        "python -c pass, s": [sys.executable, "-c", "pass"],
    }
    times = {name: seconds(command) for name, command in commands.items()}
    print()
    for name, time_s in times.items():
        print(f"{name:28} {time_s:6.2f}")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, available_cores()}))
    parser.add_argument("--only", nargs="+", choices=_SYSTEMS, default=_SYSTEMS)
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.work = options.work.absolute()
    options.work.mkdir(parents=True, exist_ok=True)

    report: dict[str, Any] = {"machine": describe_machine(), "size": others.SIZE, "steps": options.steps}
    report["training"] = time_training(options)
    if options.run and options.test:
        report["translation"] = time_translation(options)
        report["translating run"] = RunFolder(options.run).config().model_dump()
    if options.run:
        report["start"] = time_start(options)
    report["versions"] = {
        toolkit: others.versions(toolkit, options.work) for toolkit in options.only if toolkit in others.PACKAGES
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
