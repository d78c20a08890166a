from pathlib import Path

import pytest

from mtattn.carried import carried_folder
from mtattn.corpus import builtin
from mtattn.corpus.readers import ReadReport, read_pairs
from mtattn.errors import DataError


def test_the_carried_corpus_is_its_tsv_files_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.tsv", "a.tsv", "README.md", "alignments.txt"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.tsv").touch()
    monkeypatch.setattr(builtin, "carried_folder", lambda name: tmp_path)
    assert builtin.builtin_corpus() == [str(tmp_path / "a.tsv"), str(tmp_path / "b.tsv")]


def test_a_missing_corpus_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "carried_folder", lambda name: tmp_path / name)
    with pytest.raises(DataError, match=r"/data: the corpus that comes with mtattn is missing; install"):
        builtin.builtin_corpus()


def test_a_wheel_carries_its_folders_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtattn.carried._PACKAGE", tmp_path / "mtattn")
    assert carried_folder("data") == tmp_path / "data"
    (tmp_path / "mtattn" / "_carried" / "data").mkdir(parents=True)
    assert carried_folder("data") == tmp_path / "mtattn" / "_carried" / "data"


@pytest.mark.parametrize("source", builtin.builtin_corpus(), ids=lambda source: Path(source).name)
def test_every_row_that_is_carried_is_a_pair_in_the_carried_direction(source: str) -> None:
    report = ReadReport(source)
    for _ in read_pairs(source, builtin.builtin_direction(), report=report):
        pass
    assert (report.n_blank, report.broken) == (0, [])
    assert report.columns == "columns 1 (es) and 2 (en), found out from their words"
