"""The scorecard as a whole: a model whose heads are known, the choice of the best aligner, what is written."""

import csv
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from mtattn.alignment.links import Gold
from mtattn.cli import app
from mtattn.corpus.loading import read_gold
from mtattn.corpus.pairs import Direction, Pair, evenly
from mtattn.errors import InputError
from mtattn.heads.alignment import row_links, word_maps
from mtattn.heads.card import COLUMNS, Scorecard
from mtattn.heads.record import HeadName, Reading
from mtattn.heads.samples import fits
from mtattn.heads.scorecard import best_aligner, find_links, make_scorecard
from mtattn.heads.views.scorecard import show, to_csv, to_json
from mtattn.run import RunFolder
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

TRANSLATION = {"El": "The", "negro": "black", "gato": "cat", "puede": "may", "dormir": "sleep"}
OUTPUT = list(TRANSLATION.values())


def quiet(name: str, total: int) -> Callable[[int], None]:
    return lambda n: None


@pytest.fixture(scope="module")
def gold() -> list[tuple[Pair, Gold]]:
    """Put the words that the cat model translates in many orders; it attends to each where it stands."""
    pairs = []
    for order in list(permutations(TRANSLATION))[::10]:
        links = frozenset((order.index(src), OUTPUT.index(tgt)) for src, tgt in TRANSLATION.items())
        pairs.append((Pair(" ".join(order), " ".join(OUTPUT)), Gold(links, links)))
    return pairs


@pytest.fixture(scope="module")
def of_cat(cat_model: Transformer, tokenizer: Tokenizer, gold: list[tuple[Pair, Gold]]) -> Scorecard:
    pairs = [pair for pair, _ in gold]
    return make_scorecard(cat_model, tokenizer, pairs, gold, n_translated=6, on_stage=quiet)


@pytest.fixture(scope="module")
def of_text(
    text_model: Transformer, tokenizer: Tokenizer, sentences: list[str], gold: list[tuple[Pair, Gold]]
) -> Scorecard:
    pairs = [Pair(src, tgt) for src, tgt in zip(sentences[::2], sentences[1::2], strict=True)]
    return make_scorecard(text_model, tokenizer, pairs, gold, n_translated=3, on_stage=quiet)


def test_a_model_that_aligns_by_hand_is_seen_to(of_cat: Scorecard) -> None:
    """Its cross-attention looks at what it translates; its other heads answer nothing."""
    cross, encoder, decoder = of_cat.heads
    assert (cross.head, cross.role) == (HeadName("cross", 1, 1), "aligner")
    assert (cross.aer, cross.precision, cross.recall) == (0, 1, 1)
    assert cross.aer_read is not None
    assert cross.aer_read > 0.5
    assert cross.confidence == pytest.approx(1, abs=0.02)
    assert cross.loss_lost is not None
    assert cross.bleu_lost is not None
    assert cross.loss_lost > 1
    assert cross.bleu_lost == pytest.approx(100)
    assert of_cat.bleu == pytest.approx(100)
    for other in (encoder, decoder):
        assert other.aer is None
        assert other.loss_lost == other.gradient == other.bleu_lost == other.bleu_low == other.bleu_high == 0
    best = of_cat.aligner
    assert best is not None
    assert (best.head, best.reading, best.chosen.aer, best.reported.aer) == (cross.head, "emitted", 0, 0)


def test_links_are_those_of_the_rows(
    text_model: Transformer, tokenizer: Tokenizer, gold: list[tuple[Pair, Gold]]
) -> None:
    pairs = [(pair.src, pair.tgt) for pair, _ in gold]
    found = find_links(text_model, tokenizer, [pair for pair, _ in gold], quiet("", 0))
    maps = dict(word_maps(text_model, tokenizer, pairs))
    words: dict[Reading, slice] = {"emitted": slice(0, -1), "read": slice(1, None)}
    for reading, rows in words.items():
        for n, place in ((0, (1, 1)), (6, (2, 3)), (-1, (None, None))):
            links = [sorted((int(s), t) for t, s in enumerate(of_pair[n])) for of_pair in found[reading]]
            weights = [maps[i][reading].select(*place).weights[rows, :-1] for i in range(len(pairs))]
            assert links == [row_links(of_pair) for of_pair in weights]
    assert [of_pair.shape for of_pair in found["read"]] == [(9, 5)] * len(pairs)
    assert any((a != b).any() for a, b in zip(*found.values(), strict=True))


