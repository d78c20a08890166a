import csv
import json
from pathlib import Path

import pytest
from corpus_files import ES_EN, PAIRS, both, read, write, write_as

from mtattn.corpus.lines import MAX_LINE_BYTES
from mtattn.corpus.pairs import Pair
from mtattn.corpus.readers import RawPair, read_tables
from mtattn.errors import DataError


@pytest.mark.parametrize("ending", [".tsv", ".txt", ".tab", ".csv", ".jsonl", ".ndjson", ".parquet", ".TSV"])
@pytest.mark.parametrize("names", [("es", "en"), ("Spanish", "English"), ("text_es", "text_en"), ("src", "tgt")])
def test_every_format_gives_the_same_pairs(tmp_path: Path, ending: str, names: tuple[str, str]) -> None:
    path = write_as(tmp_path, ending.lower(), both(PAIRS), names).rename(tmp_path / f"x{ending}")
    pairs, report = read(path)
    assert pairs == PAIRS
    assert (report.n_rows, report.n_blank, report.n_broken) == (3, 0, 0)
    assert report.columns.endswith("by their names")


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_a_translation_object_is_opened(tmp_path: Path, ending: str) -> None:
    rows = [{"id": i, "translation": {"en": pair.tgt, "es": pair.src}} for i, pair in enumerate(PAIRS)]
    path = tmp_path / f"x{ending}"
    if ending == ".parquet":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        write(path, "".join(json.dumps(row) + "\n" for row in rows))
    assert read(path)[0] == PAIRS


def test_a_line_ends_at_lf_or_crlf_and_nowhere_else(tmp_path: Path) -> None:
    odd = "a\u2028b\x0bc\x85d\re\x1cf"
    for path in (
        write(tmp_path / "x.tsv", f"{odd}\t{odd}\r\n{odd}\tz"),
        write(tmp_path / "x.csv", f'"{odd}",{odd}\r\n{odd},z'),
        write(
            tmp_path / "x.jsonl",
            f'{{"es": "a\u2028b c\x85d e f", "en": "{"a b c d e f"}"}}\r\n{{"es":"a b c d e f","en":"z"}}',
        ),
    ):
        assert read(path)[0] == [Pair("a b c d e f", "a b c d e f"), Pair("a b c d e f", "z")]
    write(tmp_path / "m.es", f"{odd}\n1\n")
    write(tmp_path / "m.en", f"{odd}\r\n2")
    assert read(f"{tmp_path}/m.es,{tmp_path}/m.en")[0] == [Pair("a b c d e f", "a b c d e f"), Pair("1", "2")]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    for path in (
        write(tmp_path / "x.tsv", "\ufeffes\ten\nuno\tone\n"),
        write(tmp_path / "x.csv", '\ufeff"es","en"\nuno,one\n'),
        write(tmp_path / "x.jsonl", '\ufeff{"es": "uno", "en": "one"}\n'),
    ):
        assert read(path)[0] == [Pair("uno", "one")]


def test_tab_separated_text_has_no_quoting(tmp_path: Path) -> None:
    pairs, _ = read(write(tmp_path / "x.tsv", '"Sí\t"Yes\n"No"\t"No" "\n'))
    assert pairs == [Pair('"Sí', '"Yes'), Pair('"No"', '"No" "')]


def test_na_and_null_are_words(tmp_path: Path) -> None:
    expected = [Pair("NA", "null"), Pair("None", "nan")]
    for path in (
        write(tmp_path / "x.tsv", "NA\tnull\nNone\tnan\n"),
        write(tmp_path / "x.csv", "NA,null\nNone,nan\n"),
        write(tmp_path / "x.jsonl", '{"es":"NA","en":"null"}\n{"es":"None","en":"nan"}\n'),
    ):
        assert read(path)[0] == expected


def test_blank_and_broken_lines_are_counted_and_named(tmp_path: Path) -> None:
    content = b"uno\tone\n\n \t \ndos\t\nthree\nc\xe1mara\tcamera\nb\xc3\xa9\0\tx\ncuatro\tfour\textra\n"
    path = write(tmp_path / "x.tsv", content)
    pairs, report = read(path)
    assert pairs == [Pair("uno", "one"), Pair("cuatro", "four")]
    assert (report.n_rows, report.n_blank, report.n_broken) == (8, 3, 3)
    assert report.broken == [
        f"{path}:5: there is no column 2, only 1",
        f"{path}:6: byte 2 of the line (0xe1) is not UTF-8",
        f"{path}:7: byte 4 of the line is NUL",
    ]


