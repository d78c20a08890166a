import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from mtattn.errors import InputError
from mtattn.heads.capture import capture
from mtattn.heads.record import KINDS, AttentionMap, HeadRecord, Kind, Selection
from mtattn.heads.views.terminal import heat_map, show, strongest
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

SOURCE = "¿Dónde está el gato negro de Ella, que no come carne?"
TARGET = "Where's the black cat of my sister?"
WIDTHS = [60, 61, 80, 100, 133, 200]
WORDS = st.text(st.sampled_from("abcñé日本語😀ｆ한'"), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def record(text_model: Transformer, tokenizer: Tokenizer) -> HeadRecord:
    return capture(text_model, tokenizer, tokenizer.encode(SOURCE), tokenizer.encode(TARGET), forced=True)


def selection(rows: list[str], columns: list[str], seed: int = 0) -> Selection:
    """Draw a selection with weights of all sizes."""
    weights = np.random.default_rng(seed).dirichlet(np.full(len(columns) + 1, 0.4), size=len(rows) + 1)
    return Selection("cross.1.1", (*rows, "</s>"), (*columns, "</s>"), weights)


def blocks(chosen: Selection, width: int) -> list[list[str]]:
    """Give the heat map's lines, block by block: a heading and a line a row."""
    found: list[list[str]] = [[]]
    for line in heat_map(chosen, width):
        if not line.plain:
            found.append([])
        elif not re.match(r"columns? \d", line.plain):
            found[-1].append(line.plain)
    return found


def percentages(line: str, label: str) -> list[int]:
    """Read the numbers behind a row's label."""
    return [0 if shown == "·" else int(shown) for shown in re.findall(r"·|\d+", line[len(label) :])]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subwords", [False, True])
def test_every_label_stands_in_the_text(record: HeadRecord, kind: Kind, width: int, subwords: bool) -> None:
    shown = "\n".join(line.plain for line in show(record, kind=kind, width=width, subwords=subwords))
    attention = (record.pieces if subwords else record.words)[kind]
    for label in attention.rows + attention.columns:
        assert label in shown
    assert record.source in shown
    assert record.target in shown
    assert "(given)" in shown


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subwords", [False, True])
def test_the_heat_map_keeps_to_the_width(record: HeadRecord, kind: Kind, width: int, subwords: bool) -> None:
    chosen = (record.pieces if subwords else record.words)[kind].select()
    for line in heat_map(chosen, width):
        assert cell_len(line.plain) <= width


@given(
    rows=st.lists(WORDS, max_size=5),
    columns=st.lists(WORDS, max_size=20),
    width=st.integers(60, 200),
    seed=st.integers(0, 99),
)
def test_columns_stand_under_their_headings_however_wide_their_characters(
    rows: list[str], columns: list[str], width: int, seed: int
) -> None:
    chosen = selection(rows, columns, seed)
    found = blocks(chosen, width)
    for block in found:
        assert len(block) == len(chosen.rows) + 1
        assert {cell_len(line) for line in block} == {cell_len(block[0])}
        assert cell_len(block[0]) <= width


@given(
    columns=st.lists(st.sampled_from(["gato", "日本", "de", "😀", "otorrino"]), max_size=30), width=st.integers(60, 200)
)
def test_every_column_is_drawn_once_in_order(columns: list[str], width: int) -> None:
    chosen = selection(["a", "b"], columns)
    headings = [label for block in blocks(chosen, width) for label in block[0].split()]
    assert headings == [*columns, "</s>"]


@given(n_columns=st.integers(0, 40), width=st.integers(60, 200))
def test_where_columns_are_folded_each_block_says_which_it_shows(n_columns: int, width: int) -> None:
    chosen = selection(["a"], ["gato"] * n_columns)
    n_blocks = len(blocks(chosen, width))
    told = [line.plain for line in heat_map(chosen, width) if line.plain.startswith("column")]
    assert len(told) == (n_blocks if n_blocks > 1 else 0)
    numbers = [list(map(int, re.findall(r"\d+", line))) for line in told]
    assert all(total == n_columns + 1 for *_, total in numbers)
    shown = [column for first, *last, _ in numbers for column in range(first, (last or [first])[0] + 1)]
    assert shown == list(range(1, n_columns + 2 if told else 1))


@given(rows=st.lists(st.sampled_from(["שלום", "مرحبا", "cat"]), min_size=1, max_size=4), width=st.integers(60, 120))
def test_text_that_runs_from_right_to_left_turns_nothing_else_around(rows: list[str], width: int) -> None:
    chosen = selection(rows, rows)
    for block in blocks(chosen, width):
        assert len({cell_len(line) for line in block}) == 1
        for label in re.findall("[\u0590-\u06ff]+", "".join(block)):
            assert f"\u200e{label}\u200e" in "".join(block)


@pytest.mark.parametrize(("label", "shown"), [("\u0303", "◌\u0303"), ("\u200d", "U+200D"), ("▁", "▁")])
def test_a_word_that_could_not_be_seen_is_shown_all_the_same(label: str, shown: str) -> None:
    chosen = selection([label, "gato"], ["a", label])
    for block in blocks(chosen, 60):
        assert len({cell_len(line) for line in block}) == 1
    lines = [line.plain for line in (*heat_map(chosen, 60), *strongest(chosen, "cross"))]
    assert sum(line.startswith(shown) for line in lines) == 2
    assert lines[0].split() == ["a", shown, "</s>"]


def test_columns_use_the_width_there_is() -> None:
    chosen = selection(["a"], ["gato"] * 30)
    assert len(blocks(chosen, 200)) == 1
    assert 1 < len(blocks(chosen, 100)) < len(blocks(chosen, 60))


@given(
    n_columns=st.integers(0, 25),
    width=st.integers(60, 200),
    seed=st.integers(0, 999),
)
def test_the_percentages_are_the_weights_and_a_row_sums_to_100(n_columns: int, width: int, seed: int) -> None:
    rows = ["uno", "dos", "tres"]
    chosen = selection(rows, ["gato"] * n_columns, seed)
    found = blocks(chosen, width)
    for t, label in enumerate((*rows, "</s>")):
        numbers = [n for block in found for n in percentages(block[t + 1], label)]
        assert numbers == pytest.approx(100 * chosen.weights[t], abs=0.5 + 1e-9)
        assert abs(sum(numbers) - 100) <= (n_columns + 1) / 2


def test_more_weight_is_a_darker_shade() -> None:
    weights = np.array([[0.05, 0.15, 0.8], [0.996, 0.004, 0.0]])
    chosen = Selection("cross.1.1", ("a", "</s>"), ("x", "y", "</s>"), weights)
    (block,) = blocks(chosen, 80)
    shades = " ░▒▓█"
    first = re.findall(r"([ ░▒▓█]) *(\d+)", block[1])
    assert [int(number) for _, number in first] == [5, 15, 80]
    assert [shades.index(shade) for shade, _ in first] == sorted(shades.index(shade) for shade, _ in first)
    assert "█100" in block[2]
    assert block[2].count("·") == 1  # not where nothing may be seen


def test_where_there_is_colour_no_shade_is_seen_beside_it() -> None:
    for line in heat_map(selection(["a"], ["x", "y"]), 80):
        for place, character in enumerate(line.plain):
            style = line.get_style_at_offset(Console(), place)
            if character in "░▒▓█":
                assert style.bgcolor
                assert style.color == style.bgcolor
            elif style.bgcolor and character.isdecimal():
                assert style.color != style.bgcolor


def test_the_end_of_the_sentence_has_a_column_of_its_own() -> None:
    weights = np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    chosen = Selection("cross.1.1", ("cat", "</s>"), ("El", "gato", "</s>"), weights)
    heading, first, last = (line.plain for line in strongest(chosen, "cross"))
    assert heading.split()[:3] == ["output", "word", "</s>"]
    assert re.split(r" {2,}", first) == ["cat", "70%", "gato 20%", "El 10%"]
    assert re.split(r" {2,}", last) == ["</s>", "10%", "El 50%", "gato 40%"]


@given(columns=st.lists(WORDS.filter(lambda word: len(word) < 9), max_size=12), seed=st.integers(0, 99))
def test_the_strongest_words_come_first_and_never_the_special_token(columns: list[str], seed: int) -> None:
    chosen = selection(["uno", "dos"], columns, seed)
    _, *lines = (line.plain for line in strongest(chosen, "cross"))
    assert len(lines) == 3
    for line, weights in zip(lines, chosen.weights, strict=True):
        label, sink, *told = re.split(r" {2,}", line)
        assert label in chosen.rows
        assert sink == f"{weights[-1]:.0%}"
        named = [text.rpartition(" ") for text in told]
        expected = np.sort(weights[:-1])[::-1][: len(told)]
        assert [share for _, _, share in named] == [f"{weight:.0%}" for weight in expected]
        assert 1 <= len(told) <= 3 or not columns
        assert all(word in columns for word, _, _ in named)


def test_a_head_is_named_in_the_heading(record: HeadRecord) -> None:
    lines = [line.plain for line in show(record, layer=2, head=3)]
    assert lines[0] == f"{SOURCE} → {TARGET} (given)"
    assert lines[1].startswith("cross.2.3, between words;")
    assert [line.plain for line in show(record)][1].startswith("mean of all 2 × 4 heads of cross, between words")
    assert "between pieces" in [line.plain for line in show(record, subwords=True)][1]
    with pytest.raises(InputError, match="there is no head 5"):
        list(show(record, head=5))


def test_an_empty_output_can_be_shown(text_model: Transformer, tokenizer: Tokenizer) -> None:
    record = capture(text_model, tokenizer, tokenizer.encode("Hola"), [], forced=False)
    for kind in KINDS:
        lines = [line.plain for line in show(record, kind=kind)]
        assert any("</s>" in line for line in lines)
        assert "(given)" not in lines[0]


def test_different_heads_are_shown_differently() -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 2, 2))
    attention = AttentionMap("cross", ("a", "</s>"), ("x", "y", "</s>"), weights)
    record = HeadRecord("x y", "a", False, {"cross": attention}, {"cross": attention})
    shown = {
        tuple(line.plain for line in show(record, layer=layer, head=head))[3:] for layer in (1, 2) for head in (1, 2)
    }
    assert len(shown) == 4