def test_the_best_aligner_is_chosen_on_other_pairs_than_it_is_measured_on() -> None:
    """One head is right on every other pair from the first on and wrong on the rest, another nearly the reverse."""
    gold = [Gold(frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1)}))] * 7
    right, wrong, half = [0, 1], [1, 0], [0, 0]
    emitted = [np.array([right, half, half] if i % 2 == 0 else [wrong, right, half]) for i in range(7)]
    heads = [HeadName("cross", 1, 1), HeadName("cross", 1, 2)]
    best = best_aligner({"emitted": emitted, "read": [np.array([wrong] * 3)] * 7}, gold, heads)
    assert (best.head, best.reading) == (heads[0], "emitted")
    assert (best.n_chosen, best.n_reported) == (4, 3)
    assert (best.chosen.aer, best.reported.aer, best.of_mean.aer) == (0, 1, 0.5)
    turned = best_aligner({"emitted": [np.array([wrong] * 3)] * 7, "read": emitted}, gold, heads)
    assert (turned.head, turned.reading, turned.of_mean.aer) == (heads[0], "read", 1)


def test_gold_pairs_are_all_different_and_fit_both_directions() -> None:
    there, back = (read_gold(Direction.parse(direction), 60) for direction in ("es-en", "en-es"))
    assert len({one.pair for one in there}) == 60
    for one, other in zip(there, back, strict=True):
        assert (one.pair.src, one.pair.tgt) == (other.pair.tgt, other.pair.src)
        assert other.turned() == one
        assert one.sure
        assert {(t, s) for s, t in one.sure} == other.sure


def test_pairs_that_no_model_can_read_are_left_out(tokenizer: Tokenizer) -> None:
    assert fits(Pair("gato", "cat"), tokenizer, 5)
    assert not fits(Pair("gato", ""), tokenizer, 5)
    assert not fits(Pair("gato", "cat " * 5), tokenizer, 5)


@pytest.mark.parametrize(
    ("n", "expected"), [(0, []), (2, [0, 5]), (3, [0, 3, 6]), (10, [*range(10)]), (99, [*range(10)])]
)
def test_pairs_are_taken_evenly(n: int, expected: list[int]) -> None:
    pairs = [Pair(str(i), str(i)) for i in range(10)]
    assert evenly(pairs, n) == [pairs[i] for i in expected]


def every_number(value: object) -> Sequence[float]:
    if isinstance(value, dict):
        return [one for part in value.values() for one in every_number(part)]
    if isinstance(value, list):
        return [one for part in value for one in every_number(part)]
    return [value] if isinstance(value, int | float) else []


def test_json_has_every_head_and_finite_numbers(of_text: Scorecard, of_cat: Scorecard) -> None:
    for card in (of_text, of_cat, replace(of_text, agreement=math.nan, aligner=None, bleu=None)):
        found = json.loads(to_json(card, card.heads))
        assert all(map(math.isfinite, every_number(found)))
        assert [one["head"] for one in found["heads"]] == [str(one.head) for one in card.heads]
        assert {tuple(one) for one in found["heads"]} == {COLUMNS}
        assert found["roles"][0]["role"] == "aligner"
    assert found["agreement"] is None


def test_csv_has_one_row_a_head(of_text: Scorecard) -> None:
    rows = list(csv.DictReader(to_csv(of_text.sorted_by("loss_lost")).splitlines()))
    assert len(rows) == len(of_text.heads) == 24
    assert {row["head"] for row in rows} == {str(one.head) for one in of_text.heads}
    lost = [float(row["loss_lost"]) for row in rows]
    assert lost == sorted(lost, reverse=True)
    assert {row["aer"] == "" for row in rows if row["head"].startswith("encoder")} == {True}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_orders_the_heads(of_text: Scorecard, column: str) -> None:
    cards = of_text.sorted_by(column)
    assert {card.head for card in cards} == {card.head for card in of_text.heads}
    values = [getattr(card, column) for card in cards]
    known = [value for value in values if value is not None]
    assert values == known + [None] * (len(values) - len(known))
    if column != "head":
        assert known == sorted(known, reverse=column not in ("role", "aer", "aer_read"))


