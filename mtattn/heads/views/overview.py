"""Every head at one glance, in a terminal: a small map of each, without labels."""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.text import Text

from mtattn.heads.record import HeadRecord, Kind, Selection
from mtattn.heads.views.colours import paper
from mtattn.heads.views.terminal import AXES, shade, switched_heads, title
from mtattn.tokenizer import BOS_LABEL, EOS_LABEL

_GAP = 2
_LEAST = 8  # cells for a name and the share of the special token


def overview(
    record: HeadRecord, *, kind: Kind = "cross", subwords: bool = False, width: int = 80, colour: bool = True
) -> Iterator[Text]:
    """Show the maps of all heads in miniature, layer by layer, and their mean.

    Args:
        record: of one sentence.
        kind: which attention.
        subwords: between pieces instead of words.
        width: cells of the terminal.
        colour: two weights in each cell, coloured; else one, in a shade of five.

    Yields:
        Lines.
    """
    attention = (record.pieces if subwords else record.words)[kind]
    unit = "pieces" if subwords else "words"
    asks, answers = AXES[kind]
    special = next(label for label in attention.columns if label in (BOS_LABEL, EOS_LABEL))
    mean = attention.select()
    _, _, muted = mean.name.partition(", ")
    yield title(record)
    if record.untouched:
        yield from switched_heads(record, record.untouched)
    yield Text(
        f"every head of {kind}, between {unit}; down: {asks}s, across: {answers}; "
        f"beside each name: percent of a word's weight on {special}" + (f"; mean: {muted}" if muted else "")
    )
    layers = range(1, attention.n_layers + 1)
    yield Text()
    yield from _beside([_miniature("mean", mean, width, colour)], width)
    for layer in layers:
        yield Text()
        heads = [attention.select(layer, head) for head in range(1, attention.n_heads + 1)]
        yield from _beside([_miniature(one.name.partition(".")[2], one, width, colour) for one in heads], width)


def _miniature(name: str, selection: Selection, width: int, colour: bool) -> list[Text]:
    """Draw one map below its name; all its lines are equally wide."""
    special = [s for s, label in enumerate(selection.columns) if label in (BOS_LABEL, EOS_LABEL)]
    share = float(selection.weights[_of_words(selection)][:, special].sum(axis=1).mean())
    weights = _coarser(selection.weights, width)
    heading = f"{name} {share:.0%}"
    cells = max(_LEAST, len(heading), weights.shape[1])
    lines = [Text(heading, style="bold"), *(_half_blocks(weights) if colour else _shades(weights))]
    for line in lines:
        line.pad_right(cells - cell_len(line.plain))
    return lines


def _of_words(selection: Selection) -> NDArray[np.intp]:
    """Name the rows of words that have a choice: not that of </s>, nor one that sees one key alone; all if none is."""
    has_choice = (selection.weights > 0).sum(axis=1) > 1
    rows = np.flatnonzero(has_choice & (np.array(selection.rows) != EOS_LABEL))
    return rows if len(rows) else np.arange(len(selection.rows))


def _coarser(weights: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    """Keep the greatest of neighbouring weights where a map is wider than the terminal."""
    factor = -(-weights.shape[1] // width)
    starts = [np.arange(0, n, factor) for n in weights.shape]
    return np.maximum.reduceat(np.maximum.reduceat(weights, starts[0], axis=0), starts[1], axis=1)


def _half_blocks(weights: NDArray[np.floating]) -> Iterator[Text]:
    """Draw two rows in a line, the upper one in the colour of the sign, the lower one in that behind it."""
    for t in range(0, len(weights), 2):
        line = Text()
        for pair in weights[t : t + 2].T:
            line.append("▀", _half_block(*(round(100 * float(weight)) for weight in pair)))
        yield line


@cache
def _half_block(upper: int, lower: int | None = None) -> Style:
    """Colour a cell by two percentages."""
    colour, behind = (None if n is None else Color.from_rgb(*paper(n / 100, "dark")) for n in (upper, lower))
    return Style(color=colour, bgcolor=behind)


def _shades(weights: NDArray[np.floating]) -> Iterator[Text]:
    for row in weights:
        yield Text("".join("·" if shade(weight) == " " else shade(weight) for weight in map(float, row)))


def _beside(blocks: list[list[Text]], width: int) -> Iterator[Text]:
    """Put blocks of lines beside each other, as many as fit, the others below."""
    widest = max(cell_len(lines[0].plain) for lines in blocks)
    n = max(1, (width + _GAP) // (widest + _GAP))
    for start in range(0, len(blocks), n):
        if start:
            yield Text()
        for lines in zip(*blocks[start : start + n], strict=True):
            yield Text(" " * _GAP).join(lines)
