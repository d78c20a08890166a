"""What single choices of a training give: one of them made otherwise at a time, the time and all else alike.

    python tests/benchmarks/choices.py FOLDER --train train.tsv --dev dev.tsv --test test.tsv
                                       [--config small] [--minutes 5] [--threads 2] [--only NAME ...] [--json FILE]

Each training ends after --minutes, reading included, and is scored by sacreBLEU with beam 5. The runs stand in FOLDER,
apart for each config, time and number of threads; one that is finished there is not trained again, so take another
FOLDER for other pairs. Two of these commands with --threads 1 and other --only each can share two cores, and a third
shows all. Let nothing else run meanwhile; "another seed" says how much is chance.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from commands import mtattn

from mtattn.run import RunFolder
from mtattn.surroundings import describe_machine

CHOICES = {
    "as it is": "",
    "another seed": "seed=2",
    "float32": "training.precision=float32",
    "AdamW alone, peak 0.002": "training.optimizer=adamw training.learning_rate=0.002",
    "no head taught": "training.guided_alignment=false",
    "last weights, no average": "training.average=0.0",
    "no label smoothing": "training.label_smoothing=0.0",
    "2,000 pieces": "tokenizer.vocab_size=2000",
    "4,000 pieces": "tokenizer.vocab_size=4000",
    "8,000 pieces": "tokenizer.vocab_size=8000",
    "dropout 0.1": "model.dropout=0.1",
    "encoder 3, decoder 1": "model.n_encoder_layers=3 model.n_decoder_layers=1",
    "encoder 3, decoder 3": "model.n_encoder_layers=3 model.n_decoder_layers=3",
    "batches of 1,024": "training.batch_tokens=1024",
    "batches of 4,096": "training.batch_tokens=4096",
    "Muon's peak 0.01": "training.muon_learning_rate=0.01",
    "Muon's peak 0.04": "training.muon_learning_rate=0.04",
    "warm-up 0.01": "training.warmup=0.01",
    "no weight decay": "training.weight_decay=0.0",
    "weight decay 0.1": "training.weight_decay=0.1",
}


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train with one choice, unless that was done, and score it."""
    bounds = f"{Path(options.config).stem}-{options.minutes:g}-minutes-{options.threads}-threads"
    path = options.folder / bounds / "".join(c if c.isalnum() else "-" for c in name)
    scored = path / "scored.json"
    if not scored.is_file():
        settings = [word for setting in CHOICES[name].split() for word in ("--set", setting)]
        data = ("--data", options.train, "--dev", options.dev)
        limits = ("--config", options.config, "--minutes", options.minutes, "--threads", options.threads)
        mtattn("train", *data, "--run", path, "--force", *limits, *settings)
        result = json.loads(mtattn("evaluate", "--run", path, "--data", options.test, "--json"))
        lines = map(json.loads, (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        result["n_tokens"] = sum(line.get("n_tokens", 0) for line in lines)
        result["manifest"] = RunFolder(path).manifest()
        result["settings"] = RunFolder(path).config().model_dump()
        scored.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    kept: dict[str, Any] = json.loads(scored.read_text(encoding="utf-8"))
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for part in ("train", "dev", "test"):
        parser.add_argument(f"--{part}", type=Path, required=True, metavar="FILE", help="lines of source, tab, target")
    parser.add_argument("--config", default="small")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=CHOICES, metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    results = {}
    print(f"{'choice':26}  steps    tokens  BLEU  chrF")
    for name in options.only:
        seen = results[name] = measure(name, options)
        steps = seen["manifest"]["steps"]
        print(f"{name:26} {steps:6,} {seen['n_tokens']:9,} {seen['bleu']:5.1f} {seen['chrf']:5.1f}", flush=True)
    if options.json:
        report = {"machine": describe_machine(), "minutes": options.minutes, "choices": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
