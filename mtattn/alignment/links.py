"""Links between the words of a sentence pair: written, put together, measured."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, product
from typing import NamedTuple

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
class GoldLinks:
    """What people, or a grammar, say of one pair.

    Attributes:
        sure: links that must be found.
        possible: those that may be found, the sure ones among them.
    """

    sure: frozenset[Link]
    possible: frozenset[Link]

    @classmethod
    def parse(cls, text: str) -> "GoldLinks":
        """Read links: `i-j` is sure, `i?j` possible.

        Example:
            >>> sorted(GoldLinks.parse("0-0 1?2").possible)
            [(0, 0), (1, 2)]
        """
        found = [(mark, (int(src), int(tgt))) for src, mark, tgt in _LINK.findall(text)]
        return cls(frozenset(link for mark, link in found if mark == "-"), frozenset(link for _, link in found))


class AlignmentScore(NamedTuple):
    """How well links agree with gold ones: the error rate from 0 (best) to 1, precision and recall from 0 to 1."""

    error_rate: float
    precision: float
    recall: float


def score_links(found: Iterable[Links], gold: Iterable[GoldLinks]) -> AlignmentScore:
    """Measure found links A against sure links S and possible links P ⊇ S, counted over all pairs.

    AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), precision |A ∩ P| / |A|, recall |A ∩ S| / |S| (Och and Ney 2003).

    Args:
        found: for each pair its links.
        gold: for each pair what is right.

    Returns:
        The score; what would be a share of nothing counts as 1.

    Example:
        >>> score_links([[(0, 0), (1, 1)]], [GoldLinks.parse("0-0 1?1 2-2")])
        AlignmentScore(error_rate=0.25, precision=1.0, recall=0.5)
    """
    n_found = n_sure = n_found_sure = n_found_possible = 0
    for links, right in zip(found, gold, strict=True):
        n_found, n_sure = n_found + len(links), n_sure + len(right.sure)
        n_found_sure += len(right.sure.intersection(links))
        n_found_possible += len(right.possible.intersection(links))

    def share(part: int, whole: int) -> float:
        return part / whole if whole else 1.0

    return AlignmentScore(
        1 - share(n_found_sure + n_found_possible, n_found + n_sure),
        share(n_found_possible, n_found),
        share(n_found_sure, n_sure),
    )