def test_rows_come_with_their_places_as_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv", "es\ten\n uno\te\u0301\u200b\n\ntres\n")
    (table,) = read_tables(str(path), ES_EN)
    assert list(table.rows) == [
        RawPair(f"{path}:2", " uno", "e\u0301\u200b"),
        RawPair(f"{path}:3"),
        RawPair(f"{path}:4", fault="there is no column 2, only 1"),
    ]


def test_only_the_first_broken_lines_are_kept(tmp_path: Path) -> None:
    _, report = read(write(tmp_path / "x.tsv", "uno\tone\n" + "bad\n" * 50))
    assert report.n_broken == 50
    assert len(report.broken) == 20


def test_a_huge_line_is_broken_and_the_next_is_read(tmp_path: Path) -> None:
    fits = "b" * (MAX_LINE_BYTES - 2)
    content = f"uno\tone\r\n{'x' * MAX_LINE_BYTES}\ty\r\na\t{fits}\r\na\t{fits}c\r\ndos\ttwo"
    path = write(tmp_path / "x.tsv", content)
    pairs, report = read(path)
    assert pairs == [Pair("uno", "one"), Pair("a", fits), Pair("dos", "two")]
    assert report.broken == [f"{path}:{n}: the line is longer than 1,000,000 bytes" for n in (2, 4)]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv_finds_its_delimiter_and_counts_quoted_line_breaks(tmp_path: Path, delimiter: str) -> None:
    rows = [("a, b; c", "x"), ("dos\nlíneas", "two\r\nlines"), ("", ""), ("f", "g"), ("", "h")]
    path = tmp_path / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
        stream.write("only one\n\n")
    pairs, report = read(path)
    assert pairs == [Pair("a, b; c", "x"), Pair("dos líneas", "two lines"), Pair("f", "g")]
    assert report.broken == [f"{path}:8: there is no column 2, only 1"]
    assert report.n_blank == 3


def test_csv_without_quotes_may_have_commas_between_semicolons(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "Hola, amigo;Hello, friend\nSí;Yes\nA, b, c;D\n")
    assert read(path)[0][0] == Pair("Hola, amigo", "Hello, friend")


def test_broken_csv_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", b'uno,one\n"dos"x,two\n"b\n\xff",three\ncuatro,four\n"cinco,five\nseis,six\n')
    pairs, report = read(path)
    assert pairs == [Pair("uno", "one"), Pair("cuatro", "four")]
    assert report.broken == [
        f"{path}:2: it is not CSV: ',' expected after '\"'",
        f"{path}:4: byte 1 of the line (0xff) is not UTF-8",
        f"{path}:6: it is not CSV: unexpected end of data (a quoted field runs on to line 7)",
    ]


def test_broken_json_names_the_line(tmp_path: Path) -> None:
    lines = [
        '{"es": "uno", "en": "one"}',
        '{"es": "dos", "en": two}',
        '["tres", "three"]',
        '{"es": 4, "en": "four"}',
        '{"es": "cinco"}',
        '{"es": null, "en": "six"}',
        '{"es": "siete\\u0000", "en": "seven"}',
        "[" * 100_000,
        "",
        '{"es": "d\\u00e9cimo", "en": "ten\\ud800th"}',
    ]
    path = write(tmp_path / "x.jsonl", "\n".join(lines))
    pairs, report = read(path)
    assert pairs == [Pair("uno", "one"), Pair("décimo", "ten th")]
    assert report.n_blank == 2
    assert report.broken == [
        f"{path}:2: it is not JSON: Expecting value at character 21",
        f"{path}:3: it is not a JSON object with keys",
        f"{path}:4: the value of 'es' is no text: 4",
        f"{path}:5: there is no key 'en'",
        f"{path}:7: the text of 'es' has a NUL character",
        f"{path}:8: its JSON is too large or too deep",
    ]


def test_parquet_names_the_row(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "x.parquet"
    columns = {"es": ["uno", None, "tres\0", "cuatro"], "en": ["one", "two", "three", ""]}
    parquet.write_table(pyarrow.table(columns), path)
    pairs, report = read(path)
    assert pairs == [Pair("uno", "one")]
    assert report.n_blank == 2
    assert report.broken == [f"{path}: row 3: the text of 'es' has a NUL character"]
    with pytest.raises(DataError, match=r"no\.parquet: the Parquet file cannot be read after row 0"):
        read(write(tmp_path / "no.parquet", "no parquet at all"))
