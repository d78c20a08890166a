"""How many of twenty simple sentences, none of them in the carried corpus, come out right.

    python tests/benchmarks/simple_sentences.py [RUN]

Each line of simple_sentences.tsv has a sentence and the translations that count as right; capitals and the marks at
the ends do not matter.
"""

import subprocess
import sys
from pathlib import Path

SENTENCES = Path(__file__).with_suffix(".tsv")


def bare(text: str) -> str:
    return text.casefold().strip(" .?!¿¡")


def main(options: list[str]) -> None:
    rows = [line.split("\t") for line in SENTENCES.read_text(encoding="utf-8").splitlines()]
    command = [sys.executable, "-m", "mtattn", "translate", *options]
    sources = "\n".join(row[0] for row in rows)
    done = subprocess.run(command, input=sources, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    n_right = 0
    for (source, *references), translation in zip(rows, done.stdout.splitlines(), strict=True):
        right = bare(translation) in map(bare, references)
        n_right += right
        print(f"{'right' if right else 'wrong'}  {source} → {translation}")
    print(f"{n_right} of {len(rows)} right")


if __name__ == "__main__":
    main(["--run", sys.argv[1]] if len(sys.argv) > 1 else [])
