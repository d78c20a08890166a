"""Alignment error rate of the cross-attention against alignments made by hand or by the paired grammar.

    python tests/benchmarks/alignment_error.py PAIRS.tsv ALIGNMENTS.txt [mtattn align's options]
    python tests/benchmarks/alignment_error.py GOLD.tsv [mtattn align's options]

ALIGNMENTS.txt has a line for some rows of PAIRS.tsv: the row's number from 0 and its links, `i-j` sure, `i?j` possible;
GOLD.tsv, as `mtattn data gold` writes it, has the links in its third column. AER as in Och and Ney 2003:
1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), with S among P.
"""

import re
import subprocess
import sys
from pathlib import Path

Links = set[tuple[int, int]]


def read_links(text: str) -> tuple[Links, Links]:
    sure = {(int(s), int(t)) for s, t in re.findall(r"(\d+)-(\d+)", text)}
    return sure, sure | {(int(s), int(t)) for s, t in re.findall(r"(\d+)\?(\d+)", text)}


def main(arguments: list[str]) -> None:
    rows = [line.split("\t") for line in Path(arguments[0]).read_text(encoding="utf-8").splitlines()]
    if len(arguments) > 1 and not arguments[1].startswith("-"):
        lines = Path(arguments[1]).read_text(encoding="utf-8").splitlines()
        gold = {int(line.split()[0]): line.partition(" ")[2] for line in lines if line and not line.startswith("#")}
        options = arguments[2:]
    else:
        gold, options = {n: row[2] for n, row in enumerate(rows)}, arguments[1:]
    pairs = "".join(f"{rows[n][0]}\t{rows[n][1]}\n" for n in gold)
    command = [sys.executable, "-m", "mtattn", "align", *options]
    done = subprocess.run(command, input=pairs, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    n_found = n_sure = n_found_sure = n_found_possible = 0
    for links, line in zip(gold.values(), done.stdout.split("\n"), strict=False):
        sure, possible = read_links(links)
        found, _ = read_links(line)
        n_found, n_sure = n_found + len(found), n_sure + len(sure)
        n_found_sure += len(found & sure)
        n_found_possible += len(found & possible)
    print(
        f"{len(gold)} pairs: AER {1 - (n_found_sure + n_found_possible) / (n_found + n_sure):.3f}, "
        f"precision {n_found_possible / n_found:.3f}, recall {n_found_sure / n_sure:.3f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
