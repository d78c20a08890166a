"""The paired grammar: writes Spanish-English sentence pairs, each with its gold word alignment.

Lexicon and constructions are readable files in `data/grammar`, whose README says how to add to them.
"""

from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random

from mtattn.carried import carried_folder
from mtattn.corpus.grammar.data import GrammarFiles
from mtattn.corpus.grammar.lexicon import Lexicon
from mtattn.corpus.grammar.sentences import AlignedPair, SentenceWriter, plan
from mtattn.corpus.pairs import Pair
from mtattn.errors import DataError

__all__ = ["GOLD_SEED", "N_GOLD", "AlignedPair", "Grammar", "load_grammar"]

GOLD_SEED, N_GOLD = 1, 1_000
"""The seed with which gold pairs are written, and so many first ones that no training on the grammar sees."""

_TRIES = 20_000  # in a row without a new pair: the grammar is exhausted


class Grammar:
    """A checked grammar, ready to write pairs. Made by `load_grammar`."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._cumulative = list(accumulate(construction.weight for construction in lexicon.constructions))
        self._plans = [plan(construction) for construction in lexicon.constructions]

    def counts(self) -> dict[str, int]:
        """Say how many words and constructions there are."""
        lexicon = self.lexicon
        return {
            "nouns": len({noun.es[0] for noun in lexicon.nouns}),
            "verbs": len({verb.label for verb in lexicon.verbs}),
            "adjectives": len({row.es[0][0] for row in lexicon.adjectives}),
            "constructions": len(lexicon.constructions),
        }

    def generate(self, n: int, seed: int) -> Iterator[AlignedPair]:
        """Write pairs.

        Args:
            n: how many.
            seed: the same seed gives the same pairs, in every process; more of them begin with the same ones.

        Yields:
            Pairs, no pair twice.

        Raises:
            DataError: the grammar has no n different pairs.
        """
        writer = SentenceWriter(self.lexicon, Random(seed))
        seen: set[Pair] = set()
        n_tries = 0
        while len(seen) < n:
            index = bisect(self._cumulative, writer.random() * self._cumulative[-1])
            made = writer.write(self.lexicon.constructions[index], *self._plans[index])
            n_tries += 1
            if made is not None and made.pair not in seen:
                seen.add(made.pair)
                n_tries = 0
                yield made
            elif n_tries > _TRIES:
                raise DataError(f"the grammar has no more than {len(seen)} different pairs", fix="ask for fewer")


def load_grammar(folder: Path | None = None) -> Grammar:
    """Read and check the grammar.

    Args:
        folder: where its files lie; None for the ones that come with the program.

    Raises:
        DataError: lines are wrong; the message tells each with its file, line and mending.
    """
    files = GrammarFiles(folder or carried_folder("data") / "grammar")
    return Grammar(files.load())
