import os
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_files import ES_EN, PAIRS, TURNED, both, read, tsv, write

from mtattn.corpus.pairs import Pair
from mtattn.corpus.readers import ReadReport, read_pairs
from mtattn.errors import DataError


def moses(folder: Path, a: str, b: str, first: str = "m.es", second: str = "m.en") -> str:
    return f"{write(folder / first, a)},{write(folder / second, b)}"


def test_moses_files_are_told_apart_by_their_endings_else_by_their_words(tmp_path: Path) -> None:
    es, en = ("".join(sentence + "\n" for sentence in side) for side in zip(*both(PAIRS), strict=True))
    pairs, report = read(moses(tmp_path, en, es, "m.en", "m.es"))
    assert pairs == PAIRS
    assert report.columns == "files 2 (es) and 1 (en), by their names"
    pairs, report = read(moses(tmp_path, en, es, "a, b.txt", "c.txt"))
    assert pairs == PAIRS
    assert report.columns == "files 2 (es) and 1 (en), found out from their words"


def test_moses_rows_stay_aligned_over_blank_and_broken_lines(tmp_path: Path) -> None:
    source = moses(tmp_path, "uno\n\ntres\ncuatro\n", "one\ntwo\nb\0\nfour")
    pairs, report = read(source)
    assert pairs == [Pair("uno", "one"), Pair("cuatro", "four")]
    assert report.broken == [f"{tmp_path}/m.en:3: byte 2 of the line is NUL"]
    assert report.n_blank == 1


def test_moses_files_of_different_length_are_refused_before_any_pair(tmp_path: Path) -> None:
    source = moses(tmp_path, "1\n2\n3\n", "1\n2")
    with pytest.raises(DataError, match=r"m\.es has 3 lines, .*m\.en has 2"):
        next(read_pairs(source, ES_EN, report=ReadReport(source)))
    with pytest.raises(DataError, match=r"nowhere\.en: there is no such file"):
        read(f"{tmp_path}/m.es,{tmp_path}/nowhere.en")


def test_a_folder_is_all_its_tsv_files_in_sorted_order(tmp_path: Path) -> None:
    write(tmp_path / "b.tsv", tsv(both(TURNED)))
    write(tmp_path / "a.tsv", "uno\tone\n")
    write(tmp_path / "c.csv", "tres,three\n")
    pairs, report = read(tmp_path)
    assert pairs == [Pair("uno", "one"), *PAIRS]
    assert "assumption" in report.columns
    assert f"; in {tmp_path}/b.tsv: columns 2 (es) and 1 (en)" in report.columns


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_other_encodings_are_told_to_be_converted(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "x.tsv", tsv(both(PAIRS)).encode(encoding))
    with pytest.raises(DataError, match=r"x\.tsv: the file is not in UTF-8.*; convert it: iconv"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.tsv", None, "there is no such file; check the path"),
        ("x.xyz", None, "there is no such file; name a file that ends in"),
        ("x.xyz", "a\tb\n", "the ending '.xyz' tells no format; name a file that ends in one of .tsv"),
        ("x", "a\tb\n", "the name has no ending; name a file that ends in one of .tsv"),
        ("x.tsv", "", "the file is empty; name a file with"),
        ("x.csv", "", "the file is empty; name a file with"),
        ("x.parquet", "", "the file is empty; name a file with"),
        ("x.tsv", "\n\n", r"no usable pair \(rows: 2, blank: 2, broken: 0\); each row needs"),
        (
            "x.tsv",
            "a\nb\n",
            r"no usable pair .*; the first broken one is .*x\.tsv:1: there is no column 2, only 1",
        ),
        ("x.tsv", b"\xff\tb\n", r"no usable pair .*; the first broken one is .*x\.tsv:1: byte 1 of the line"),
        ("x.tsv", "es\ten\n", r"no usable pair \(rows: 0,"),
        ("x.jsonl", '{"text": "a"}\n', "there is only one column of text"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(
    tmp_path: Path, name: str, content: str | bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        write(path, content)
    with pytest.raises(DataError, match=rf"{name}: {message}"):
        read(path)


def test_a_folder_without_tsv_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder has no \*\.tsv file; name a file in it"):
        read(tmp_path)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.tsv", "a\tb\n")

    def forbidden(*args: object) -> None:
        raise PermissionError(13, "Permission denied")  # root may read everything, so it is played

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(DataError, match=r"x\.tsv: you may not read the file; change its permissions"):
        read(path)


def test_a_text_in_place_of_a_path_is_told() -> None:
    with pytest.raises(DataError, match="the file cannot be read: File name too long"):
        read("Hola, Tom. " * 50)


def test_pairs_are_streamed(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv", tsv(both(PAIRS) * 1_000))
    report = ReadReport(str(path))
    next(read_pairs(str(path), ES_EN, report=report))
    assert report.n_rows == 1
    assert report.columns


def test_the_hub_is_asked_for_config_revision_and_split(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    asked = []

    def load_dataset(*args: object, **options: object) -> list[dict[str, object]]:
        asked.append((args, options))
        return [{"id": "1", "translation": {"en": pair.tgt, "es": pair.src}} for pair in PAIRS]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    source = "hf:some-owner/some_name:en-es@v1.0"
    report = ReadReport(source)
    assert list(read_pairs(source, ES_EN, split="test", report=report)) == PAIRS
    assert asked == [(("some-owner/some_name", "en-es"), {"revision": "v1.0", "split": "test"})]
    assert read("hf:some-owner/some_name")[0] == PAIRS
    assert asked[1] == (("some-owner/some_name", None), {"revision": None, "split": "train"})


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RuntimeError("Dataset scripts are no longer supported, but found x.py"),
            "found x.py; choose a data set",
        ),
        (ValueError("BuilderConfig 'x' not found.\nAvailable: ['y']"), "not found; check the config"),
        (
            FileNotFoundError("Dataset 'a/b' doesn't exist on the Hub."),
            "doesn't exist on the Hub; check owner",
        ),
    ],
)
def test_errors_of_the_hub_say_what_to_do(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    datasets = pytest.importorskip("datasets")

    def load_dataset(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=f"^hf:a/b: .*{message}"):
        read("hf:a/b")


def test_a_hub_address_must_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"write hf:owner/name\[:config\]\[@revision\]"):
        read("hf:opus100")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="the local folder a/b hides the data set"):
        read("hf:a/b")


def test_the_hub_offline_is_told_at_once() -> None:
    program = (
        "from mtattn.corpus.readers import *\n"
        "try: next(read_pairs('hf:a-owner/a-name', Direction('es', 'en'), report=ReadReport('')))\n"
        "except DataError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        cwd=Path(__file__).parent.parent,
    )
    assert done.stdout.startswith("hf:a-owner/a-name: Couldn't reach 'a-owner/a-name' on the Hub")
    assert "; check the network" in done.stdout


def test_reading_text_imports_neither_torch_nor_datasets() -> None:
    program = "import sys, mtattn.corpus.readers; print(sys.modules.keys() & {'torch', 'datasets', 'pyarrow'})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout == "set()\n"
