"""What stands more than once: in a corpus, or in two of its parts. Hashes are kept, not sentences."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from mtattn.corpus.checks.findings import SIDES, Finding, excerpt
from mtattn.corpus.pairs import Pair, sentence_key

MOST_ALIKE = 3
"""So many pairs may have one sentence in common, and so many sentences may differ in one word alone."""

_LEAST_WORDS = 4  # of sentences that differ in one word: I am Tom, I am Eva are no copies
_WORDS = re.compile(r"\d+(?:[.,:]\d+)*|\w+")
_GAP = "?"  # no word is like it
_N_PLACES_TOLD = 3

Places = dict[tuple[str, str], str]
"""Where a sentence stands, by its side and key."""


class Repeats:
    """Finds what is repeated within a corpus, pair after pair."""

    def __init__(self) -> None:
        self._places: list[str] = []
        self._index: dict[int, int] = {}  # of a pair's hash
        self._times: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
        self._sentences: set[int] = set()
        self._gaps, self._gap_owners = array("q"), array("q")

    def duplicate(self, pair: Pair, place: str) -> str:
        """Take note of a pair, and tell that it stands further up too."""
        first = self._index.setdefault(hash(f"{pair.src}\t{pair.tgt}"), len(self._places))
        if first < len(self._places):
            return f"the same pair as {self._places[first]}: {excerpt(pair.src)}"
        self._places.append(place)
        return ""

    def repeated(self, pair: Pair) -> Iterator[str]:
        """Take note of the sentences of the pair noted last, and tell which of them has pairs enough already."""
        for side, text, times in zip(SIDES, (pair.src, pair.tgt), self._times, strict=True):
            times[hash(text)] += 1
            n = times[hash(text)]
            if n > MOST_ALIKE:
                yield f"pair {n} with the same {side}: {excerpt(text)}"
        self._note_gaps(pair.src)

    def _note_gaps(self, text: str) -> None:
        words = _WORDS.findall(text.casefold())
        whole = hash(" ".join(words))
        if len(words) < _LEAST_WORDS or whole in self._sentences:
            return
        self._sentences.add(whole)
        self._gaps.extend(hash(" ".join((*words[:i], _GAP, *words[i + 1 :]))) for i in range(len(words)))
        self._gap_owners.extend([len(self._places) - 1] * len(words))

    def near_copies(self) -> Iterator[Finding]:
        """Find, in the end, source sentences that have the same words but for one."""
        gaps, owners = np.asarray(self._gaps), np.asarray(self._gap_owners)
        order = np.lexsort((owners, gaps))
        _, starts, sizes = np.unique(gaps[order], return_index=True, return_counts=True)
        groups = [owners[order[starts[i] : starts[i] + sizes[i]]].tolist() for i in np.flatnonzero(sizes > MOST_ALIKE)]
        for group in sorted(groups, key=lambda group: group[::-1]):
            *others, last = (self._places[owner] for owner in group)
            what = f"sentence {len(group)} with the same words but for one, after {', '.join(others[:_N_PLACES_TOLD])}"
            yield Finding(last, "near-copy", what)


def places_of(pair: Pair, place: str) -> Places:
    """Say where the two sentences of a pair stand."""
    return {(side, sentence_key(text)): place for side, text in zip(SIDES, (pair.src, pair.tgt), strict=True)}


def leaks(pair: Pair, held_out: Mapping[str, Places]) -> Iterator[str]:
    """Tell in which other parts a sentence of a pair stands too.

    Args:
        pair: normalised.
        held_out: for each other part where its sentences stand.
    """
    keys = places_of(pair, "") if held_out else {}
    for part, places in held_out.items():
        where = " and ".join(f"its {key[0]} at {places[key]}" for key in keys if key in places)
        if where:
            yield f"stands in {part} too, {where}: {excerpt(pair.src)}"
