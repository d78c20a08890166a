"""Links between the words of a sentence pair: written, put together, measured."""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, product

Link = tuple[int, int]
"""A source word and a target word, counted from 0."""
Links = list[Link]
"""Those of one sentence pair, sorted."""

_LINK = re.compile(r"(\d+)([-?])(\d+)")
_NEIGHBOURS = [(s, t) for s, t in product((-1, 0, 1), repeat=2) if s or t]


class Symmetrisation(StrEnum):
    """How the links of both directions are put together."""

    intersection = "intersection"
    union = "union"
    grow_diag_final_and = "grow-diag-final-and"


def pharaoh(links: Links) -> str:
    """Write links in the Pharaoh format, source word first.

    Example:
        >>> pharaoh([(0, 0), (1, 2)])
        '0-0 1-2'
    """
    return " ".join(f"{src}-{tgt}" for src, tgt in links)


def symmetrise(forward: Links, backward: Links, how: Symmetrisation) -> Links:
    """Put together what two directions say of one pair.

    Both name the source word first. grow-diag-final-and (Koehn, Och and Marcu 2003) begins with the links that both
    have, adds those of either that touch one, diagonally too, and link a word that has none so far, and at the end
    those between two words that have none.

    Returns:
        Links, sorted: at least the intersection, at most the union.

    Example:
        >>> symmetrise([(0, 0), (1, 1), (1, 2)], [(0, 0), (1, 1), (2, 1)], Symmetrisation.intersection)
        [(0, 0), (1, 1)]
    """
    both, either = set(forward) & set(backward), set(forward) | set(backward)
    if how is Symmetrisation.intersection:
        return sorted(both)
    if how is Symmetrisation.union:
        return sorted(either)
    return sorted(_grown(both, either, chain(forward, backward)))


def _grown(found: set[Link], either: set[Link], last: Iterable[Link]) -> set[Link]:
    srcs, tgts = {src for src, _ in found}, {tgt for _, tgt in found}
    frontier = sorted(found)
    while frontier:
        added = []
        for (src, tgt), (down, right) in product(frontier, _NEIGHBOURS):
            link = (src + down, tgt + right)
            if link in either and link not in found and (link[0] not in srcs or link[1] not in tgts):
                added.append(link)
                found.add(link)
                srcs.add(link[0])
                tgts.add(link[1])
        frontier = added
    for src, tgt in last:
        if src not in srcs and tgt not in tgts:
            found.add((src, tgt))
            srcs.add(src)
            tgts.add(tgt)
    return found


@dataclass(frozen=True)
class Gold:
    """The right alignment of a sentence pair, in (source word, target word) pairs counted from 0.

    Attributes:
        sure: links that are to be found.
        possible: links that may be found; the sure ones are among them.
    """

    sure: frozenset[Link]
    possible: frozenset[Link]

    @classmethod
    def parse(cls, text: str) -> "Gold":
        """Read links: `i-j` is sure, `i?j` possible.

        Example:
            >>> sorted(Gold.parse("0-0 1?2").possible)
            [(0, 0), (1, 2)]
        """
        found = [(mark, (int(src), int(tgt))) for src, mark, tgt in _LINK.findall(text)]
        return cls(frozenset(link for mark, link in found if mark == "-"), frozenset(link for _, link in found))


@dataclass(frozen=True)
class AlignmentScore:
    """How good found links are (Och and Ney 2003): A found, S sure, P possible.

    Attributes:
        aer: alignment error rate, 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|); 0 is best.
        precision: |A ∩ P| / |A|.
        recall: |A ∩ S| / |S|.
    """

    aer: float
    precision: float
    recall: float


def alignment_score(found: Sequence[Collection[Link]], gold: Sequence[Gold]) -> AlignmentScore:
    """Compare found links with the right ones, counted over all sentence pairs together.

    Args:
        found: the links of each pair.
        gold: as many right alignments.

    Returns:
        The score; NaN where there is no link to count.

    Example:
        >>> gold = Gold(sure=frozenset({(0, 0)}), possible=frozenset({(0, 0), (1, 1)}))
        >>> alignment_score([[(0, 0), (1, 1), (2, 1)]], [gold])
        AlignmentScore(aer=0.25, precision=0.6666666666666666, recall=1.0)
    """
    n_found = n_sure = n_found_sure = n_found_possible = 0
    for links, right in zip(found, gold, strict=True):
        n_found, n_sure = n_found + len(links), n_sure + len(right.sure)
        n_found_sure += len(right.sure.intersection(links))
        n_found_possible += len(right.possible.intersection(links))
    return AlignmentScore(
        aer=1 - (n_found_sure + n_found_possible) / (n_found + n_sure) if n_found + n_sure else math.nan,
        precision=n_found_possible / n_found if n_found else math.nan,
        recall=n_found_sure / n_sure if n_sure else math.nan,
    )
