"""How good a translator is after a time of training: Joey NMT 2.3.0, and mtattn in a twelfth of it.

    python tests/benchmarks/time_to_bleu.py --train train.tsv --dev dev.tsv --test test.tsv [--minutes 60]
                                            [--threads 2] [--work DIR] [--only joey|ours] [--joey-steps N] [--json FILE]

Both train on the same pairs and as many threads, one after the other; let nothing else run meanwhile. Joey NMT has no
bound of time: how many updates fit into --minutes is reckoned from a short training before. --joey-steps sets their
number instead, and then its scores do not depend on what else the machine does. Its size is that of equal_size.toml,
mtattn's what it takes of itself for its minutes. Both are scored by sacreBLEU (13a, mixed case) with beam 5. What was
measured stays in DIR, so that --only can measure one of them and show both.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import others
from others_settings import joey_config

from mtattn.evaluation import score
from mtattn.surroundings import describe_machine

SHARE = 12  # mtattn has so many times less
BEAM = 5
VALIDATIONS = 6  # of Joey NMT, in the whole training
N_TRIED, N_WARM_UP = 40, 5  # updates of the short training before


def updates_in(minutes: float, data: others.Data, work: Path, threads: int) -> int:
    """Reckon how many updates Joey NMT does in a time; its few validations come on top."""
    folder = work / "joey-tried"
    config = joey_config(data, folder / "model", updates=N_TRIED, validation_every=N_TRIED + 1, beam=BEAM)
    tried = others.train("joey", config, folder, work=work, threads=threads)
    begins_s = [update["at"] - tried.begun_at for update in tried.updates]
    updates_per_s = (N_TRIED - 1 - N_WARM_UP) / (begins_s[-1] - begins_s[N_WARM_UP])
    updates = max(VALIDATIONS, int((minutes * 60 - begins_s[0]) * updates_per_s))
    print(f"Joey NMT: {updates_per_s:.2f} updates/s, so {updates:,} in {minutes:g} minutes", file=sys.stderr)
    return updates


def joey(options: argparse.Namespace) -> dict[str, Any]:
    """Train and score Joey NMT."""
    work, threads = options.work, options.threads
    others.environment("joey", work)
    data = others.prepare(work, options.train, options.dev)
    updates = options.joey_steps or updates_in(options.minutes, data, work, threads)
    folder = work / "joey"
    config = joey_config(
        data, folder / "model", updates=updates, validation_every=max(1, updates // VALIDATIONS), beam=BEAM
    )
    done = others.train("joey", config, folder, work=work, threads=threads)
    pairs = others.read_pairs(options.test)
    translations, _ = others.joey_translate(
        config, [pair[0] for pair in pairs], folder=folder, work=work, threads=threads
    )
    # A validation ends where the next update begins.
    ends = [*(update["at"] for update in done.updates[1:]), done.ended_at]
    validations = []
    for line in (folder / "model" / "validations.txt").read_text(encoding="utf-8").splitlines():
        facts = dict(part.split(": ") for part in line.split("\t") if ": " in part)
        step = int(facts["Steps"])
        validations.append(
            {"minutes": (ends[step - 1] - done.begun_at) / 60, "updates": step, "dev_bleu_greedy": float(facts["bleu"])}
        )
    scores = score(translations, [pair[1] for pair in pairs], BEAM)
    return {
        "system": others.NAMES["joey"],
        "minutes": (done.ended_at - done.begun_at) / 60,
        "updates": len(done.updates),
        "n_tokens": sum(update["n_tokens"] for update in done.updates),
        "parameters": done.updates[-1]["n_parameters"],
        "bleu": scores.bleu,
        "chrf": scores.chrf,
        "signatures": [scores.bleu_signature, scores.chrf_signature],
        "validations": validations,
        "settings": config,
        "versions": others.versions("joey", work),
    }


def ours(options: argparse.Namespace) -> dict[str, Any]:
    """Train and score mtattn."""
    run = options.work / "mtattn"
    mtattn = [sys.executable, "-m", "mtattn", "-q"]
    train = ["train", "--data", options.train, "--dev", options.dev, "--run", run, "--force"]
    bounds = ["--minutes", options.minutes / SHARE, "--threads", options.threads]
    begun = time.monotonic()
    subprocess.run([*mtattn, *map(str, [*train, *bounds])], check=True)
    minutes = (time.monotonic() - begun) / 60
    evaluate = [*mtattn, "evaluate", "--run", str(run), "--data", str(options.test), "--beam", str(BEAM), "--json"]
    scores = json.loads(subprocess.run(evaluate, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout)
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [line for line in metrics if "loss" in line]
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    return {
        "system": f"mtattn {manifest['mtattn']}",
        "minutes": minutes,
        "updates": len(steps),
        "n_tokens": sum(step["n_tokens"] for step in steps),
        "parameters": manifest["n_parameters"],
        "bleu": scores["bleu"],
        "chrf": scores["chrf"],
        "signatures": [scores["bleu_signature"], scores["chrf_signature"]],
        "validations": [
            {
                "minutes": line["elapsed_s"] / 60,
                "updates": line["step"],
                "dev_bleu_greedy": line["dev_bleu_greedy"],
            }
            for line in metrics
            if "dev_bleu_greedy" in line
        ],
        "settings": (run / "config.toml").read_text(encoding="utf-8"),
        "versions": manifest["packages"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for part in ("train", "dev", "test"):
        parser.add_argument(f"--{part}", type=Path, required=True, metavar="FILE", help="lines of source, tab, target")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"), metavar="DIR")
    parser.add_argument("--only", choices=("joey", "ours"))
    parser.add_argument("--joey-steps", type=int, default=0, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.work = options.work.absolute()
    options.work.mkdir(parents=True, exist_ok=True)

    results = {}
    for name, measure in (("joey", joey), ("ours", ours)):
        kept = options.work / f"{name}.json"
        if options.only in (None, name):
            result = {"threads": options.threads, "machine": describe_machine(), **measure(options)}
            kept.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        if kept.is_file():
            results[name] = json.loads(kept.read_text(encoding="utf-8"))

    print(
        f"{'system':16} threads  minutes  updates  parameters  tokens/s  BLEU  chrF   dev BLEU after minutes (greedy)"
    )
    for result in results.values():
        curve = ", ".join(f"{seen['dev_bleu_greedy']:.1f} ({seen['minutes']:.1f})" for seen in result["validations"])
        print(
            f"{result['system']:16} {result['threads']:7} {result['minutes']:8.1f} {result['updates']:8,} "
            f"{result['parameters']:11,} {result['n_tokens'] / result['minutes'] / 60:9,.0f} "
            f"{result['bleu']:5.1f} {result['chrf']:5.1f}   {curve}"
        )
    if len(results) == 2:
        print(f"mtattn took {results['joey']['minutes'] / results['ours']['minutes']:.1f} times less time")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