def test_a_column_that_is_not_there_is_refused(of_text: Scorecard) -> None:
    with pytest.raises(InputError, match="loss_lost"):
        of_text.sorted_by("loss")


@pytest.mark.parametrize("width", [60, 71, 80, 100, 133, 200])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(of_text: Scorecard, width: int) -> None:
    console = Console(width=width, highlight=False)
    with console.capture() as shown:
        for part in show(of_text, of_text.heads, width):
            console.print(part)
    lines = shown.get().split("\n")
    assert max(map(len, lines)) <= width
    assert "…" not in shown.get()
    first = of_text.heads[0]
    rows = [line.split() for line in lines if line.startswith("cross.1.1 ")]
    numbers = " ".join(" ".join(row[2:]) for row in rows)
    expected = [f"{100 * first.entropy:.0f}", f"{first.aer:.3f}", f"{first.recall_read:.3f}", f"{first.loss_lost:.4f}"]
    expected.append(f"{first.bleu_lost:.1f} [{first.bleu_low:.1f}, {first.bleu_high:.1f}]")
    assert all(one in numbers for one in expected)
    if width == 80:  # three tables, one of them of the cross-attention alone
        assert (len(rows), sum("encoder.2.4 " in line for line in lines)) == (3, 2)


def scorecard(run: Path, *options: object, status: int = 0) -> CliRunner:
    arguments = ["inspect-heads", "--run", run, "--scorecard", *options]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.stderr
    return result


class TestCommand:
    def test_it_takes_the_dev_part_and_the_gold_pairs(self, trained_run: RunFolder) -> None:
        result = scorecard(trained_run.path, "--ablation-pairs", 2, "--json")
        found = json.loads(result.stdout)
        assert found["n_pairs"] == len(trained_run.read_pairs("dev.tsv"))
        assert found["n_gold"] == 400
        assert found["n_translated"] == 2
        assert len(found["heads"]) == 40

    def test_data_of_ones_own_as_csv(self, trained_run: RunFolder, tmp_path: Path) -> None:
        pairs = tmp_path / "pairs.tsv"
        pairs.write_text("La casa es grande.\tThe house is big.\n" + "no " * 400 + "\tno\nEs pequeña.\tIt is small.\n")
        result = scorecard(trained_run.path, "--data", pairs, "--ablation-pairs", 0, "--sort", "aer", "--csv")
        rows = list(csv.DictReader(result.stdout.splitlines()))
        assert len(rows) == 40
        assert rows[0]["head"].startswith("cross")
        assert rows[0]["bleu_lost"] == ""
        assert "left out" in result.stderr

    def test_the_heads_listed_can_be_chosen(self, trained_run: RunFolder, tmp_path: Path) -> None:
        pairs = tmp_path / "pairs.tsv"
        pairs.write_text("Es pequeña.\tIt is small.\n")
        usual = ("--data", pairs, "--ablation-pairs", 0)

        def listed(*options: object) -> list[dict[str, object]]:
            rows: list[dict[str, object]] = json.loads(scorecard(trained_run.path, *usual, "--json", *options).stdout)[
                "heads"
            ]
            return rows

        rows = listed("--sort", "loss_lost")
        for options, pattern in (
            (("--kind", "encoder"), "encoder"),
            (("--layer", 2), r"\w+\.2\."),
            (("--kind", "cross", "--layer", 1, "--head", 3), r"cross\.1\.3$"),
        ):
            expected = [row for row in rows if re.match(pattern, str(row["head"]))]
            assert listed("--sort", "loss_lost", *options) == expected != []
        told = scorecard(trained_run.path, "--kind", "encoder", "--layer", 2, status=1).stderr
        assert "--kind encoder --layer 2: the model has no such head; it has cross.1.1 to cross.2.8, encoder" in told

    def test_what_does_not_go_together_is_wrong_usage(self, trained_run: RunFolder) -> None:
        scorecard(trained_run.path, "Hola.", status=2)
        scorecard(trained_run.path, "--mute", "cross.1.1", status=2)
        assert "loss_lost" in scorecard(trained_run.path, "--sort", "loss", status=1).stderr
        result = CliRunner().invoke(app, ["inspect-heads", "--csv", "Hola."])
        assert result.exit_code == 2
