"""Every kind of source as one thing: rows of cells, each with its place and what is wrong with it."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from mtattn.corpus.lines import Line, count_lines, empty_file, read_lines, unreadable
from mtattn.errors import DataError

Cells = Mapping[Any, object]
"""The cells of a row by column: its number, counted from 1, or its key."""

_HUB_SOURCE = re.compile(r"hf:([\w.-]+/[\w.-]+)(?::([^:@]+))?(?:@([^@]+))?")
_DELIMITER_SAMPLE = 200  # lines


class Row(NamedTuple):
    """One row: `place` is FILE:LINE; `fault` is "" or says what is wrong; no cells = a blank row."""

    place: str
    cells: Cells
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """Rows, and what their format alone tells of them.

    Args:
        place: the file or data set, for messages.
        rows: all of them, the header too where there is one.
        noun: what the columns are called where this one comes from.
        names: columns that there must be, with their names where they stand outside the rows, else "".
        may_have_header: whether the first row may name the columns.
    """

    place: str
    rows: Iterator[Row]
    noun: str = "columns"
    names: Mapping[int | str, str] = field(default_factory=dict)
    may_have_header: bool = False


def open_tables(source: str, split: str) -> Iterator[Table]:
    """Find what a source names.

    Args:
        source: a path, two paths with a comma between them, or `hf:owner/name[:config][@revision]`.
        split: the split of a data set on the hub; other sources have none.

    Yields:
        One table, or one for each *.tsv file of a folder, sorted by name.

    Raises:
        DataError: there is no such thing, or its kind is unknown.
    """
    if not source:
        raise DataError("the name of a source is empty", fix="name a file with sentence pairs")
    path = Path(source)
    try:
        if source.startswith("hf:"):
            yield Table(source, _hub_rows(source, split))
        elif _is_moses(source):
            yield _moses_table(source, *files_of(source))
        else:
            for file in files_of(source):
                yield _file_table(file)
    except OSError as error:
        raise unreadable(path, error) from error


def files_of(source: str) -> list[Path]:
    """Name the files of a source that is not on the hub.

    Args:
        source: see `open_tables`.

    Returns:
        The file, the two of a Moses pair, or those of a folder, sorted by name; they need not be there.

    Raises:
        DataError: a folder has no *.tsv file, or cannot be looked into.
    """
    path = Path(source)
    try:
        if path.is_dir():
            files = sorted(path.glob("*.tsv"))
            if not files:
                raise DataError("the folder has no *.tsv file", where=path, fix="name a file in it")
            return files
        if not _is_moses(source):
            return [path]
    except OSError as error:  # a name too long, a folder that may not be entered
        raise unreadable(path, error) from error
    commas = [i for i, character in enumerate(source) if character == ","]
    splits = [[Path(source[:i]), Path(source[i + 1 :])] for i in commas]
    return next((pair for pair in splits if all(file.exists() for file in pair)), splits[0])


def _is_moses(source: str) -> bool:
    return "," in source and not Path(source).exists()


def parts_of(source: str) -> list[str]:
    """Name the *.tsv files of a folder, sorted; any other source, and an empty folder, is one by itself."""
    try:
        is_folder = bool(source) and Path(source).is_dir()
    except OSError:
        is_folder = False
    return (sorted(map(str, Path(source).glob("*.tsv"))) if is_folder else []) or [source]


def _file_table(path: Path) -> Table:
    read = _READERS.get(path.suffix.lower())
    if read is None:
        known = ", ".join(_READERS)
        what = f"the ending {path.suffix!r} tells no format" if path.suffix else "the name has no ending"
        fix = f"name a file that ends in one of {known}, two line-aligned files as a.xx,b.yy, or hf:owner/name"
        raise DataError(what if path.exists() else "there is no such file", where=path, fix=fix)
    by_number = read in (_tsv_rows, _csv_rows)
    noun = "keys" if read is _jsonl_rows else "columns"
    names: dict[int | str, str] = {1: "", 2: ""} if by_number else {}
    return Table(str(path), read(path), noun, names, may_have_header=by_number)


def _tsv_rows(path: Path) -> Iterator[Row]:
    name = str(path)
    for line in read_lines(path):
        cells = dict(enumerate(line.text.split("\t"), 1)) if line.text.strip() else {}
        yield Row(f"{name}:{line.number}", cells, line.fault)


def _csv_rows(path: Path) -> Iterator[Row]:
    lines = read_lines(path)
    head = list(islice(lines, _DELIMITER_SAMPLE))
    faulty: list[Line] = []

    def feed() -> Iterator[str]:
        for line in chain(head, lines):
            if line.fault:
                faulty.append(line)
            yield line.text.replace("\r", " ") + "\n"  # the csv module would end the line there

    reader = csv.reader(feed(), delimiter=_delimiter([line.text.replace("\r", " ") for line in head]), strict=True)
    while True:
        begin = reader.line_num + 1
        cells: list[str] = []
        fault = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = f"it is not CSV: {error}"
            if reader.line_num > begin:
                fault += f" (a quoted field runs on to line {reader.line_num})"
        if faulty:
            begin, _, fault = faulty[0]
            faulty.clear()
        yield Row(f"{path}:{begin}", dict(enumerate(cells, 1)) if any(map(str.strip, cells)) else {}, fault)


def _delimiter(lines: list[str]) -> str:
    def n_regular_rows(delimiter: str) -> int:
        widths: Counter[int] = Counter()
        for line in lines:  # each by itself, so that one open quote does not swallow the sample
            with suppress(csv.Error):
                widths.update(len(row) for row in csv.reader([line], delimiter=delimiter))
        return max((n for width, n in widths.items() if width > 1), default=0)

    return max(",", ";", key=n_regular_rows)


def _jsonl_rows(path: Path) -> Iterator[Row]:
    for line in read_lines(path):
        cells: Cells = {}
        fault = line.fault
        if not fault and line.text.strip():
            try:
                value = json.loads(line.text)
            except json.JSONDecodeError as error:
                fault = f"it is not JSON: {error.msg} at character {error.pos + 1}"
            except (ValueError, RecursionError):
                fault = "its JSON is too large or too deep"
            else:
                if isinstance(value, dict):
                    cells = _flat(value)
                fault = "" if cells else "it is not a JSON object with keys"
        yield Row(f"{path}:{line.number}", cells, fault)


def _flat(values: dict[str, object]) -> Cells:
    translation = values.get("translation")
    if not isinstance(translation, dict):
        return values
    return {key: value for key, value in values.items() if key != "translation"} | translation


def _parquet_rows(path: Path) -> Iterator[Row]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        if path.stat().st_size == 0:
            raise empty_file(path)
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(f"{path}: row {number}", _flat(values))
    except (ArrowException, UnicodeDecodeError) as error:
        what = f"the Parquet file cannot be read after row {number}: {_first_line(error)}"
        raise DataError(what, where=path, fix="write it anew") from error
    except OSError as error:
        raise unreadable(path, error) from error


def _hub_rows(source: str, split: str) -> Iterator[Row]:
    match = _HUB_SOURCE.fullmatch(source)
    if match is None:
        raise DataError("that is no data set's address", where=source, fix="write hf:owner/name[:config][@revision]")
    name, config, revision = match.groups()
    if Path(name).exists():
        # load_dataset would silently read the folder.
        fix = "name the folder's files, or start from another folder"
        raise DataError(f"the local folder {name} hides the data set of that name", where=source, fix=fix)
    import datasets

    try:
        data = datasets.load_dataset(name, config, revision=revision, split=split)
    except Exception as error:  # the hub's client lets through what its many layers raise
        raise DataError(_first_line(error), where=source, fix=_hub_fix(error)) from error
    for number, values in enumerate(data, 1):
        yield Row(f"{source}: row {number}", _flat(values))


def _hub_fix(error: Exception) -> str:
    if isinstance(error, ConnectionError):
        return "check the network (and HF_HUB_OFFLINE), or name a file on this computer"
    if isinstance(error, FileNotFoundError):
        return "check owner, name and revision; a private or gated data set wants `hf auth login`"
    if isinstance(error, RuntimeError):
        return "choose a data set that is stored as plain files, such as Parquet or CSV"
    return "check the config and the split; write hf:owner/name:config" if isinstance(error, ValueError) else ""


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0].rstrip(".")


def _moses_table(source: str, a: Path, b: Path) -> Table:
    n_a, n_b = count_lines(a), count_lines(b)
    if n_a != n_b:
        raise DataError(
            f"the two files are not line-aligned: {a} has {n_a:,} lines, {b} has {n_b:,}",
            where=source,
            fix="name two files in which line n of one translates line n of the other",
        )
    names: dict[int | str, str] = {1: a.suffix.removeprefix("."), 2: b.suffix.removeprefix(".")}
    return Table(source, _moses_rows(a, b), "files", names)


def _moses_rows(a: Path, b: Path) -> Iterator[Row]:
    for line_a, line_b in zip(read_lines(a), read_lines(b), strict=True):
        faulty = b if line_b.fault and not line_a.fault else a
        yield Row(f"{faulty}:{line_a.number}", {1: line_a.text, 2: line_b.text}, line_a.fault or line_b.fault)


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".tsv": _tsv_rows,
    ".tab": _tsv_rows,
    ".txt": _tsv_rows,
    ".csv": _csv_rows,
    ".jsonl": _jsonl_rows,
    ".ndjson": _jsonl_rows,
    ".parquet": _parquet_rows,
}
