"""`mtattn data gold`."""

from typing import Annotated

import typer

from mtattn.cli.lines import write_line

EXAMPLES = """
Examples:

  mtattn data gold --pairs 500 > gold.tsv

  mtattn data gold | cut -f 1,2 | mtattn align
"""


def gold(
    pairs: Annotated[int, typer.Option(min=1, help="How many; no pair twice.")] = 100,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed gives the same pairs; 1 gives sentences never trained on.")
    ] = 1,
) -> None:
    """Write pairs of the paired grammar in `data/grammar`, each with its gold word alignment.

    A line is the Spanish sentence, the English one and the links, with tabs between: i-j is sure, i?j possible,
    words counted from 0.
    """
    from mtattn.corpus.grammar import load_grammar

    for aligned in load_grammar().generate(pairs, seed):
        write_line(f"{aligned.pair.src}\t{aligned.pair.tgt}\t{aligned.pharaoh()}")
