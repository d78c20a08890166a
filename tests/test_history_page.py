"""The page of a history in a browser: its slider, its button, and what they change."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser
from head_records import HOSTILE, history, record
from test_html_view import Elements

from mtattn.heads.history import Frame, Probe
from mtattn.heads.views.html import history_to_html, to_html

CAT = ("El gato negro bebe leche", "The black cat drinks milk .")
FRAMES = history(CAT, ("uno dos", "one two three"))
OWN = history(CAT, forced=False)
EVIL = history((" ".join(HOSTILE), " ".join(reversed(HOSTILE))))


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """Open the page of FRAMES at cross.1.1."""
    path = tmp_path / "history.html"
    path.write_text(history_to_html(FRAMES, [0, 1], layer=1, head=1), encoding="utf-8")
    browser.resize(1280, 900)
    prefer_motion(browser, "no-preference")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    browser.open(path)
    yield browser
    prefer_motion(browser, "no-preference")
    assert browser.complaints == []
    assert len(browser.requests) == 1


def prefer_motion(browser: Browser, value: str) -> None:
    features = [{"name": "prefers-reduced-motion", "value": value}, {"name": "prefers-color-scheme", "value": "light"}]
    browser.call("Emulation.setEmulatedMedia", features=features)


def texts(page: Browser, selector: str) -> list[str]:
    return page.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")


def cells(page: Browser) -> list[list[str]]:
    rows = "[...document.querySelectorAll('#table tbody tr')]"
    return page.evaluate(f"{rows}.map((tr) => [...tr.cells].slice(1).map((cell) => cell.textContent))")


def percents(frame: Frame, layer: int, head: int, probe: int = 0) -> list[list[str]]:
    weights = frame.probes[probe].record.words["cross"].select(layer, head).weights
    return [[f"{int(100 * weight + 0.5)}" for weight in row] for row in weights]


def slide(page: Browser, to: int) -> None:
    page.evaluate(
        f"(() => {{ const slider = document.querySelector('#frame'); slider.value = {to};"
        "slider.dispatchEvent(new Event('input', { bubbles: true }));"
        "slider.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )


def test_the_slider_changes_maps_labels_and_measures(page):
    for i in (2, 0, 1):
        frame = FRAMES[i]
        slide(page, i)
        assert cells(page) == percents(frame, 1, 1)
        assert texts(page, "#step") == [f"step {frame.step}, BLEU {frame.bleu:.1f}"]
        assert texts(page, "#wrote bdi") == [frame.probes[0].translation]
        card = frame.heads[0]
        assert texts(page, "#numbers-title") == [f"cross.1.1 at this step: {card.role}"]
        numbers = dict(zip(texts(page, "#numbers th"), texts(page, "#numbers td:nth-child(2)"), strict=True))
        assert numbers["BLEU on dev"] == f"{frame.bleu:.1f}"
        assert numbers["alignment error rate, by the word written"] == f"{card.aer:.2f}"
        assert numbers["alignment error rate, by the word read"] == f"{card.aer_read:.2f}"
        assert numbers["entropy"] == f"{int(100 * card.entropy + 0.5)}%"
        roles = texts(page, "#heads [data-layer='2'] .role")
        assert roles == ["", *(one.role for one in frame.heads if one.head[:2] == ("cross", 2))]
        assert texts(page, "#roles tbody [aria-current]") == [
            one.role for one in frame.heads if one.head.kind == "cross"
        ]


def test_the_arrow_keys_turn_it_and_what_is_pinned_stays(page):
    page.click("#rows [data-row='2']")
    page.evaluate("document.querySelector('#frame').focus()")
    page.press("Home")
    weights = percents(FRAMES[0], 1, 1)[2]
    assert texts(page, "#step") == ["step 100, BLEU 0.0"]
    page.press("ArrowRight")
    assert texts(page, "#step") == ["step 200, BLEU 3.5"]
    page.press("ArrowLeft")
    assert texts(page, "#columns .share") == [f"{text}%" for text in weights]
    assert page.evaluate("document.activeElement.id") == "frame"
    assert page.evaluate("document.querySelector('#rows [data-row=\"2\"]').getAttribute('aria-pressed')") == "true"


def test_another_head_sentence_or_kind_is_seen_at_the_same_step(page):
    slide(page, 1)
    page.click("#roles [data-layer='2'][data-head='3'] th")
    assert cells(page) == percents(FRAMES[1], 2, 3)
    page.evaluate(
        "(() => { const list = document.querySelector('#sentence'); list.value = 1;"
        "list.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )
    assert cells(page) == percents(FRAMES[1], 2, 3, probe=1)
    assert texts(page, "#wrote bdi") == [FRAMES[1].probes[1].translation]
    page.click("label:has([value=decoder])")
    assert texts(page, "#step") == ["step 200, BLEU 3.5"]
    roles = [one.role for one in FRAMES[1].heads if one.head.kind == "decoder"]
    assert texts(page, "#roles tbody [aria-current]") == roles
    page.click("#heads [data-layer='1'][data-head='']")
    assert texts(page, "#numbers th") == ["BLEU on dev"]


def test_it_plays_from_the_beginning_to_the_end_and_pauses(page):
    page.evaluate(
        "window.seen = [];"
        "new MutationObserver(() => seen.push($('#step').textContent)).observe($('#step'), { childList: true })"
    )
    page.click("#play")
    assert texts(page, "#play") == ["Pause"]
    page.evaluate(
        "new Promise((done) => { const look = () => (playing ? requestAnimationFrame(look) : done()); look(); })"
    )
    assert page.evaluate("seen") == ["step 100, BLEU 0.0", "step 200, BLEU 3.5", "step 300, BLEU 7.0"]
    assert texts(page, "#play") == ["Play"]
    page.click("#play")
    page.click("#play")
    assert texts(page, "#play") == ["Play"]
    assert page.evaluate("playing") is None


def test_who_wants_no_motion_turns_a_page_with_each_press(page):
    prefer_motion(page, "reduce")
    page.settle()
    assert texts(page, "#play") == ["Next"]
    for step in ("100", "200", "300", "100"):
        page.click("#play")
        assert texts(page, "#step")[0].startswith(f"step {step},")
        assert page.evaluate("playing") is None


def test_a_screen_reader_finds_the_slider_with_its_step(page):
    slide(page, 1)
    slider = page.evaluate("document.querySelector('#frame').getAttribute('aria-valuetext')")
    assert slider == "step 200, BLEU 3.5"
    found = {(node["role"], node["name"]) for node in page.accessible()}
    assert ("slider", "Validation") in found
    assert ("button", "Play") in found
    assert ("table", "How the heads found their roles") in found
    assert any(role == "radio" and name.startswith(f"cross.1.1, {FRAMES[1].heads[0].role}: ") for role, name in found)


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_it_fits_every_window(page, width):
    page.resize(width, 800)
    for i in range(3):
        slide(page, i)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_output_that_changes_changes_the_rows(browser, tmp_path):
    path = tmp_path / "own.html"
    path.write_text(history_to_html(OWN, [0]), encoding="utf-8")
    browser.open(path)
    for i, frame in enumerate(OWN):
        slide(browser, i)
        assert texts(browser, "#rows .label") == list(frame.probes[0].record.words["cross"].rows)
    assert browser.complaints == []


def test_what_a_probe_says_changes_no_element_of_the_page(browser, tmp_path):
    page = history_to_html(EVIL, [0])
    calm, evil = Elements(history_to_html(FRAMES, [0])), Elements(page)
    assert evil.tags == calm.tags
    assert evil.attributes == calm.attributes
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u2029\u202a-\u202e]", page)
    (tmp_path / "evil.html").write_text(page, encoding="utf-8")
    browser.open(tmp_path / "evil.html")
    slide(browser, 0)
    assert texts(browser, "#wrote bdi") == [EVIL[0].probes[0].translation]
    assert browser.evaluate("document.querySelectorAll('script, img, iframe').length") == 2
    assert browser.complaints == []


def test_a_page_without_a_history_shows_no_slider(browser, tmp_path):
    path = tmp_path / "heads.html"
    path.write_text(to_html([[record(*CAT)]]), encoding="utf-8")
    browser.open(path)
    shown = "[...document.querySelectorAll('#training, #measures')].filter((one) => one.offsetParent).length"
    assert browser.evaluate(shown) == 0
    assert browser.complaints == []


def test_ten_validations_of_sixteen_heads_are_less_than_three_megabytes():
    frames = history(
        ("uno dos tres cuatro cinco seis siete ocho", "one two three four five six seven eight"), n=10, n_heads=8
    )
    assert len(history_to_html(frames, [0]).encode()) < 3e6
    smaller = [replace(frame, probes=(Probe(frame.probes[0].record, ""),)) for frame in frames]
    assert len(history_to_html(smaller, [0])) < len(history_to_html(frames, [0]))
