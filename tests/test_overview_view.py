"""All heads in a terminal at one glance."""

import re

import pytest
from head_records import record
from rich.cells import cell_len

from mtattn.heads.record import KINDS, HeadRecord
from mtattn.heads.views.colours import paper
from mtattn.heads.views.overview import overview
from mtattn.heads.views.terminal import shade

CAT = record("El gato negro bebe leche", "The black cat drinks milk .")
LONG = record(" ".join(f"uno{n}" for n in range(65)), "one two 日本語", seed=1, n_heads=2)


def plain(one: HeadRecord, **options: object) -> list[str]:
    return [line.plain for line in overview(one, **options)]


@pytest.mark.parametrize(("one", "n_heads"), [(CAT, 4), (LONG, 2)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_every_head_is_named_once_and_no_line_is_too_wide(one, n_heads, kind, width, colour):
    lines = plain(one, kind=kind, width=width, colour=colour)
    named = re.findall(r"(?:mean|\d\.\d) \d+%", "\n".join(lines[2:]))
    assert [name.split()[0] for name in named] == [
        "mean",
        *(f"{layer}.{head}" for layer in (1, 2) for head in range(1, n_heads + 1)),
    ]
    assert all(cell_len(line) <= width for line in lines[2:])


def first_map(colour: bool) -> list:
    """Give the lines of the mean's map."""
    lines = list(overview(CAT, colour=colour))[4:]
    return lines[: next(i for i, line in enumerate(lines) if not line.plain)]


def test_without_colour_each_weight_is_a_shade():
    weights = CAT.words["cross"].select().weights
    shown = [line.plain.rstrip() for line in first_map(colour=False)]
    expected = [shade(float(weight)).replace(" ", "·") for weight in weights.flat]
    assert list("".join(shown)) == expected


def test_with_colour_each_weight_is_half_a_cell():
    weights = CAT.words["cross"].select().weights
    halves: list[tuple[int, ...]] = []
    for line in first_map(colour=True):
        styles = [span.style for span in line.spans if "▀" in line.plain[span.start : span.end]]
        for side in ("color", "bgcolor"):
            halves += [tuple(getattr(style, side).triplet) for style in styles if getattr(style, side)]
    assert halves == [paper(round(100 * float(weight)) / 100, "dark") for weight in weights.flat]


def test_beside_each_name_stands_what_rests_on_the_special_token():
    lines = plain(CAT, kind="cross", colour=False)
    head = CAT.words["cross"].select(1, 2)
    of_words = [row[-1] for label, row in zip(head.rows, head.weights, strict=True) if label != "</s>"]
    assert len(of_words) == len(head.rows) - 1
    assert f"1.2 {sum(of_words) / len(of_words):.0%}" in "\n".join(lines)
    assert lines[1].endswith("</s>")
    assert plain(CAT, kind="decoder")[1].endswith("<s>")
