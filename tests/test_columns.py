import json
from pathlib import Path

import pytest
from corpus_files import ATTRIBUTION, EN_ES, PAIRS, TURNED, both, read, tsv, write, write_as

from mtattn.corpus.languages import FUNCTION_WORDS, LANGUAGE_NAMES, guess_language
from mtattn.corpus.pairs import Direction, Pair
from mtattn.errors import DataError


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".jsonl", ".parquet"])
def test_the_direction_asked_for_decides_which_side_is_the_source(tmp_path: Path, ending: str) -> None:
    path = write_as(tmp_path, ending, both(PAIRS), ("es", "en"))
    assert read(path, EN_ES)[0] == TURNED


def test_columns_are_found_out_from_their_words(tmp_path: Path) -> None:
    anki = write(tmp_path / "spa.txt", tsv((*row, ATTRIBUTION) for row in both(TURNED)))
    pairs, report = read(anki)
    assert pairs == PAIRS
    assert report.columns == "columns 2 (es) and 1 (en), found out from their words"


def test_one_column_is_enough_to_find_the_other(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv", tsv(both(TURNED)))
    pairs, report = read(path, Direction("eo", "en"))
    assert pairs == PAIRS
    assert "columns 2 (eo) and 1 (en), found out from the words of 1; that 2" in report.columns
    assert "warning: the words of 2 look like es, not eo" in report.columns


def test_what_cannot_be_found_out_is_called_an_assumption(tmp_path: Path) -> None:
    pairs, report = read(write(tmp_path / "x.tsv", "Tom\tTomás\n"))
    assert pairs == [Pair("Tom", "Tomás")]
    assert report.columns == ("columns 1 (es) and 2 (en), an assumption: neither names nor words tell which is which")


def test_the_same_language_twice_is_read_with_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv", tsv((pair.src, pair.src) for pair in PAIRS))
    pairs, report = read(path)
    assert len(pairs) == 3
    assert report.columns.endswith("warning: the words of 2 look like es, not en")


def test_names_that_the_words_contradict_are_believed_with_a_warning(tmp_path: Path) -> None:
    path = write_as(tmp_path, ".tsv", both(PAIRS), ("en", "es"))
    pairs, report = read(path)
    assert pairs == TURNED
    assert "warning: the words of 2 look like en, not es, the words of 1 look like es, not en" in report.columns


def test_a_header_in_other_languages_is_no_pair(tmp_path: Path) -> None:
    pairs, report = read(write_as(tmp_path, ".tsv", both(PAIRS), ("fr", "de")))
    assert pairs == PAIRS
    assert report.n_rows == 3


@pytest.mark.parametrize("columns", [("3", "1"), ("b", "a"), ("b", "1")])
@pytest.mark.parametrize("ending", [".tsv", ".jsonl"])
def test_columns_can_be_asked_for(tmp_path: Path, columns: tuple[str, str], ending: str) -> None:
    rows = [(pair.tgt, "x", pair.src) for pair in PAIRS]
    if ending == ".tsv":
        header = [("a", "n", "b")] if columns != ("3", "1") else []
        path = write(tmp_path / "x.tsv", tsv(header + rows))
    else:
        lines = (json.dumps(dict(zip("anb", row, strict=True))) + "\n" for row in rows)
        path = write(tmp_path / "x.jsonl", "".join(lines))
    pairs, report = read(path, columns=columns)
    assert pairs == PAIRS
    assert report.columns.endswith("as asked for")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("0", "1"), r"x\.tsv: there is no column '0'; the columns are 'es', 'en'"),
        (("es", "4"), r"x\.tsv: there is no column '4'"),
        (("es", "nl"), r"x\.tsv: there is no column 'nl'"),
        (("es", "1"), r"x\.tsv: source and target are both column 1"),
    ],
)
def test_columns_that_do_not_exist_are_told(tmp_path: Path, columns: tuple[str, str], message: str) -> None:
    path = write(tmp_path / "x.tsv", tsv([("es", "en"), *both(PAIRS)]))
    with pytest.raises(DataError, match=message):
        read(path, columns=columns)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("es", "No sé por qué la gente dice que el libro es de mi hermano."),
        ("en", "I don't know why the people say that the book is my brother's."),
        ("fr", "Je ne sais pas pourquoi les gens disent que le livre est à mon frère."),
        ("de", "Ich weiß nicht, warum die Leute sagen, dass das Buch von meinem Bruder ist."),
        ("it", "Non so perché la gente dice che il libro è di mio fratello e non della mia."),
        ("pt", "Não sei por que as pessoas dizem que o livro é do meu irmão e da minha irmã."),
    ],
)
def test_a_language_is_known_by_its_small_words(language: str, sentence: str) -> None:
    assert guess_language([sentence]) == language


def test_no_language_is_guessed_from_too_little() -> None:
    assert guess_language([]) is None
    assert guess_language(["Tom!", "12:30"]) is None
    assert guess_language([ATTRIBUTION] * 100) is None
    assert guess_language(["the el of de and y"]) is None


def test_the_tables_of_languages_fit_each_other() -> None:
    assert FUNCTION_WORDS.keys() == LANGUAGE_NAMES.keys()
    for code, names in LANGUAGE_NAMES.items():
        assert code in names
        assert all(names.isdisjoint(other) for key, other in LANGUAGE_NAMES.items() if key != code)
