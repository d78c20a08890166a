"""What a large corpus costs: time to the first step, memory, and time a step, beside a corpus of 10,000 pairs.

    python tests/benchmarks/scale.py [--pairs 10000000] [--steps 200] [--threads N] [--set key=value]…
                                     [--folder DIR] [--json FILE]

The corpus is written for it: sentences of the paired grammar, each with a year before it, so that all pairs differ.
The folder needs some 250 bytes a pair. Let nothing else run meanwhile; where something does, processor times tell more.
Reading has the start of the program in it, and the processor time of a step the validation in the end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import count, islice, pairwise
from pathlib import Path

import numpy as np

from mtattn.corpus.grammar import load_grammar
from mtattn.surroundings import available_cores, describe_machine

_N_FEW = 10_000
_N_SENTENCES = 5_000
_N_WARM_UP_STEPS = 20
_STAGES = {"to train on": "reading", "vocabulary:": "vocabulary", "model:": "token ids"}


def sentences() -> list[tuple[str, str]]:
    """Write pairs of the grammar, no sentence twice on either side."""
    pairs = [aligned.pair for aligned in load_grammar().generate(_N_SENTENCES, seed=3)]
    by_tgt = {pair.tgt: pair.src for pair in pairs}
    return list({src: tgt for tgt, src in by_tgt.items()}.items())


def write_corpus(path: Path, n: int) -> None:
    """Write n different pairs, one sentence after the other for each year from 1 on."""
    pairs = sentences()
    lines = (f"En {year}: {src}\tIn {year}: {tgt}\n" for year in count(1) for src, tgt in pairs)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(islice(lines, n))


def times_of(process: int) -> np.ndarray:
    """Say what time it is, and how much time a process had on processors: Linux tells that, others let it be NaN."""
    try:
        user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return np.array([time.monotonic(), np.nan])
    return np.array([time.monotonic(), (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")])


def train(corpus: Path, run: Path, threads: int, steps: int, settings: list[str]) -> dict[str, float]:
    """Train a few steps and say what they cost."""
    bounds = ["training.epochs=0", f"training.steps={steps}", "training.validations=1", "training.validation_pairs=1"]
    options = [word for setting in [*bounds, *settings] for word in ("--set", setting)]
    command = [sys.executable, "-m", "mtattn", "train", "--data", corpus, "--run", run, "--threads", threads, *options]
    stages: dict[str, np.ndarray] = {}
    begun = before = np.array([time.monotonic(), 0.0])
    with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stderr is not None
        for line in process.stderr:
            print("   ", line, end="", file=sys.stderr)
            for words, stage in _STAGES.items():
                if words in line and stage not in stages:
                    now = times_of(process.pid)
                    stages[stage], before = now - before, now
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(process.returncode)
    lines = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    done = [line for line in lines if "loss" in line]
    times = [after["elapsed_s"] - line["elapsed_s"] for line, after in pairwise(done)]
    kilobytes = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
    processor_s = usage.ru_utime + usage.ru_stime
    return {
        "first step done after, s": done[0]["elapsed_s"],
        **{f"{stage}, s": float(wall) for stage, (wall, _) in stages.items()},
        **{f"{stage}, processor time, s": float(processor) for stage, (_, processor) in stages.items()},
        "largest resident memory, MB": kilobytes / 1024,
        "a step, the median, ms": 1000 * statistics.median(times[_N_WARM_UP_STEPS:]),
        "a step, processor time, ms": 1000 * (processor_s - float(before[1])) / steps,
        "tokens a step, the mean": statistics.mean(line["n_tokens"] for line in done[_N_WARM_UP_STEPS:]),
        "all, s": time.monotonic() - float(begun[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--folder", type=Path, help="where there is room; else where the system keeps such files")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for n in (_N_FEW, options.pairs):
            corpus = folder / f"{n}.tsv"
            write_corpus(corpus, n)
            megabytes = corpus.stat().st_size / 1e6
            print(f"{n:,} pairs, {megabytes:,.0f} MB", file=sys.stderr)
            measured = train(corpus, folder / f"run-{n}", options.threads, options.steps, options.settings)
            figures[f"{n:,} pairs"] = {"file, MB": megabytes, **measured}
    few, many = figures.values()
    print(f"{'':32}" + "".join(f"{name:>18}" for name in figures) + f"{'ratio':>8}")
    for name, figure in few.items():
        print(f"{name:32}{figure:18,.1f}{many[name]:18,.1f}{many[name] / figure:8,.2f}")
    report = {
        "machine": describe_machine(),
        "threads": options.threads,
        "steps": options.steps,
        "settings": options.settings,
        "figures": figures,
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
