"""The page as a file: what is in it, and that nothing of it leads elsewhere."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from head_records import HOSTILE, record

from mtattn.errors import InputError
from mtattn.heads.record import KINDS
from mtattn.heads.views.colours import THEMES, contrast, ink, luminance, paper
from mtattn.heads.views.html import to_html

CAT = record("El gato negro bebe leche", "The black cat drinks milk .")
EVIL = record(" ".join(HOSTILE), " ".join(reversed(HOSTILE)), seed=1)


class Elements(HTMLParser):
    """Reads a page as a browser does: its elements with their attributes, and the text of its data."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.data = ""
        self._in_data = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._in_data = ("id", "data") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._in_data = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data


@pytest.mark.parametrize("one", [CAT, EVIL])
def test_the_page_holds_the_record_label_for_label_and_number_for_number(one):
    (found,) = json.loads(Elements(to_html([[one]])).data)["sentences"][0]
    assert (found["source"], found["target"], found["forced"]) == (one.source, one.target, one.forced)
    for unit, maps in (("words", one.words), ("pieces", one.pieces)):
        for kind in KINDS:
            assert found[unit][kind]["rows"] == list(maps[kind].rows)
            assert found[unit][kind]["columns"] == list(maps[kind].columns)
            assert found[unit][kind]["weights"] == maps[kind].weights.round(6).tolist()


def test_sentences_stay_in_order():
    data = json.loads(Elements(to_html([[EVIL], [CAT], [EVIL]])).data)
    assert [one["source"] for (one,) in data["sentences"]] == [EVIL.source, CAT.source, EVIL.source]


def test_what_a_sentence_says_changes_no_element_of_the_page():
    calm, evil = Elements(to_html([[CAT]])), Elements(to_html([[EVIL]]))
    assert evil.tags == calm.tags
    assert evil.attributes == calm.attributes
    page = to_html([[EVIL]])
    data = page[page.index('id="data">') :]
    assert "<img" not in data
    assert "<!--" not in data
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u2029\u202a-\u202e]", page)


def test_nothing_in_the_page_leads_elsewhere():
    page = to_html([[CAT]])
    assert re.findall(r"https?:[^\"'\s]*|//\w+\.\w+", page) == ["http://www.w3.org/2000/svg"]  # a name, no address
    elements = Elements(page)
    assert not {"link", "img", "iframe", "object", "base"} & set(elements.tags)
    assert not {"src", "href", "action", "srcset"} & {name for name, _ in elements.attributes}
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|innerHTML|eval\(", page)
    (policy,) = [value for name, value in elements.attributes if name == "content" and "default-src" in str(value)]
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in str(policy)


def test_the_page_begins_with_what_was_chosen():
    page = to_html([[CAT]], kind="decoder", layer=2, head=4, subwords=True)
    start = json.loads(Elements(page).data)["start"]
    assert start == {"kind": "decoder", "layer": 2, "head": 4, "unit": "pieces"}
    with pytest.raises(InputError, match="there is no head 5"):
        to_html([[CAT]], head=5)


@pytest.mark.parametrize("theme", THEMES)
def test_more_weight_is_farther_from_the_paper_and_its_number_is_legible(theme):
    colours = [paper(n / 100, theme) for n in range(101)]
    lightness = [luminance(colour) for colour in colours]
    assert lightness == sorted(lightness, reverse=theme == "light")
    assert all(contrast(one, other) > 1 for one, other in pairwise(colours))
    assert min(contrast(colour, ink(colour)) for colour in colours) >= 4.5  # WCAG 2.2, level AA
