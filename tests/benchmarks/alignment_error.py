"""Alignment error rate against alignments made by hand or by the paired grammar.

    python tests/benchmarks/alignment_error.py PAIRS.tsv ALIGNMENTS.txt [mtattn align's options]
    python tests/benchmarks/alignment_error.py GOLD.tsv [mtattn align's options]
    python tests/benchmarks/alignment_error.py PAIRS.tsv ALIGNMENTS.txt --fit TRAIN.tsv...

ALIGNMENTS.txt has a line for some rows of PAIRS.tsv: the row's number from 0 and its links, `i-j` sure, `i?j` possible;
GOLD.tsv, as `mtattn data gold` writes it, has the links in its third column. With --fit the statistical aligner is
measured, fitted on the pairs of the files that are named.
"""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from mtattn.alignment.aligner import WordAligner, WordPair
from mtattn.alignment.links import Gold, Links, alignment_score
from mtattn.tokenizer import split_words


def rows_of(path: str) -> list[list[str]]:
    return [line.split("\t") for line in Path(path).read_text(encoding="utf-8").splitlines()]


def words_of(rows: Iterable[list[str]]) -> list[WordPair]:
    return [(split_words(row[0]), split_words(row[1])) for row in rows]


def of_heads(pairs: list[list[str]], options: list[str]) -> list[Links]:
    done = subprocess.run(
        [sys.executable, "-m", "mtattn", "align", *options],
        input="".join(f"{row[0]}\t{row[1]}\n" for row in pairs),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return [sorted(Gold.parse(line).sure) for line in done.stdout.split("\n")[: len(pairs)]]


def of_aligner(pairs: list[list[str]], files: list[str]) -> list[Links]:
    train = words_of(row for file in files for row in rows_of(file))
    started = time.process_time()
    aligner = WordAligner.fit(train)
    print(f"fitted on {len(train):,} pairs in {time.process_time() - started:.1f} s of one core's time")
    return list(aligner.align(words_of(pairs)))


def main(arguments: list[str]) -> None:
    rows = rows_of(arguments[0])
    if len(arguments) > 1 and not arguments[1].startswith("-"):
        lines = Path(arguments[1]).read_text(encoding="utf-8").splitlines()
        numbered = [line.partition(" ") for line in lines if line and not line.startswith("#")]
        pairs, gold = [rows[int(n)] for n, _, _ in numbered], [Gold.parse(links) for _, _, links in numbered]
        options = arguments[2:]
    else:
        pairs, gold, options = rows, [Gold.parse(row[2]) for row in rows], arguments[1:]
    found = of_aligner(pairs, options[1:]) if options[:1] == ["--fit"] else of_heads(pairs, options)
    for name, part in (
        ("all", slice(None)),
        ("every second, from the first", slice(0, None, 2)),
        ("the others", slice(1, None, 2)),
    ):
        score = alignment_score(found[part], gold[part])
        print(
            f"{name}, {len(gold[part])} pairs: AER {score.aer:.3f}, "
            f"precision {score.precision:.3f}, recall {score.recall:.3f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
