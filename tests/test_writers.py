"""What is exported is what is read again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus_files import EN_ES, ES_EN, PAIRS, both, read
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.config import DataConfig, load_config
from mtattn.corpus.grammar import GOLD_SEED, N_GOLD, load_grammar
from mtattn.corpus.loading import load_parts
from mtattn.corpus.pairs import Pair, sentence_key
from mtattn.corpus.writers import write_pairs
from mtattn.errors import DataError, OutputError


def export(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["data", "export", *map(str, arguments)])
    assert result.exit_code == status, result.stderr
    return result.stderr


@pytest.mark.parametrize("names", ["pairs.tsv", "pairs.jsonl", "pairs.es,pairs.en"])
def test_what_is_written_is_read_again(tmp_path: Path, names: str) -> None:
    target = ",".join(str(tmp_path / name) for name in names.split(","))
    assert write_pairs(PAIRS, target, ES_EN) == len(PAIRS)
    assert both(read(target)[0]) == both(PAIRS)
    turned = [(pair.tgt, pair.src) for pair in PAIRS]
    assert both(read(target, EN_ES)[0]) == turned


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    def breaks_off() -> Iterator[Pair]:
        yield PAIRS[0]
        raise DataError("the source ends here")

    (tmp_path / "a.es").write_text("before\n")
    with pytest.raises(DataError, match="ends here"):
        write_pairs(breaks_off(), f"{tmp_path}/a.es,{tmp_path}/a.en", ES_EN)
    assert (tmp_path / "a.es").read_text() == "before\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.es"]


@pytest.mark.parametrize("name", ["pairs", "pairs.docx", "a.es,b.en,c.fr", "no/where.tsv"])
def test_a_target_that_cannot_be_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"format|no such folder"):
        write_pairs(PAIRS, str(tmp_path / name), ES_EN)


@pytest.mark.parametrize("n_times", [1, 1000])
def test_on_a_full_disk_both_files_stay_as_they_were(tmp_path: Path, n_times: int) -> None:
    (tmp_path / "a.en").write_text("before\n")
    with pytest.raises(OutputError, match=r"/dev/full,.*a.en: cannot be written"):
        write_pairs(PAIRS * n_times, f"/dev/full,{tmp_path}/a.en", ES_EN)
    assert (tmp_path / "a.en").read_text() == "before\n"


def test_two_sides_in_one_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.es").write_text("before\n")
    with pytest.raises(DataError, match="the same"):
        write_pairs(PAIRS, f"{tmp_path}/a.es,{tmp_path}/../{tmp_path.name}/a.es", ES_EN)
    assert (tmp_path / "a.es").read_text() == "before\n"


def test_the_command_writes_the_parts_that_a_training_takes(tmp_path: Path) -> None:
    parts = load_parts(DataConfig(grammar_pairs=50), ES_EN, note=lambda text: None)
    for part in ("train", "dev"):
        said = export("--part", part, "--grammar", 50, tmp_path / f"{part}.tsv")
        assert f"{len(getattr(parts, part)):,} pairs written" in said
        lines = (tmp_path / f"{part}.tsv").read_text().splitlines()
        assert lines == [f"{pair.src}\t{pair.tgt}" for pair in getattr(parts, part)]


def test_the_command_turns_and_converts_a_file(tmp_path: Path) -> None:
    write_pairs(PAIRS, str(tmp_path / "pairs.tsv"), ES_EN)
    export("--data", tmp_path / "pairs.tsv", "--direction", "en-es", tmp_path / "turned.jsonl")
    assert both(read(tmp_path / "turned.jsonl", EN_ES)[0]) == [(pair.tgt, pair.src) for pair in PAIRS]


def test_grammar_pairs_are_trained_on_and_never_held_out_nor_leaked() -> None:
    without, with_ = (load_parts(DataConfig(grammar_pairs=n), ES_EN, note=lambda text: None) for n in (0, 400))
    assert with_.dev == without.dev
    assert with_.test == without.test
    added = set(with_.train) - set(without.train)
    assert set(without.train) <= set(with_.train)
    assert 350 < len(added) <= 400
    turned = load_parts(DataConfig(grammar_pairs=400), EN_ES, note=lambda text: None)
    assert {Pair(pair.tgt, pair.src) for pair in turned.train} == set(with_.train)


def test_a_part_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    export("--part", "half", tmp_path / "a.tsv", status=2)


def test_what_gold_writes_is_not_trained_on() -> None:
    parts = load_parts(DataConfig(grammar_pairs=2000), ES_EN, note=lambda text: None)
    train = set(parts.train)
    gold = [aligned.pair for aligned in load_grammar().generate(N_GOLD, GOLD_SEED)]
    written = [pair for aligned in load_grammar().generate(4000, 0) if (pair := aligned.pair) in train]
    assert len(written) > 1500
    for side in ("src", "tgt"):
        tested = {sentence_key(getattr(pair, side)) for pair in gold}
        assert not tested & {sentence_key(getattr(pair, side)) for pair in written}


def test_columns_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "three.tsv").write_text("1\tLa casa.\tThe house.\n")
    columns = ("--src-column", 2, "--tgt-column", 3)
    export("--data", tmp_path / "three.tsv", *columns, tmp_path / "two.tsv")
    assert (tmp_path / "two.tsv").read_text() == "La casa.\tThe house.\n"


def test_the_train_part_is_what_the_default_training_takes(tmp_path: Path) -> None:
    parts = load_parts(load_config().data, ES_EN, note=lambda text: None)
    export("--part", "train", tmp_path / "train.tsv")
    assert len((tmp_path / "train.tsv").read_text().splitlines()) == len(parts.train)
