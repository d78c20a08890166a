"""Counts how many sentences a run translates in a second of CPU time.

    OMP_NUM_THREADS=1 python tests/benchmarks/sentences_per_second.py RUN FILE.tsv [ENGINE] [BEAM]

CPU time, not wall clock, so that a busy machine weighs less; the sentences are the file's first column.
"""

import sys
import time
from pathlib import Path

from mtattn.decoding.engines import Engine, open_translator
from mtattn.run import RunFolder


def main(run: str, file: str, engine: str = "torch", beam: str = "5") -> None:
    sentences = [line.split("\t")[0] for line in Path(file).read_text(encoding="utf-8").splitlines()]
    translator = open_translator(RunFolder(Path(run)), Engine(engine), print)
    translator.translate(sentences[:20], beam=int(beam))
    begun_s = time.process_time()
    translator.translate(sentences, beam=int(beam))
    spent_s = time.process_time() - begun_s
    print(f"{engine}, beam {beam}: {len(sentences) / spent_s:.0f} sentences a second of CPU time")


if __name__ == "__main__":
    main(*sys.argv[1:])
