"""A head record as a drawing for browsers, LaTeX and Inkscape: plain SVG in light colours."""

import re
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from mtattn.heads.record import AttentionMap, HeadRecord, Kind, Selection
from mtattn.heads.views.cells import paragraph
from mtattn.heads.views.colours import css, ink, paper
from mtattn.text import visible, without_controls

_FONT = 12
_WIDTH, _HEIGHT = 36, 24  # of a cell with its number
_SMALL = 90  # the longer side of a small map
_GAP = 12
_LINE = 16  # from one line of a text to the next
_LEAST_LINE = 360  # that a text may be wide, however small the maps are
_SLOPE = 0.71  # sin 45° = cos 45°
_QUIET = "#5b626d"
_AXES: dict[Kind, str] = {
    "cross": "rows: output {0}, columns: source {0}",
    "encoder": "rows: source {0}, columns: source {0}",
    "decoder": "rows: output {0}, columns: output {0} so far",
}
_NO_XML = re.compile("[\ufffe\uffff]")


class _Block(NamedTuple):
    """A part of the drawing, and the room that it takes."""

    group: Element
    width: float
    height: float


def to_svg(
    record: HeadRecord,
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
) -> str:
    """Draw one map of a record, or, where neither layer nor head is named, the mean and below it every head.

    Args:
        record: of one sentence.
        kind: which attention.
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.
        subwords: between pieces instead of words.

    Returns:
        An XML document: a `rect` of class `cell` for each weight; shapes and text alone, no style sheet, no script.

    Raises:
        InputError: there is no such layer or head.
    """
    attention = (record.pieces if subwords else record.words)[kind]
    selection = attention.select(layer, head)
    maps = [_large(selection)]
    if layer is None and head is None:
        maps += [_every_head(attention)]
    room = max(_LEAST_LINE, *(block.width for block in maps))
    switched = f"heads switched: {record.untouched.named}" if record.untouched else ""
    blocks = [
        _paragraph(record.source, room, "black"),
        _paragraph(f"→ {record.target}" + (" (given)" if record.forced else ""), room, "black"),
        *([_paragraph(switched, room, _QUIET)] if switched else []),
        _paragraph(selection.name, room, "black"),
        _paragraph(f"{_AXES[kind].format('pieces' if subwords else 'words')}; percent", room, _QUIET),
        *maps,
    ]

    width = max(block.width for block in blocks) + 2 * _GAP
    height = sum(block.height + _GAP for block in blocks) + _GAP
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "img",
            "font-family": "sans-serif",
            "font-size": str(_FONT),
        },
    )
    SubElement(svg, "title").text = _text(
        f"{record.source} → {record.target}: {selection.name}" + (f"; {switched}" if switched else "")
    )
    SubElement(svg, "desc").text = _text(_description(selection))
    SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    y = float(_GAP)
    for block in blocks:
        svg.append(_moved(block.group, _GAP, y))
        y += block.height + _GAP
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _text(text: str) -> str:
    """Replace what XML has no place for; `<`, `&` and quotes are escaped when the tree is written."""
    return _NO_XML.sub("\ufffd", without_controls(text))


def _text_width(text: str) -> float:
    """Estimate it: a drawing cannot measure text."""
    return 0.62 * _FONT * cell_len(text)


def _moved(group: Element, x: float, y: float) -> Element:
    group.set("transform", f"translate({x:g} {y:g})")
    return group


def _write(parent: Element, text: str, x: float, y: float, **attributes: str) -> None:
    element = SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}", **attributes})
    element.text = _text(text)


def _paragraph(text: str, width: float, fill: str) -> _Block:
    """Write a text in lines that are no wider than that."""
    group = Element("g", {"fill": fill})
    lines = paragraph(_text(text), int(width / _text_width(" ")))
    for n, line in enumerate(lines):
        _write(group, line, 0, _FONT + n * _LINE)
    return _Block(group, max(map(_text_width, lines)), _FONT + (len(lines) - 1) * _LINE)


def _description(selection: Selection) -> str:
    """Say where each row looks most."""
    strongest = selection.weights.argmax(axis=1)
    told = (
        f"{row} looks most at {selection.columns[s]} ({selection.weights[t, s]:.0%})"
        for t, (row, s) in enumerate(zip(selection.rows, strongest, strict=True))
    )
    return "; ".join(told)


def _cells(group: Element, weights: NDArray[np.floating], left: float, top: float, width: float, height: float) -> None:
    """Draw a rectangle for each weight, row by row."""
    for t, row in enumerate(weights):
        for s, weight in enumerate(row):
            place = {
                "x": f"{left + s * width:g}",
                "y": f"{top + t * height:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
            }
            SubElement(group, "rect", {"class": "cell", **place, "fill": css(paper(float(weight)))})


def _large(selection: Selection) -> _Block:
    """Draw a map with its labels and numbers; what is below half a percent has no number."""
    rows, columns = (tuple(map(visible, labels)) for labels in (selection.rows, selection.columns))
    left = max(map(_text_width, rows)) + 6
    top = max(map(_text_width, columns)) * _SLOPE + _FONT
    right, bottom = left + _WIDTH * len(selection.columns), top + _HEIGHT * len(selection.rows)
    group = Element("g")
    width = right
    for s, label in enumerate(columns):
        x = left + (s + 0.5) * _WIDTH
        _write(group, label, 0, 0, transform=f"translate({x:g} {top - 5:g}) rotate(-45)")
        width = max(width, x + _text_width(label) * _SLOPE)
    for t, label in enumerate(rows):
        _write(group, label, left - 6, top + (t + 0.68) * _HEIGHT, **{"text-anchor": "end"})
    frame = SubElement(group, "g", {"stroke": "#d5d9df", "stroke-width": "0.5"})
    _cells(frame, selection.weights, left, top, _WIDTH, _HEIGHT)
    numbers = SubElement(group, "g", {"text-anchor": "middle", "font-size": str(_FONT - 1)})
    for t in range(len(selection.rows)):
        for s in range(len(selection.columns)):
            weight = float(selection.weights[t, s])
            if percent := round(100 * weight):
                x, y = left + (s + 0.5) * _WIDTH, top + (t + 0.66) * _HEIGHT
                _write(numbers, str(percent), x, y, fill=css(ink(paper(weight))))
    return _Block(group, width, bottom)


def _every_head(attention: AttentionMap) -> _Block:
    """Draw a small map for each head, a line for each layer."""
    longer = max(len(attention.rows), len(attention.columns))
    side = _SMALL / longer
    width, height = side * len(attention.columns), side * len(attention.rows)
    selections = [attention.select(name.layer, name.head) for name in attention.heads]
    step_x = max(width, *(_text_width(one.name) for one in selections)) + _GAP
    step_y = height + _FONT + 1.5 * _GAP
    all_heads = Element("g")
    for name, selection in zip(attention.heads, selections, strict=True):
        group = SubElement(all_heads, "g")
        _moved(group, (name.head - 1) * step_x, (name.layer - 1) * step_y)
        _write(group, selection.name, 0, _FONT - 2)
        _cells(group, selection.weights, 0, _FONT + 2, side, side)
        frame = {"width": f"{width:g}", "height": f"{height:g}", "y": str(_FONT + 2)}
        SubElement(group, "rect", {**frame, "fill": "none", "stroke": "#aab0ba", "stroke-width": "0.75"})
    return _Block(all_heads, attention.n_heads * step_x, attention.n_layers * step_y)
