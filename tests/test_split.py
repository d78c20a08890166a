"""Laws of the split of a corpus of any size: what lies on disk and in hashes is decided as if all were in memory."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from corpus_files import ES_EN, write
from hypothesis import given
from hypothesis import strategies as st

import mtattn.corpus.split as split_room
import mtattn.corpus.spool as spool_room
from mtattn.config import DataConfig
from mtattn.corpus.loading import load_parts
from mtattn.corpus.pairs import Pair, held_out_place, sentence_key
from mtattn.corpus.split import Parts, split_pairs
from mtattn.corpus.spool import PairSpool
from mtattn.errors import OutputError

SENTENCES = st.sampled_from(["sí", "¡SÍ!", "no", "no 1", "él", "¿?", "¿él?", "sí no sí no", *map(str, range(20))])
PAIRS = st.lists(st.builds(Pair, SENTENCES, SENTENCES), max_size=20)
MANY = [Pair(f"frase número {i}", f"sentence number {i % 900}") for i in range(1_000)]


def split(pairs: Sequence[Pair], share: float = 0.2, **options: object) -> Parts:
    settings = {"dev": None, "dev_share": share, "test_share": share, "max_words": 3, **options}
    return split_pairs(pairs, ES_EN, **settings)


def all_in_memory(pairs: list[Pair], dev: list[Pair] | None, unheld: list[Pair], share: float) -> list[list[Pair]]:
    """Split pair by pair, as the words of `split_pairs` say it."""
    candidates, parts = [], {"dev": [], "test": []}
    for n, pair in enumerate(dict.fromkeys([*pairs, *unheld])):
        place = held_out_place(sentence_key(pair.src))
        if dev is not None or n >= len(set(pairs)) or place >= 2 * share:
            candidates.append(pair)
        else:
            parts["test" if place < share else "dev"].append(pair)
    held_out = parts["test"] + (parts["dev"] if dev is None else dev)
    src, tgt = ({sentence_key(getattr(pair, side)) for pair in held_out} for side in ("src", "tgt"))
    train = [
        pair
        for pair in candidates
        if len(pair.src.split()) <= 3 and len(pair.tgt.split()) <= 3
        if sentence_key(pair.src) not in src and sentence_key(pair.tgt) not in tgt
    ]
    return [train, parts["dev"] if dev is None else dev, parts["test"]]


@given(pairs=PAIRS, dev=st.none() | PAIRS, unheld=PAIRS, share=st.sampled_from([0.0, 0.1, 0.3, 0.5]))
def test_hashes_decide_as_sentences_would(
    pairs: list[Pair], dev: list[Pair] | None, unheld: list[Pair], share: float
) -> None:
    parts = split(pairs, share, dev=dev, unheld=unheld)
    assert [list(parts.train), parts.dev, parts.test] == all_in_memory(pairs, dev, unheld, share)
    report = parts.report
    assert (report.n_train, report.n_dev, report.n_test) == (len(parts.train), len(parts.dev), len(parts.test))
    given = 0 if dev is None else len(dev)
    kept = report.n_train + report.n_dev + report.n_test - given
    assert report.n_read == len(pairs) + len(unheld) == kept + report.n_duplicates + report.n_long + report.n_leaks


def test_a_file_with_faults_gives_what_its_good_lines_give(tmp_path: Path) -> None:
    good = [f"{pair.src}\t{pair.tgt}" for pair in MANY]
    faulty = [*good[:400], "no tab", "  \t ", *good[:100], "nul\0\tnul", *good[400:]]
    source = write(tmp_path / "a.tsv", "".join(f"{line}\n" for line in faulty))
    notes: list[str] = []
    parts = load_parts(DataConfig(sources=[str(source)], dev_share=0.2, test_share=0.2), ES_EN, notes.append, tmp_path)
    assert [list(parts.train), parts.dev, parts.test] == all_in_memory(MANY, None, [], 0.2)
    assert f"  {source}:401: there is no column 2, only 1" in notes
    assert f"  {source}:503: byte 4 of the line is NUL" in notes
    assert "dropped pairs that repeat an earlier pair: 100" in notes
    assert list(tmp_path.iterdir()) == [source]  # what lies on disk has no name


def test_of_many_pairs_those_with_the_lowest_hashes_are_held_out() -> None:
    whole, capped = split(MANY), split(MANY, held_out_pairs=30)
    assert len(whole.dev) > 150
    for some, more in ((capped.dev, whole.dev), (capped.test, whole.test)):
        assert len(some) == 30
        assert some == sorted(
            sorted(more, key=lambda pair: held_out_place(sentence_key(pair.src)))[:30], key=more.index
        )
    assert set(whole.train) < set(capped.train)
    report = capped.report
    assert report.n_released == len(whole.dev) + len(whole.test) - 60
    assert report.n_train + report.n_dev + report.n_test + report.n_leaks == report.n_read
    assert report.lines()[1] == f"more were within the shares, beyond data.held_out_pairs: {report.n_released:,}"
    assert split(MANY, held_out_pairs=len(whole.dev) + len(whole.test)).report == whole.report


def test_all_pairs_of_a_sentence_stay_together() -> None:
    pairs = [Pair(f"frase {i % 50}", f"sentence {i}") for i in range(500)]
    capped = split(pairs, held_out_pairs=15)
    for part in (capped.dev, capped.test):
        assert len(part) == 20  # ten for each sentence
    assert not {pair.src for pair in capped.train} & {pair.src for pair in capped.dev + capped.test}


class TestSample:
    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(split_room, "N_SAMPLE_PAIRS", 100)

    def test_a_small_corpus_is_its_own_sample(self) -> None:
        parts = split(MANY[:120], share=0.2)
        assert list(parts.sample) == list(parts.train)

    def test_the_sample_of_a_large_one_is_the_same_in_any_order(self) -> None:
        forth, back = split(MANY), split(MANY[::-1])
        assert len(forth.sample) == 100
        assert set(forth.sample) <= set(forth.train)
        assert list(forth.sample) == list(back.sample)[::-1]

    def test_no_process_draws_another_sample(self) -> None:
        program = (
            "import mtattn.corpus.split as room; from mtattn.corpus.pairs import *; room.N_SAMPLE_PAIRS = 100\n"
            "pairs = [Pair(f'frase número {i}', f'sentence number {i % 900}') for i in range(1_000)]\n"
            "options = dict(dev=None, dev_share=0.2, test_share=0.2, max_words=3)\n"
            "print([pair.src for pair in room.split_pairs(pairs, Direction('es', 'en'), **options).sample])"
        )
        environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parent.parent)}
        told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        assert told.stdout == f"{[pair.src for pair in split(MANY).sample]}\n", told.stderr


class TestSpool:
    @given(pairs=PAIRS)
    def test_gives_back_what_was_kept_as_often_as_wanted(self, pairs: list[Pair]) -> None:
        spool = PairSpool()
        for pair in pairs:
            spool.append(pair)
        lines = [f"{pair.src}\t{pair.tgt}".encode() for pair in pairs]
        assert list(spool.lines()) == list(spool.lines()) == lines

    def test_draws_side_by_side_and_over_the_borders_of_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(spool_room, "_CHUNK_BYTES", 7)
        spool = PairSpool()
        for pair in MANY[:50]:
            spool.append(pair)
        drawn: list[Iterator[bytes]] = [spool.lines(), spool.lines()]
        assert all(one == other for one, other in zip(*drawn, strict=True))
        assert len(list(spool.lines())) == 50

    def test_a_folder_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="nowhere: pairs cannot be kept here"):
            PairSpool(tmp_path / "nowhere")

    @pytest.mark.parametrize("n", [50, 1_000])  # what is found on drawing, and on keeping
    def test_a_full_disk_is_told(self, n: int) -> None:
        def keep_and_draw() -> None:
            spool = PairSpool()
            for pair in MANY[:n]:
                spool.append(pair)
            next(spool.lines())

        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
        try:
            with pytest.raises(OutputError, match=r"cannot be kept here .*; make room"):
                keep_and_draw()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
