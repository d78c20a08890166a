"""How fast training and the start of a command are on this machine; sentences_per_second.py times translation.

    python tests/benchmarks/throughput.py RUN --train train.tsv [--steps 150] [--threads N] [--set key=value]…
                                          [--json FILE]

RUN is a finished run. Training is timed between the steps of a short training of its own. Let nothing else run
meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mtattn.run import describe_machine

_N_WARM_UP_STEPS = 20
_N_STARTS = 5


def seconds(command: list[str], threads: int) -> float:
    """Time a command, the best of several runs."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    times = []
    for _ in range(_N_STARTS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        times.append(time.perf_counter() - begun)
    return min(times)


def mtattn(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mtattn", "-q", *map(str, arguments)]


def training(train: str, threads: int, steps: int, settings: list[str]) -> dict[str, float]:
    """Tokens a second, source and target, between the steps of a short training."""
    bounds = ["training.epochs=0", f"training.steps={steps}", "training.validations=1", "training.validation_pairs=1"]
    options = [word for setting in [*bounds, *settings] for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        subprocess.run(mtattn("train", "--data", train, "--run", run, "--threads", threads, *options), check=True)
        lines = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        done = [line for line in lines if "loss" in line][_N_WARM_UP_STEPS:]
        n_parameters = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["n_parameters"]
    span_s = done[-1]["elapsed_s"] - done[0]["elapsed_s"]
    return {"tokens/s": sum(line["n_tokens"] for line in done[1:]) / span_s, "parameters": n_parameters}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--train", required=True)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threads = options.threads
    python = [sys.executable, "-c"]
    figures = {
        "training, source and target tokens/s": training(options.train, threads, options.steps, options.settings),
        "one sentence from cold, s": seconds(mtattn("translate", "--run", options.run, "Hola."), threads),
        "python -c 'import torch', s": seconds([*python, "import torch"], threads),
        "mtattn --help, s": seconds(mtattn("--help"), threads),
        "python -c pass, s": seconds([*python, "pass"], threads),
    }
    report = {"machine": describe_machine(), "threads": threads, "settings": options.settings, "figures": figures}
    for name, figure in figures.items():
        shown = figure["tokens/s"] if isinstance(figure, dict) else figure
        print(f"{name:40} {shown:10,.2f}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
