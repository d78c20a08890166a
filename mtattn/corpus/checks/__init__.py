"""Checks a corpus: what would harm a training (errors), and what may well be meant (warnings)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from mtattn.corpus.builtin import builtin_columns, builtin_corpus
from mtattn.corpus.checks.findings import ERRORS, WARNINGS, Finding, Kind
from mtattn.corpus.checks.pairs import misplaced, usual_ratio
from mtattn.corpus.checks.repeats import Places, Repeats, leaks, places_of
from mtattn.corpus.checks.rows import RowCheck, normalised
from mtattn.corpus.pairs import Direction
from mtattn.corpus.readers import N_SAMPLE_ROWS, PairTable, read_tables
from mtattn.corpus.tables import parts_of
from mtattn.errors import DataError

__all__ = ["ERRORS", "WARNINGS", "CheckReport", "Finding", "check_corpus"]


@dataclass
class CheckReport:
    """What was checked and found; filled while findings are drawn.

    Attributes:
        n_rows: rows read, headers not counted, and those of dev and test neither.
        n_files: files or data sets, likewise.
        counts: findings by kind.
    """

    n_rows: int = 0
    n_files: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)

    @property
    def n_errors(self) -> int:
        """Findings that are errors."""
        return sum(self.counts[kind] for kind in ERRORS)

    @property
    def n_warnings(self) -> int:
        """Findings that are warnings."""
        return sum(self.counts[kind] for kind in WARNINGS)

    def lines(self, n_shown: int) -> list[str]:
        """Say it in plain sentences.

        Args:
            n_shown: so many findings of a kind were shown; of how many more is said.
        """
        counts = {"rows": self.n_rows, "files": self.n_files, "errors": self.n_errors, "warnings": self.n_warnings}
        lines = [", ".join(f"{name}: {n:,}" for name, n in counts.items())]
        for kind in (*ERRORS, *WARNINGS):
            if n := self.counts[kind]:
                level = "error" if kind in ERRORS else "warning"
                more = f", {n - n_shown:,} of them not shown" if n > n_shown else ""
                lines.append(f"  {kind} ({level}): {n:,}{more}")
        return lines


def check_corpus(
    sources: Sequence[str],
    direction: Direction,
    *,
    columns: tuple[str, str] | None = None,
    dev: str = "",
    test: str = "",
    note: Callable[[str], None],
    report: CheckReport,
) -> Iterator[Finding]:
    """Check a corpus row by row, and what its rows have in common.

    What holds for some languages only is asked of those alone. Sentences are not kept, but for those of dev and test.

    Args:
        sources: see `read_pairs`; none for the corpus that mtattn carries.
        direction: the source's and the target's language.
        columns: the source and the target column of every source; None = found out.
        dev: a source of pairs to validate on, "" for none; it is asked only what it shares with the others.
        test: a source of pairs to score on, likewise.
        note: told which columns were taken.
        report: filled along the way.

    Yields:
        Findings in the order of the rows, those in dev and test first, those of the kind `near-copy` last.

    Raises:
        DataError: a source, but for a file of a folder, cannot be read. Raised while drawing findings.
    """
    for finding in _findings(sources, direction, columns, {"test": test, "dev": dev}, note, report):
        report.counts[finding.kind] += 1
        yield finding


def _findings(
    sources: Sequence[str],
    direction: Direction,
    columns: tuple[str, str] | None,
    parts: Mapping[str, str],
    note: Callable[[str], None],
    report: CheckReport,
) -> Iterator[Finding]:
    held_out: dict[str, Places] = {}
    for part, source in parts.items():
        if source:
            places: Places = {}
            for table in read_tables(source, direction, columns=columns):
                yield from _leaks(table, held_out, places)
            if not places:
                yield Finding(source, "blank", f"there is no pair for {part}")
            held_out[part] = places
    repeats = Repeats()
    columns = columns if sources else builtin_columns(direction)
    for source in sources or builtin_corpus():
        for file in parts_of(source):
            try:
                for table in read_tables(file, direction, columns=columns):
                    if sources and table.columns:
                        note(f"{table.place}: {table.columns.sentence}")
                    yield from _check_table(table, direction, repeats, held_out, report)
            except DataError as error:
                if file == source:
                    raise
                report.n_files += 1  # the others of its folder are checked all the same
                yield Finding(file, "broken", error.what)
    yield from repeats.near_copies()


def _leaks(table: PairTable, held_out: Mapping[str, Places], places: Places) -> Iterator[Finding]:
    for row in table.rows:
        pair = normalised(row)
        if pair.src and pair.tgt:
            for what in leaks(pair, held_out):
                yield Finding(row.place, "leak", what)
            places.update(places_of(pair, row.place) | places)  # the first place stays


def _check_table(
    table: PairTable, direction: Direction, repeats: Repeats, held_out: Mapping[str, Places], report: CheckReport
) -> Iterator[Finding]:
    report.n_files += 1
    sample = list(islice(table.rows, N_SAMPLE_ROWS))
    pairs = [pair for pair in map(normalised, sample) if pair.src and pair.tgt]
    if not pairs:
        yield Finding(table.place, "blank", f"there is no pair in its first {len(sample):,} rows")
    wrong = misplaced(pairs, direction)
    if wrong:
        yield Finding(table.place, *wrong)
    check = RowCheck(None if wrong else direction, usual_ratio(pairs), repeats, held_out)
    for row in chain(sample, table.rows):
        report.n_rows += 1
        for kind, what in check.findings(row):
            yield Finding(row.place, kind, what)
