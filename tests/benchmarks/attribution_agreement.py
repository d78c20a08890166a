"""How far attention weights, norms and gradients order the source words as leaving them out does.

    python tests/benchmarks/attribution_agreement.py RUN PAIRS.tsv [N]

Each output word of the first N pairs (100), the given target forced: Kendall's τ between each measure and
leave-one-out, averaged, and how often both put the same word first.
"""

import sys
from pathlib import Path

import numpy as np

from mtattn.heads.attribution import attribute
from mtattn.heads.capture import Labels
from mtattn.heads.row import MEASURES
from mtattn.run import RunFolder
from mtattn.weights import load_model


def main(run: str, pairs: str, n_pairs: str = "100") -> None:
    folder = RunFolder(Path(run))
    tokenizer = folder.tokenizer()
    model = load_model(folder, tokenizer.vocab_size)
    taus: dict[str, list[float]] = {measure: [] for measure in MEASURES[:-1]}
    same_first: dict[str, list[bool]] = {measure: [] for measure in MEASURES[:-1]}
    for line in Path(pairs).read_text(encoding="utf-8").splitlines()[: int(n_pairs)]:
        source, target = map(tokenizer.encode, line.split("\t")[:2])
        for word in range(len(Labels.until_eos(tokenizer, target).words.labels) - 1):
            found = attribute(model, tokenizer, source, target, word, forced=True)
            for measure in taus:
                tau = found.agreement()[measure, "leave_one_out"]
                if tau is not None:
                    taus[measure].append(tau)
                    first = np.argmax(found.of(measure)[:-1])
                    same_first[measure].append(bool(first == np.argmax(found.leave_one_out)))
    for measure, values in taus.items():
        print(
            f"{measure:9}  τ {np.mean(values):.3f}, the same word first {np.mean(same_first[measure]):.0%} "
            f"of {len(values)} output words"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
