"""`--why` and `--explain` as they are drawn and as JSON, in both languages."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from rich.cells import cell_len

from mtattn.cli.inspect_heads.wording import EXPLAIN, WHY
from mtattn.heads.attribution import attribute
from mtattn.heads.microscope import look
from mtattn.heads.record import KINDS, HeadName, Kind
from mtattn.heads.row import MEASURES, Attribution, RowInHead
from mtattn.heads.views.attribution import attribution_json, show_attribution
from mtattn.heads.views.cells import bar, columns, decimal
from mtattn.heads.views.microscope import row_json, show_row
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

SOURCE, TARGET = "¿Dónde está el gato?", "Where's the penguin?"
LONG = "¿Dónde está el gato negro de Ella, que no come carne desde hace años?"
WIDTHS = [60, 72, 80, 100, 120]
LANGUAGES = ["en", "es"]


@pytest.fixture(scope="module")
def row_of(text_model: Transformer, tokenizer: Tokenizer) -> Callable[..., RowInHead]:
    def make(source: str, kind: Kind = "cross", row: int = 3, head: int = 2, among: int = 8) -> RowInHead:
        ids = tokenizer.encode(source)[:31], tokenizer.encode(TARGET)
        return look(text_model, tokenizer, *ids, HeadName(kind, 2, head), row, n_considered=among, forced=True)

    return make


@pytest.fixture(scope="module")
def attribution(text_model: Transformer, tokenizer: Tokenizer) -> Attribution:
    return attribute(text_model, tokenizer, tokenizer.encode(SOURCE), tokenizer.encode(TARGET), 2, forced=True)


def number(shown: str) -> float:
    return float(shown.replace("−", "-").replace("∞", "inf"))


def table(lines: list[str], begins: str) -> list[list[str]]:
    """Cut the table whose heading begins so into cells: a line each, bars left out."""
    start = next(i for i, line in enumerate(lines) if line.lstrip().startswith(f"{begins} "))
    found = []
    for line in lines[start + 1 :]:
        found.append([cell for cell in line.split() if not re.fullmatch("[▏▎▍▌▋▊▉█]+", cell)])
        if found[-1][0] in ("Σ", "head_i"):
            return found
    raise AssertionError("the table has no sum")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", [SOURCE, LONG])
def test_the_shown_numbers_give_the_next_step(
    row_of: Callable[..., RowInHead], source: str, kind: Kind, language: str, width: int
) -> None:
    """Recompute each step from the digits of the step before, as a reader with a calculator would."""
    shown = row_of(source, kind)
    lines = [line.plain for line in show_row(shown, EXPLAIN[language], width)]
    root = number(re.search(r"√d_k = ([\d.]+)", "\n".join(lines).replace("\xa0", " "))[1])
    query = [number(q) for q in re.search(r"q = \((.*?)\)", "\n".join(lines))[1].replace(", …", "").split(", ")]
    n = len(query)

    *keys, sums = table(lines, "k₁")
    single = [cells for cells in keys if len(cells) == n + 6]  # not the others, put together
    assert len(single) >= len(keys) - 1
    for cells in single:
        *key, rest, product, score, exp, weight = map(number, cells[1:])
        recombined = sum(q * k for q, k in zip(query, key, strict=True)) + rest
        slack = 0.005 * sum(abs(q) + abs(k) + 1 for q, k in zip(query, key, strict=True)) + 0.011
        assert product == pytest.approx(recombined, abs=slack)
        if math.isinf(score):
            assert (exp, weight) == (0, 0)
        else:
            assert score == pytest.approx(product / root, abs=0.011)
            assert exp == pytest.approx(math.exp(score), abs=0.0051 + 0.0051 * math.exp(score))
    total, whole = number(sums[1]), number(sums[2])
    assert whole == 1
    exps, weights = ([number(cells[place]) for cells in keys] for place in (-2, -1))
    assert total == pytest.approx(sum(exps), abs=0.006 * len(keys), rel=1e-3)
    for exp, weight in zip(exps, weights, strict=True):
        assert weight == pytest.approx(exp / total, abs=0.0005 + 0.006 / total)

    *values, answer = table(lines, "α")
    assert [number(cells[-n - 2]) for cells in values] == weights
    for c in range(n):
        mixed = sum(weight * number(cells[-n - 1 + c]) for weight, cells in zip(weights, values, strict=True))
        slack = 0.011 + 0.0005 * sum(abs(number(cells[-n - 1 + c])) for cells in values)
        assert number(answer[-n - 1 + c]) == pytest.approx(mixed, abs=slack)

    this, others, together = ([number(cell) for cell in re.split(" +", line)[-n - 2 :]] for line in lines[-3:])
    for c in [*range(n), n + 1]:  # the components and the share; lengths do not add up
        assert together[c] == pytest.approx(this[c] + others[c], abs=0.016)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", [SOURCE, LONG])
def test_a_class_can_read_it_from_the_wall(
    row_of: Callable[..., RowInHead], attribution: Attribution, source: str, language: str, width: int
) -> None:
    for kind in KINDS:
        lines = [line.plain for line in show_row(row_of(source, kind), EXPLAIN[language], width)]
        assert max(map(cell_len, lines)) <= width
        assert len(lines) <= (45 if width >= 80 else 52)
    lines = [line.plain for line in show_attribution(attribution, WHY[language], width)]
    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= 40


@pytest.mark.parametrize("width", [1, 20, 40])
def test_a_terminal_that_is_too_narrow_is_no_error(
    row_of: Callable[..., RowInHead], attribution: Attribution, width: int
) -> None:
    assert list(show_row(row_of(SOURCE), EXPLAIN["es"], width))
    assert list(show_attribution(attribution, WHY["es"], width))


def test_more_width_shows_more_components(row_of: Callable[..., RowInHead]) -> None:
    shown = row_of(SOURCE, head=1)
    headings = ["\n".join(line.plain for line in show_row(shown, EXPLAIN["en"], width)) for width in (50, 120)]
    assert [text.count("k₄") for text in headings] == [0, 2]


def test_of_many_keys_the_strongest_are_shown_in_their_order(row_of: Callable[..., RowInHead]) -> None:
    shown = row_of(LONG)
    lines = [line.plain for line in show_row(shown, EXPLAIN["en"], 100)]
    *keys, others, _ = table(lines, "k₁")
    strongest = sorted(np.argsort(-shown.weights)[: len(keys)])
    assert [cells[0] for cells in keys] == [shown.columns[j] for j in strongest]
    n_others = len(shown.columns) - len(keys)
    assert others[:2] == [str(n_others), "others"]
    assert number(others[-1]) == pytest.approx(np.sort(shown.weights)[:n_others].sum(), abs=0.0005)


def test_the_head_the_row_and_the_words_are_named(row_of: Callable[..., RowInHead]) -> None:
    def text(shown: RowInHead) -> str:
        return " ".join(line.plain for line in show_row(shown, EXPLAIN["en"], 200))

    chosen, named = text(row_of(SOURCE)), text(row_of(SOURCE, among=1))
    assert "Head cross.2.2, of 8 heads the one" in chosen
    assert "Head cross.2.2, as named." in named
    shown = row_of(SOURCE)
    assert len(shown.word_pieces) > 1
    assert f"Row {shown.row}, piece " in chosen
    assert f"of the word “{shown.word}” ({' '.join(shown.word_pieces)})" in chosen
    assert f"has just read {shown.reads}." in chosen
    pieces = [piece for piece, word in zip(shown.columns, shown.column_words, strict=True) if word == "está"]
    assert len(pieces) > 1
    assert f"{' '.join(pieces)} = está" in chosen
    assert "Masked: none" in chosen
    decoder = row_of(SOURCE, "decoder")
    assert f"Masked (s = −∞, α = 0): {len(decoder.columns) - 4}," in text(decoder)
    assert "the end of the sentence" in text(row_of(SOURCE, row=len(decoder.columns) - 1))
    assert "emitted" not in text(row_of(SOURCE, "encoder")).partition("head_i =")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_four_measures_stand_side_by_side(attribution: Attribution, language: str) -> None:
    wording = WHY[language]
    lines = [line.plain for line in show_attribution(attribution, wording, 100)]
    assert lines[0].startswith(f"{SOURCE} → {TARGET} (")
    start = next(i for i, line in enumerate(lines) if line.split() == " ".join(wording.names.values()).split())
    rows = [re.sub("[▏▎▍▌▋▊▉█]", "", line).split() for line in lines[start + 2 :][: len(attribution.columns)]]
    for t, (label, *cells) in enumerate(rows):
        assert label == attribution.columns[t]
        for measure, cell in zip(MEASURES, cells, strict=True):
            values = attribution.of(measure)
            if measure != "leave_one_out":
                assert number(cell) == pytest.approx(100 * values[t] / values.sum(), abs=0.5)
            elif t < len(values):
                assert number(cell) == pytest.approx(values[t], abs=0.005)
            else:
                assert cell == "–"
    text = " ".join(" ".join(lines).replace("\xa0", " ").split())
    for tau in attribution.agreement().values():
        assert decimal(tau) in text
    for told in ("‖Σ α x W^V W^O‖", "Jain", "Wallace", "Wiegreffe", "Pinter", "Kobayashi", "2 × 4"):
        assert told in text
    attention, lost = attribution.attention[:-1], attribution.leave_one_out
    for first in (attention, lost):
        assert attribution.columns[int(first.argmax())] in text.partition("Wiegreffe")[2]


def test_the_heads_of_the_attention_are_named(text_model: Transformer, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(SOURCE), tokenizer.encode(TARGET)
    for (layer, head), expected in {
        (None, None): "the mean of all 2 × 4 heads of cross",
        (2, None): "the mean of the 4 heads of cross.2",
        (None, 3): "the mean of head 3 over the 2 layers of cross",
        (1, 4): "head cross.1.4",
    }.items():
        found = attribute(text_model, tokenizer, *ids, 0, layer=layer, head=head, forced=True)
        assert WHY["en"].heads(found) == expected


def test_a_source_of_one_word_has_no_order(text_model: Transformer, tokenizer: Tokenizer) -> None:
    for source in ("gato", ""):
        found = attribute(text_model, tokenizer, tokenizer.encode(source), [], 0, forced=False)
        lines = [line.plain for line in show_attribution(found, WHY["en"])]
        assert sum(line.count("–") for line in lines) == 7
        assert set(found.agreement().values()) == {None}
        assert json.loads(attribution_json(found))["agreement"][0]["tau"] is None


def finite_numbers(value: object) -> int:
    if isinstance(value, list | dict):
        return sum(map(finite_numbers, value.values() if isinstance(value, dict) else value))
    if isinstance(value, float):
        assert math.isfinite(value)
    return int(isinstance(value, float))


def test_json_has_every_number_in_full(row_of: Callable[..., RowInHead], attribution: Attribution) -> None:
    found = json.loads(attribution_json(attribution))
    assert finite_numbers(found) > 20
    for measure in MEASURES:
        assert len(found[measure]) == len(found["columns"])
        assert found[measure][: len(attribution.of(measure))] == attribution.of(measure).tolist()
    assert found["leave_one_out"][-1] is None
    assert [pair["tau"] for pair in found["agreement"]] == list(attribution.agreement().values())
    for kind in KINDS:
        shown = row_of(LONG, kind)
        told = json.loads(row_json(shown))
        assert finite_numbers(told) > 100
        assert told["head"] == str(shown.head)
        for name in ("query", "keys", "values", "products", "weights", "answer", "output", "total"):
            np.testing.assert_array_equal(told[name], getattr(shown, name))
        seen = [score is not None for score in told["scores"]]
        assert seen == told["may_attend"] == shown.may_attend.tolist()


def placeholders(sentence: object) -> object:
    if isinstance(sentence, str):
        return sorted(re.findall(r"\{(\w+)\}", sentence))
    return {key: placeholders(one) for key, one in sentence.items()}


@pytest.mark.parametrize("wordings", [WHY, EXPLAIN])
def test_both_languages_say_the_same_steps(wordings: dict) -> None:
    english, spanish = wordings["en"], wordings["es"]
    for field in fields(english):
        one, other = getattr(english, field.name), getattr(spanish, field.name)
        assert placeholders(one) == placeholders(other), field.name
        for sentence in [other] if isinstance(other, str) else other.values():
            assert '"' not in sentence
            assert "“" not in sentence
            assert sentence.count("«") == sentence.count("»")
            assert ("?" in sentence) == ("¿" in sentence)


def test_the_query_asks_the_key_finds_and_the_value_answers() -> None:
    for kind in KINDS:
        en, es = EXPLAIN["en"], EXPLAIN["es"]
        assert "asks about" in en.query[kind]
        assert "pregunta por" in es.query[kind]
        assert "the label by which" in en.key[kind]
        assert "la etiqueta por la que" in es.key[kind]
        assert "carries into" in en.value[kind]
        assert "aporta a" in es.value[kind]


def test_bars_are_shares_of_their_room() -> None:
    assert [cell_len(bar(share, 8)) for share in (-1, 0, 0.5, 1, 2)] == [0, 0, 4, 8, 8]
    assert bar(0.51, 1) == "▌"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    lines = columns([["", "α", "long"], ["日本", "−1.00", "2"]])
    assert {cell_len(line) for line in lines} == {4 + 2 + 5 + 2 + 4}
