"""Files of sentence pairs for the tests of the corpus."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from mtattn.corpus.pairs import Direction, Pair
from mtattn.corpus.readers import ReadReport, read_pairs

ES_EN = Direction("es", "en")
EN_ES = Direction("en", "es")
PAIRS = [
    Pair("¿Qué es lo que quiere la niña?", "What does the girl want?"),
    Pair("El perro está en la casa de mi tío.", "The dog is in my uncle's house."),
    Pair('Dijo que "no"; después, nada.', 'He said "no"; and then nothing to me.'),
]
TURNED = [Pair(pair.tgt, pair.src) for pair in PAIRS]
ATTRIBUTION = "CC-BY 2.0 (France) Attribution: tatoeba.org #538123 (CM) & #1158250 (al_ex)"


def read(
    source: object, direction: Direction = ES_EN, columns: tuple[str, str] | None = None
) -> tuple[list[Pair], ReadReport]:
    report = ReadReport(str(source))
    pairs = list(read_pairs(str(source), direction, columns=columns, report=report))
    assert report.n_pairs == len(pairs)
    return pairs, report


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def tsv(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def both(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.src, pair.tgt) for pair in pairs]


def write_as(folder: Path, ending: str, rows: list[tuple[str, str]], names: tuple[str, str]) -> Path:
    path = folder / f"pairs{ending}"
    if ending in {".tsv", ".txt", ".tab"}:
        write(path, tsv([names, *rows]))
    elif ending == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, delimiter=";").writerows([names, *rows])
    elif ending == ".parquet":
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
        parquet.write_table(table, path)
    else:
        lines = (json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
        write(path, "".join(lines))
    return path
