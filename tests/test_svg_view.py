"""The drawing: well-formed, complete, legible without colour, and alone."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from head_records import HOSTILE, record

from mtattn.errors import InputError
from mtattn.heads.record import KINDS, HeadRecord, Untouched
from mtattn.heads.views.colours import css, paper
from mtattn.heads.views.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
CAT = record("El gato negro bebe leche", "The black cat drinks milk .")
EVIL = record(" ".join((*HOSTILE, "\ufffe\uffff\ud800")), "日本語 שלום e\u0301 👩‍👩‍👧", seed=1)


def drawn(one: HeadRecord, **choice: object) -> ElementTree.Element:
    return ElementTree.fromstring(to_svg(one, **choice).encode())


def cells(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == "cell"]


@pytest.mark.parametrize("one", [CAT, EVIL])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("subwords", [False, True])
def test_each_weight_has_one_cell_in_its_colour(one, kind, subwords):
    attention = (one.pieces if subwords else one.words)[kind]
    weights = attention.select(2, 3).weights
    found = cells(drawn(one, kind=kind, subwords=subwords, layer=2, head=3))
    assert [cell.get("fill") for cell in found] == [css(paper(float(weight))) for weight in weights.flat]
    places = {(cell.get("x"), cell.get("y")) for cell in found}
    assert len(places) == weights.size


def test_without_a_head_named_the_mean_and_every_head_are_drawn():
    attention = CAT.words["cross"]
    n_maps = 1 + attention.n_layers * attention.n_heads
    svg = drawn(CAT)
    assert len(cells(svg)) == n_maps * len(attention.rows) * len(attention.columns)
    texts = {text.text for text in svg.iter(f"{SVG}text")}
    assert {"cross.1.1", "cross.2.4", "mean of all 2 × 4 heads of cross"} <= texts


@pytest.mark.parametrize("n_words", [1, 5, 40])
def test_the_pair_stands_above_the_map_in_lines_that_fit(n_words):
    source, target = (" ".join(f"{word}{n}" for n in range(n_words)) for word in ("palabra", "word"))
    one = replace(record(source, target), forced=True, untouched=Untouched({"mute": ["cross.1.1"]}, "x", -1.0, -2.0))
    for choice in ({}, {"layer": 1, "head": 2, "kind": "encoder"}):
        svg = drawn(one, **choice)
        lines = [text.text for text in svg.iter(f"{SVG}text")]
        shown = " ".join(lines)
        assert shown.startswith(f"{source} → {target} (given) heads switched: mute cross.1.1 ")
        width = float(svg.get("width"))
        n_pair_lines = next(i for i, line in enumerate(lines) if line.startswith("heads switched"))
        assert all(7 * len(line) <= width for line in lines[:n_pair_lines])
        assert (n_pair_lines > 2) == (n_words == 40)


def test_labels_and_numbers_are_text():
    attention = CAT.words["cross"]
    svg = drawn(CAT, layer=1)
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert all(texts.count(label) >= 1 for label in attention.rows + attention.columns)
    numbers = [int(text) for text in texts if text.isdecimal()]
    assert numbers == [n for weight in attention.select(1).weights.flat if (n := round(100 * float(weight)))]


def test_it_is_named_and_described_for_those_who_do_not_see_it():
    svg = drawn(CAT, layer=2, head=1)
    assert svg.get("role") == "img"
    title, description = svg[0], svg[1]
    assert title.tag == f"{SVG}title"
    assert title.text == f"{CAT.source} → {CAT.target}: cross.2.1"
    assert description.tag == f"{SVG}desc"
    assert all(f"{row} looks most at " in description.text for row in CAT.words["cross"].rows)


@pytest.mark.parametrize("one", [CAT, EVIL])
def test_it_has_nothing_that_runs_and_leads_nowhere(one):
    text = to_svg(one)
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(text.encode()).iter()}
    assert tags == {"svg", "title", "desc", "rect", "g", "text"}
    assert re.findall(r"https?:[^\"'\s]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u2029\u202a-\u202e\ufffe\uffff]", text)


@pytest.mark.parametrize("one", [CAT, EVIL])
def test_everything_is_within_the_drawing(one):
    svg = drawn(one)
    _, _, width, height = map(float, svg.get("viewBox").split())

    def places(element: ElementTree.Element, x: float, y: float):
        moved = re.match(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        x, y = (x + float(moved[1]), y + float(moved[2])) if moved else (x, y)
        if element.get("class") == "cell":
            yield x + float(element.get("x")), y + float(element.get("y"))
            yield x + float(element.get("x")) + float(element.get("width")), y
        for child in element:
            yield from places(child, x, y)

    for x, y in places(svg, 0, 0):
        assert 0 <= x <= width
        assert 0 <= y <= height


def test_a_head_that_is_not_there_is_told():
    with pytest.raises(InputError, match="there is no layer 3"):
        to_svg(CAT, layer=3)
