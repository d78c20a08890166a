"""All that is asked of one row, in its order: errors first, and warnings only where there is no error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mtattn.corpus.checks.findings import SIDES, Kind, excerpt
from mtattn.corpus.checks.pairs import copied, foreign, odd_length, swapped
from mtattn.corpus.checks.repeats import Places, Repeats, leaks
from mtattn.corpus.checks.sentences import encoding_fault, surplus_space, unbalanced, unpaired_marks
from mtattn.corpus.languages import INVERTED_MARKS
from mtattn.corpus.pairs import Direction, Pair
from mtattn.corpus.readers import RawPair
from mtattn.text import normalise


def normalised(row: RawPair) -> Pair:
    """Make a pair of a row; a side may be empty."""
    return Pair(normalise(row.src), normalise(row.tgt))


@dataclass(frozen=True)
class RowCheck:
    """What the rows of one table are asked.

    Attributes:
        direction: the languages; None where the sides of the table are not in them, and nothing is asked that a
            language alone demands.
        ratio: target characters for one of the source, as is usual in the table.
        repeats: the pairs of the corpus so far.
        held_out: for each other part where its sentences stand.
    """

    direction: Direction | None
    ratio: float
    repeats: Repeats
    held_out: Mapping[str, Places]

    def findings(self, row: RawPair) -> Iterator[tuple[Kind, str]]:
        """Say of which kinds the faults of a row are, and what is wrong."""
        pair = normalised(row)
        if row.fault:
            yield "broken", row.fault
        elif not pair.src and not pair.tgt:
            yield "space", "the row is blank"
        elif not pair.src or not pair.tgt:
            yield "blank", f"the {SIDES[bool(pair.src)]} is blank"
        else:
            errors = list(self._errors(row, pair))
            yield from errors or self._warnings(row, pair)

    def _errors(self, row: RawPair, pair: Pair) -> Iterator[tuple[Kind, str]]:
        if what := self.repeats.duplicate(pair, row.place):
            yield "duplicate", what
            return
        for side, raw in zip(SIDES, (row.src, row.tgt), strict=True):
            if what := encoding_fault(raw):
                yield "encoding", f"{side}: {what}: {excerpt(raw)}"
        for what in leaks(pair, self.held_out):
            yield "leak", what
        if what := copied(pair):
            yield "copied", what
        elif self.direction and (what := swapped(pair, self.direction)):
            yield "swapped", what
        elif self.direction and (what := foreign(pair, self.direction)):
            yield "language", what

    def _warnings(self, row: RawPair, pair: Pair) -> Iterator[tuple[Kind, str]]:
        if what := odd_length(pair, self.ratio):
            yield "length", what
        languages = (self.direction.src, self.direction.tgt) if self.direction else ("", "")
        sides = zip(SIDES, (row.src, row.tgt), (pair.src, pair.tgt), languages, strict=True)
        for side, raw, text, language in sides:
            if what := unpaired_marks(text, INVERTED_MARKS.get(language, {})):
                yield "marks", f"{side}: {what}: {excerpt(text)}"
            if what := unbalanced(text):
                yield "unbalanced", f"{side}: {what}: {excerpt(text)}"
            if what := surplus_space(raw):
                yield "space", f"{side}: {what}: {excerpt(raw)}"
        for what in self.repeats.repeated(pair):
            yield "repeated", what
