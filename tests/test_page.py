"""The page in a browser: what a hand, a finger, a key and a screen reader find there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser
from head_records import HOSTILE, record

from mtattn.heads.record import AttentionMap, HeadName
from mtattn.heads.views.colours import paper
from mtattn.heads.views.html import to_html

CAT = record("El gato negro bebe leche", "The black cat drinks milk .")
EVIL = record(" ".join(HOSTILE), " ".join(reversed(HOSTILE)), seed=1)
LONG = record(
    " ".join(f"palabra{n}" for n in range(30)), " ".join(f"word{n}" for n in range(28)), seed=2, n_layers=1, n_heads=2
)
HEBREW = record("הבית גדול", "The house is big", seed=3)
CROSS = CAT.words["cross"]


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """Open a page with four sentences, in a wide window."""
    path = tmp_path / "heads.html"
    path.write_text(to_html([[CAT], [EVIL], [LONG], [HEBREW]]), encoding="utf-8")
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    browser.open(path)
    yield browser
    assert browser.complaints == []
    assert browser.requests == [path.as_uri()]


def texts(page: Browser, selector: str) -> list[str]:
    return page.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")


def pick(page: Browser, name: str, value: object) -> None:
    """Choose as a hand does: the option of a list, or a button of a row."""
    if name == "sentence":
        page.evaluate(
            f"(() => {{ const list = document.querySelector('#sentence'); list.value = {value};"
            "list.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )
    else:
        page.click(f"label:has([name={name}][value={value}])")


def percents(weights) -> list[str]:
    return [f"{int(100 * weight + 0.5)}" for weight in weights]


def table(page: Browser) -> list[list[str]]:
    return page.evaluate(
        "[...document.querySelectorAll('#table tbody tr')].map((tr) => [...tr.cells].map((c) => c.textContent))"
    )


def expected_table(attention: AttentionMap, layer: int | None, head: int | None) -> list[list[str]]:
    hidden = (attention.weights == 0).all(axis=(0, 1))
    weights = attention.select(layer, head).weights
    return [
        [label, *("not seen" if hidden[t, s] else text for s, text in enumerate(percents(weights[t])))]
        for t, label in enumerate(attention.rows)
    ]


@pytest.mark.parametrize("unit", ["words", "pieces"])
@pytest.mark.parametrize("kind", ["cross", "encoder", "decoder"])
def test_the_table_shows_every_number_of_the_head_chosen(page, kind, unit):
    attention = (CAT.words if unit == "words" else CAT.pieces)[kind]
    pick(page, "kind", kind)
    pick(page, "unit", unit)
    assert texts(page, "#table thead th") == list(attention.columns)
    assert texts(page, "#columns .label") == list(attention.columns)
    assert texts(page, "#rows .label") == list(attention.rows)
    assert table(page) == expected_table(attention, None, None)
    for layer, head in ((1, 1), (2, 3)):
        page.click(f"#heads [data-layer='{layer}'][data-head='{head}']")
        assert table(page) == expected_table(attention, layer, head)
        assert texts(page, "#matrix-title") == [f"{kind}.{layer}.{head}"]
    page.click("#heads [data-layer='2'][data-head='']")
    assert table(page) == expected_table(attention, 2, None)


def test_pointing_at_an_output_word_lights_the_source_words_by_weight(page):
    page.hover("#rows [data-row='2']")
    weights = CROSS.select().weights[2]
    assert texts(page, "#columns .share") == [f"{text}%" for text in percents(weights)]
    colours = page.evaluate("[...document.querySelectorAll('#columns .word')].map((one) => one.style.backgroundColor)")
    assert colours == [f"rgb{paper(round(100 * float(w)) / 100)}" for w in weights]
    said = texts(page, "#said")[0]
    assert said.startswith(f"cat looks at {CROSS.columns[weights.argmax()]} {percents([weights.max()])[0]}%")
    page.hover("h1")
    assert set(texts(page, "#columns .share")) == {""}


def test_pointing_at_a_source_word_lights_the_output_words_that_look_at_it(page):
    page.hover("#columns [data-column='1']")
    weights = CROSS.select().weights[:, 1]
    assert texts(page, "#rows .share") == [f"{text}%" for text in percents(weights)]
    assert texts(page, "#said")[0].startswith(f"gato is looked at by {CROSS.rows[weights.argmax()]} ")
    assert page.evaluate("document.querySelectorAll('#links path').length") == (weights >= 0.03).sum()


def test_a_click_holds_a_word_while_heads_are_compared(page):
    page.click("#rows [data-row='1']")
    page.click("#heads [data-layer='2'][data-head='4']")
    weights = CROSS.select(2, 4).weights[1]
    assert texts(page, "#columns .share") == [f"{text}%" for text in percents(weights)]
    for layer in (1, 2):
        for head in range(1, 5):
            row = CROSS.select(layer, head).weights[1]
            note = texts(page, f"#heads [data-layer='{layer}'][data-head='{head}'] .note")
            assert note == [f"{CROSS.columns[row.argmax()]}{percents([row.max()])[0]}%"]
    assert page.evaluate("document.querySelector('#rows [data-row=\"1\"]').getAttribute('aria-pressed')") == "true"
    page.press("Escape")
    assert set(texts(page, "#columns .share")) == {""}


def test_one_word_can_be_seen_in_every_head(page):
    page.click("#rows [data-row='3']")
    pick(page, "view", "word")
    rows = table(page)
    assert len(rows) == 1 + 2 * (1 + 4)
    named = {row[0]: row[1:] for row in rows}
    assert named["cross.1.2"] == percents(CROSS.select(1, 2).weights[3])
    assert named["mean of all"] == percents(CROSS.select().weights[3])
    page.click("#table [data-layer='2'][data-head='1'] th")
    assert texts(page, "#pair-title") == ["Cross-attention: layer 2, head 1"]


def test_a_mean_leaves_muted_heads_out_and_says_so(page, tmp_path):
    names = frozenset(HeadName.parse(name) for name in ("cross.1.2", "cross.2.3"))
    muted = replace(CAT, words=CAT.words | {"cross": replace(CROSS, muted=names)})
    path = tmp_path / "heads.html"
    path.write_text(to_html([[muted]]), encoding="utf-8")
    page.open(path)
    attention = muted.words["cross"]
    for layer, head in ((None, None), (2, None), (2, 3), (2, 1)):
        page.click(f"#heads [data-layer='{layer or ''}'][data-head='{head or ''}']")
        assert table(page) == expected_table(attention, layer, head)
        assert texts(page, "#matrix-title") == [attention.select(layer, head).name]
    assert texts(page, "#heads .muted b") == ["1.2", "2.3"]
    labels = page.evaluate("[...document.querySelectorAll('#heads .muted')].map((one) => one.ariaLabel)")
    assert [label.partition(":")[0] for label in labels] == ["cross.1.2, muted", "cross.2.3, muted"]
    pick(page, "kind", "encoder")
    assert table(page) == expected_table(muted.words["encoder"], 2, 1)


def test_a_word_that_could_not_be_seen_is_shown_all_the_same(page, tmp_path):
    path = tmp_path / "heads.html"
    path.write_text(to_html([[record("q \u0303 \u200d", "one two")]]), encoding="utf-8")
    page.open(path)
    assert texts(page, "#columns .label") == ["q", "◌\u0303", "U+200D", "</s>"]
    assert texts(page, "#table thead th") == ["q", "◌\u0303", "U+200D", "</s>"]


def test_a_finger_does_what_a_hand_does(page):
    page.resize(360, 740, touch=True)
    page.tap("#rows [data-row='0']")
    weights = CROSS.select().weights[0]
    assert texts(page, "#columns .share") == [f"{text}%" for text in percents(weights)]
    page.tap("#heads [data-layer='1'][data-head='2']")
    assert texts(page, "#columns .share") == [f"{text}%" for text in percents(CROSS.select(1, 2).weights[0])]
    page.tap("#rows [data-row='0']")
    assert set(texts(page, "#columns .share")) == {""}


def focused(page: Browser) -> str:
    return page.evaluate("document.activeElement.closest('[id]').id + ':' + document.activeElement.textContent")


def test_everything_is_reached_and_done_by_keys(page):
    page.evaluate("document.querySelector('#sentence').focus()")
    stops = []
    for _ in range(8):
        page.press("Tab")
        stops.append(page.evaluate("document.activeElement.name || document.activeElement.closest('[id]')?.id"))
    assert stops == ["kind", "unit", "columns", "rows", "heads", "view", "table", None]

    page.evaluate("document.querySelector('#rows button').focus()")
    page.press("ArrowRight", "ArrowRight")
    assert focused(page) == "rows:cat"
    assert texts(page, "#columns .share") == [f"{text}%" for text in percents(CROSS.select().weights[2])]
    page.press("End", "ArrowRight")
    assert focused(page) == "rows:</s>"
    page.press("Home", "Enter")
    page.press("Tab")
    page.press("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp")
    assert texts(page, "#matrix-title") == ["cross.1.2"]
    assert texts(page, "#columns .share") == [f"{text}%" for text in percents(CROSS.select(1, 2).weights[0])]
    page.press("Tab", "Tab", "ArrowDown", "ArrowRight", "ArrowRight")
    assert page.evaluate("[document.activeElement.dataset.row, document.activeElement.dataset.column]") == ["1", "1"]
    share = percents([CROSS.select(1, 2).weights[1, 1]])[0]
    assert texts(page, "#said") == [f"black looks at gato with {share}% of its attention."]
    page.press("ArrowUp", "ArrowUp", "ArrowUp")
    assert focused(page) == "table:gato"


def test_the_arrows_follow_a_line_that_runs_from_right_to_left(page):
    pick(page, "sentence", 3)
    page.evaluate("document.querySelector('#columns button').focus()")
    boxes = page.evaluate(
        "[...document.querySelectorAll('#columns .word')].map((one) => one.getBoundingClientRect().x)"
    )
    assert boxes == sorted(boxes, reverse=True)
    page.press("ArrowLeft")
    assert focused(page) == "columns:גדול"


def test_sentences_are_chosen_and_what_they_say_stays_text(page):
    options = texts(page, "#sentence option")
    assert options == [f"\u2068{one.source}\u2069 → \u2068{one.target}\u2069" for one in (CAT, EVIL, LONG, HEBREW)]
    before = page.evaluate("document.querySelectorAll('script, img, iframe').length")
    pick(page, "sentence", 1)
    for kind in ("cross", "encoder", "decoder"):
        pick(page, "kind", kind)
        assert texts(page, "#columns .label") == list(EVIL.words[kind].columns)
        assert texts(page, "#table tbody th") == list(EVIL.words[kind].rows)
    for row in range(len(HOSTILE)):
        page.hover(f"#rows [data-row='{row}']")
        assert HOSTILE[::-1][row] in texts(page, "#said")[0]
    assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == before


@pytest.mark.parametrize("sentence", [0, 1, 2, 3])
def test_it_fits_every_window(page, sentence):
    pick(page, "sentence", sentence)
    for width in (360, 600, 1280, 1600):
        page.resize(width, 800)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        words = page.evaluate(
            "[...document.querySelectorAll('.word')].map((one) => one.getBoundingClientRect())"
            ".map((box) => [box.left, box.right])"
        )
        assert all(0 <= left < right <= width for left, right in words)


def test_the_dark_theme_has_its_own_colours(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    cell = "document.querySelector('#table td[data-row]').style.backgroundColor"
    weight = round(100 * float(CROSS.select().weights[0, 0])) / 100
    assert page.evaluate(cell) == f"rgb{paper(weight)}"
    page.prefer("dark")
    assert page.evaluate(colour) != light
    assert page.evaluate(cell) == f"rgb{paper(weight, 'dark')}"


def test_a_screen_reader_finds_the_words_the_heads_and_the_numbers(page):
    page.click("#rows [data-row='1']")
    found = {(node["role"], node["name"]) for node in page.accessible()}
    weights = CROSS.select().weights
    assert ("grid", "mean of all 2 × 4 heads of cross") in found
    assert {("columnheader", label) for label in CROSS.columns} <= found
    assert {("rowheader", label) for label in CROSS.rows} <= found
    assert ("gridcell", percents([weights[0, 0]])[0]) in found
    assert ("toolbar", "queries: output words") in found
    assert ("button", "black") in found
    assert ("button", f"{percents([weights[1, 0]])[0]}% El") in found or (
        "button",
        f"El {percents([weights[1, 0]])[0]}%",
    ) in found
    assert ("radiogroup", "All heads of cross-attention") in found
    row = CROSS.select(1, 1).weights[1]
    assert ("radio", f"cross.1.1: {CROSS.columns[row.argmax()]} {percents([row.max()])[0]}%") in found
