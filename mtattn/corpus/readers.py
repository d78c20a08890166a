"""Reads sentence pairs from files in any of the usual formats and from the Hugging Face hub."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from mtattn.corpus.columns import Columns, Key, choose_columns, header_names
from mtattn.corpus.pairs import Direction, Pair
from mtattn.corpus.tables import Row, Table, open_tables
from mtattn.errors import DataError
from mtattn.text import normalise

N_SAMPLE_ROWS = 1_000
"""So many first rows are looked at to find out which column has which language."""

_N_BROKEN_KEPT = 20


@dataclass
class ReadReport:
    """What was met on reading a source; filled while its pairs are drawn.

    Attributes:
        source: the source as the user named it.
        n_rows: rows read, headers not counted: pairs, blank rows and broken rows.
        n_blank: rows with nothing on one side or on both.
        n_broken: rows that could not be used.
        broken: the first 20 of them, as "FILE:LINE: what is wrong".
        columns: which columns were taken and why; a warning too where their words contradict.
    """

    source: str
    n_rows: int = 0
    n_blank: int = 0
    n_broken: int = 0
    broken: list[str] = field(default_factory=list)
    columns: str = ""

    @property
    def n_pairs(self) -> int:
        """Rows that became pairs."""
        return self.n_rows - self.n_blank - self.n_broken


class RawPair(NamedTuple):
    """A row's two sentences as they stand in the source, not normalised; with a `fault` there are none."""

    place: str
    src: str = ""
    tgt: str = ""
    fault: str = ""


@dataclass(frozen=True)
class PairTable:
    """The rows of one table as pairs.

    Attributes:
        place: the file or data set, for messages.
        columns: which were taken and why; None where no row has a cell.
        rows: one after the other, headers left out.
    """

    place: str
    columns: Columns | None
    rows: Iterator[RawPair]


def read_tables(
    source: str, direction: Direction, *, columns: tuple[str, str] | None = None, split: str = "train"
) -> Iterator[PairTable]:
    """Read the tables of a source row by row, each row with its place, whatever is in it.

    Args:
        source: see `read_pairs`, likewise the others.
        direction: the source's and the target's language.
        columns: the source and the target column.
        split: which split of a data set on the hub.

    Raises:
        DataError: the source cannot be read. Raised while drawing tables and rows.
    """
    for table in open_tables(source, split):
        yield _pair_table(table, direction, columns)


def read_pairs(
    source: str,
    direction: Direction,
    *,
    columns: tuple[str, str] | None = None,
    split: str = "train",
    report: ReadReport,
) -> Iterator[Pair]:
    """Read the sentence pairs of a source, one after the other.

    Args:
        source: a path (.tsv .tab .txt .csv .jsonl .ndjson .parquet, or a folder of *.tsv), a Moses
            pair `a.es,a.en` of line-aligned files, or `hf:owner/name[:config][@revision]`.
        direction: the source's and the target's language.
        columns: the source and the target column, each a name or a number counted from 1;
            None = found out from names, else from words, else the first two.
        split: which split of a data set on the hub.
        report: filled along the way.

    Yields:
        Pairs with normalised, non-empty sentences, in the order of the rows.

    Raises:
        DataError: the source cannot be read, or has no usable pair. Raised while drawing pairs.
    """
    for table in read_tables(source, direction, columns=columns, split=split):
        if table.columns and table.columns.sentence not in report.columns:
            sentence = table.columns.sentence
            report.columns += f"; in {table.place}: {sentence}" if report.columns else sentence
        for row in table.rows:
            report.n_rows += 1
            src, tgt = normalise(row.src), normalise(row.tgt)
            if row.fault:
                report.n_broken += 1
                if len(report.broken) < _N_BROKEN_KEPT:
                    report.broken.append(f"{row.place}: {row.fault}")
            elif src and tgt:
                yield Pair(src, tgt)
            else:
                report.n_blank += 1
    if not report.n_pairs:
        counts = f"rows: {report.n_rows:,}, blank: {report.n_blank:,}, broken: {report.n_broken:,}"
        what, fix = f"no usable pair ({counts})", "each row needs a source and a target sentence"
        if report.broken:
            what += f"; the first broken one is {report.broken[0]}"
            if report.broken[0].endswith("is not UTF-8"):
                fix = "where the text is Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8"
        raise DataError(what, where=source, fix=fix)


def _pair_table(table: Table, direction: Direction, wanted: tuple[str, str] | None) -> PairTable:
    sample: list[Row] = []
    n_filled = 0
    for row in table.rows:
        sample.append(row)
        n_filled += bool(row.cells and not row.fault)
        if n_filled == N_SAMPLE_ROWS:
            break
    header = _take_header(sample, direction, wanted) if table.may_have_header else None
    columns = _choose(table, sample, header, direction, wanted)
    return PairTable(table.place, columns, (_raw_pair(row, columns) for row in chain(sample, table.rows)))


def _raw_pair(row: Row, columns: Columns | None) -> RawPair:
    if row.fault or not row.cells or columns is None:
        return RawPair(row.place, fault=row.fault)
    try:
        return RawPair(row.place, _text(row, columns.src), _text(row, columns.tgt))
    except ValueError as error:
        return RawPair(row.place, fault=str(error))


def _take_header(sample: list[Row], direction: Direction, wanted: tuple[str, str] | None) -> dict[Key, str] | None:
    first = next((i for i, row in enumerate(sample) if row.cells and not row.fault), None)
    if first is None:
        return None
    names = header_names(sample[first].cells, direction, wanted)
    if names is not None:
        del sample[first]
    return names


def _choose(
    table: Table,
    sample: list[Row],
    header: dict[Key, str] | None,
    direction: Direction,
    wanted: tuple[str, str] | None,
) -> Columns | None:
    rows = [row.cells for row in sample if row.cells and not row.fault]
    if not rows:
        return None
    names: dict[Key, str] = dict(header or table.names)
    for cells in rows:
        for key in cells:
            names.setdefault(key, key if isinstance(key, str) else "")
    try:
        return choose_columns(rows, names, direction, wanted, table.noun)
    except DataError as error:
        raise DataError(error.what, where=table.place, fix=error.fix) from None


def _text(row: Row, key: Key) -> str:
    if key not in row.cells:
        raise ValueError(
            f"there is no key {key!r}" if isinstance(key, str) else f"there is no column {key}, only {len(row.cells)}"
        )
    value = row.cells[key]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"the value of {key!r} is no text: {value!r:.40}")
    if "\0" in value:
        raise ValueError(f"the text of {key!r} has a NUL character")
    return value
