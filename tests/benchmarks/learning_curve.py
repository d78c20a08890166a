"""How the carried corpus' size and the grammar's share change what a model learns.

    python tests/benchmarks/learning_curve.py FOLDER [--sizes 5000,10000,0] [--grammar 0,5000] [--steps 2400]
                                              [--data test.tsv]

Trains a model for each size (so many of the written training pairs, drawn at random; 0 = all) and each number of
grammar pairs, all for the same number of steps, and scores them on the corpus' own test part and on --data. The runs
stand in FOLDER; one that is finished there is not trained again.
"""

import argparse
import json
import random
from pathlib import Path

from commands import mtattn


def export(folder: Path, part: str, grammar: int = 0) -> list[str]:
    path = folder / f"{part}-{grammar}.tsv"
    mtattn("data", "export", path, "--part", part, "--grammar", grammar)
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", default="5000,10000,0")
    parser.add_argument("--grammar", default="0,5000")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--data", action="append", default=[])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    written = export(options.folder, "train", 0)
    random.Random(1).shuffle(written)
    export(options.folder, "dev")
    export(options.folder, "test")
    tests = [options.folder / "test-0.tsv", *options.data]
    print("written  grammar  " + "  ".join(f"BLEU, chrF on {Path(test).name}" for test in tests))
    for size in map(int, options.sizes.split(",")):
        for n_grammar in map(int, options.grammar.split(",")):
            pairs = written[: size or None]
            if n_grammar:
                known = set(written)
                pairs = pairs + [line for line in export(options.folder, "train", n_grammar) if line not in known]
            name = f"{size or 'all'}-{n_grammar}"
            data, run = options.folder / f"pairs-{name}.tsv", options.folder / name
            data.write_text("".join(pairs), encoding="utf-8")
            manifest = run / "manifest.json"
            if not manifest.is_file() or "finished_at" not in json.loads(manifest.read_text(encoding="utf-8")):
                bounds = ("--set", "training.epochs=0", "--set", f"training.steps={options.steps}")
                dev = options.folder / "dev-0.tsv"
                mtattn("train", "--data", data, "--dev", dev, "--run", run, "--force", *bounds)
            scores = [json.loads(mtattn("evaluate", "--run", run, "--data", test, "--json")) for test in tests]
            row = "  ".join(f"{score['bleu']:18.1f}  {score['chrf']:.1f}" for score in scores)
            print(f"{size or len(written):7,}  {n_grammar:7,}  {row}", flush=True)


if __name__ == "__main__":
    main()
