"""The history of a run's heads in a terminal: strips over the validations, and one validation by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from mtattn.heads.card import NO_ROLE, ROLES, HeadCard
from mtattn.heads.history import Frame, head_to_show, spread
from mtattn.heads.record import HeadRecord, Kind, Selection
from mtattn.heads.views.cells import paragraph, sparkline
from mtattn.heads.views.colours import paper
from mtattn.heads.views.terminal import AXES, fitted, heat_map, shade, title

SIGNS = {
    "aligner": "A",
    "reader": "R",
    "sink": "S",
    "broad": "B",
    "previous": "<",
    "same": "=",
    "next": ">",
    "local": "L",
    "punctuation": ",",
    "focused": "F",
    NO_ROLE: "·",
}
"""The sign of each role in a strip."""

_GAP = 2
_LONGEST_LABEL = 14
_MOST_MAPS = 12
_ROLE_WIDTH = max(map(len, SIGNS))


@dataclass(frozen=True)
class _Trend:
    """A number whose way over the validations is drawn; all are from 0 to 1.

    Attributes:
        heading: above its column.
        name: the attribute of `HeadCard` that is drawn.
        form: in which it is written.
        name_of_readers: the attribute that is drawn of readers instead; empty = the same.
    """

    heading: str
    name: str
    form: str
    name_of_readers: str = ""

    def of(self, card: HeadCard, role: str) -> float | None:
        """Give the number of a head that is shown as one of this role."""
        is_other = role == "reader" and self.name_of_readers
        value: float | None = getattr(card, self.name_of_readers if is_other else self.name)
        return value

    def text(self, value: float | None) -> str:
        return "" if value is None else f"{value:{self.form}}".removesuffix("%")


_ENTROPY = _Trend("entropy, %", "entropy", ".0%")
_TRENDS = {
    "cross": (_Trend("AER", "aer", ".2f", name_of_readers="aer_read"), _ENTROPY),
    "encoder": (_Trend("near, %", "near", ".0%"), _ENTROPY),
    "decoder": (_Trend("near, %", "near", ".0%"), _ENTROPY),
}
_MEANINGS = {
    "aer": "AER: alignment error rate on {n_gold} pairs with gold alignments, 0 is best; of readers by the word read.",
    "near": "near: share on the position before, at and behind the head's own.",
    "entropy": "entropy: 0 = all on one token, 100 = on all alike.",
}


def _cards(frames: Sequence[Frame], kind: Kind) -> list[list[HeadCard]]:
    """Give the cards of each head of a kind, frame by frame."""
    return [list(cards) for cards in zip(*(frame.heads for frame in frames), strict=True) if cards[0].head.kind == kind]


def _legend(frames: Sequence[Frame], kind: Kind) -> str:
    roles = {card.role for cards in _cards(frames, kind) for card in cards}
    return ", ".join(f"{SIGNS[role]} {role}" for role in [*(rule.role for rule in ROLES), NO_ROLE] if role in roles)


def _trends(frames: Sequence[Frame], kind: Kind) -> list[_Trend]:
    """Leave out what no head has: without gold alignments there is no AER."""
    return [trend for trend in _TRENDS[kind] if any(trend.of(card, card.role) is not None for card in frames[-1].heads)]


def _way(trend: _Trend, cards: Sequence[HeadCard]) -> tuple[str, str]:
    """Draw a head's number over the frames, and write the first and the last."""
    values = [trend.of(card, cards[-1].role) for card in cards]
    return sparkline(values), f"{trend.text(values[0])}→{trend.text(values[-1])}"


def _table(frames: Sequence[Frame], kind: Kind, width: int) -> Iterator[Text]:
    """Show a row a head: its role at each validation, or at as many as fit, and the ways of its numbers."""
    trends, n_all = _trends(frames, kind), len(frames)
    heads = _cards(frames, kind)
    left = max(len(str(cards[0].head)) for cards in heads)
    room = [max(len(_way(trend, cards)[1]) for cards in heads) for trend in trends]
    fixed = left + _GAP + 1 + _ROLE_WIDTH + sum(_GAP + 1 + n for n in room)
    frames = spread(frames, max(2, (width - fixed) // (1 + len(trends))))
    n = len(frames)
    room = [max(size, len(trend.heading) - n - 1) for trend, size in zip(trends, room, strict=True)]
    headings = [fitted("head", left), fitted("role", n + 1 + _ROLE_WIDTH)]
    headings += [fitted(trend.heading, n + 1 + size) for trend, size in zip(trends, room, strict=True)]
    yield Text((" " * _GAP).join(headings).rstrip(), style="bold")
    for cards in _cards(frames, kind):
        last = cards[-1]
        signs = "".join(SIGNS[card.role] for card in cards)
        cells = [fitted(str(last.head), left), f"{signs} {last.role:{_ROLE_WIDTH}}"]
        for trend, size in zip(trends, room, strict=True):
            line, numbers = _way(trend, cards)
            cells.append(f"{line} {numbers:{size}}")
        yield Text((" " * _GAP).join(cells).rstrip(), style="dim" if last.role == NO_ROLE else "")
    some = f", {n} of {n_all} validations" if n < n_all else ""
    meanings = [_MEANINGS[trend.name].format(n_gold=frames[-1].n_gold) for trend in trends]
    about = f"Each strip goes from the first validation to the last{some}; on {frames[-1].n_pairs} pairs of dev."
    for line in paragraph(" ".join([f"Roles: {_legend(frames, kind)}.", about, *meanings]), width):
        yield Text(line, style="dim")


def _course(frames: Sequence[Frame], width: int) -> str:
    bleu = [frame.bleu for frame in spread(frames, width // 3)]
    line = sparkline(bleu, max(*bleu, 1.0))
    return f"BLEU {line} {bleu[0]:.1f}→{bleu[-1]:.1f}"


def _heading(record: HeadRecord) -> Text:
    return (
        title(record) if record.forced else Text(f"{record.source} → its own output at each validation", style="bold")
    )


def _selected(record: HeadRecord, kind: Kind, layer: int | None, head: int | None, subwords: bool) -> Selection:
    return (record.pieces if subwords else record.words)[kind].select(layer, head)


def _cell(weight: float, colour: bool) -> tuple[str, Style]:
    if colour:
        red, green, blue = paper(round(weight, 2), "dark")
        return " ", Style(bgcolor=f"rgb({red},{green},{blue})")
    return shade(weight).replace(" ", "·"), Style()


def _miniature(weights: NDArray[np.floating], colour: bool) -> list[Text]:
    return [Text.assemble(*(_cell(float(weight), colour) for weight in row)) for row in weights]


def _film(frames: Sequence[Frame], selections: Sequence[Selection], width: int, colour: bool) -> Iterator[Text]:
    """Draw the maps of one head side by side, a cell a weight; beside them the rows, where they stay the same."""
    rows = selections[0].rows
    labels = rows if all(one.rows == rows for one in selections) else ()
    left = min(_LONGEST_LABEL, max(map(cell_len, labels), default=0))
    blocks = []
    for frame, selection in zip(frames, selections, strict=True):
        lines = [Text(f"{frame.step:,}", style="bold"), *_miniature(selection.weights, colour)]
        cells = max(cell_len(line.plain) for line in lines)
        for line in lines:
            line.pad_right(cells - cell_len(line.plain))
        blocks.append(lines)
    start = 0
    while start < len(blocks):
        end, used = start + 1, left + _GAP + cell_len(blocks[start][0].plain)
        while end < len(blocks) and used + _GAP + cell_len(blocks[end][0].plain) <= width:
            used += _GAP + cell_len(blocks[end][0].plain)
            end += 1
        if start:
            yield Text()
        for t in range(max(map(len, blocks[start:end]))):
            line = Text(fitted(labels[t - 1], left) if labels and t else " " * left)
            for block in blocks[start:end]:
                line.append(" " * _GAP)
                line.append_text(block[t] if t < len(block) else Text(" " * cell_len(block[0].plain)))
            yield line
        start = end


def _translations(frames: Sequence[Frame], probe: int) -> Iterator[Text]:
    """Tell what the model wrote, where it was something else than before."""
    size = max(len(f"{frame.step:,}") for frame in frames)
    before = None
    for frame in frames:
        translation = frame.probes[probe].translation
        if translation != before:
            yield Text(f"{frame.step:>{size},}  {translation}".rstrip())
        before = translation


def show_history(
    frames: Sequence[Frame],
    probes: Sequence[int],
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
    width: int = 80,
    colour: bool = True,
) -> Iterator[Text]:
    """Show how heads found their roles: a row a head, then a head's maps from validation to validation.

    Args:
        frames: of a run, at least one.
        probes: whose maps are shown, counted from 0.
        kind: which attention.
        layer: from 1; None, and no head either = see `head_to_show`; else None = the mean over all.
        head: from 1; likewise.
        subwords: between pieces instead of words.
        width: cells of the terminal.
        colour: of the small maps; else shades.

    Yields:
        Lines.

    Raises:
        InputError: there is no such layer or head.
    """
    first, last = frames[0], frames[-1]
    named = head_to_show(frames, kind, layer, head)
    if named:
        layer, head = named.layer, named.head
    yield Text(
        f"validations: {len(frames)}, steps {first.step:,} to {last.step:,}; {_course(frames, width)}", style="bold"
    )
    yield Text()
    yield from _table(frames, kind, width)
    asks, answers = AXES[kind]
    for probe in probes:
        few = spread(frames, _MOST_MAPS)
        selections = [_selected(frame.probes[probe].record, kind, layer, head, subwords) for frame in few]
        yield Text()
        yield _heading(last.probes[probe].record)
        yield from _translations(few, probe)
        yield Text()
        unit = "pieces" if subwords else "words"
        best = ", which aligns the words emitted best in the end" if named and kind == "cross" and last.n_gold else ""
        about = f"{selections[-1].name}{best}, between {unit}, at each step; down: {asks}s, across: {answers}"
        yield from map(Text, paragraph(about, width))
        yield from _film(few, selections, width, colour)
        yield Text()
        yield Text(f"at step {last.step:,}, in percent")
        yield from heat_map(selections[-1], width)


def _roles(frame: Frame, shown: Selection, trend: _Trend | None, kind: Kind, width: int) -> Iterator[Text]:
    """Show the role of every head and one number, a line a layer."""
    layers = sorted({card.head.layer for card in frame.heads if card.head.kind == kind})
    for layer in layers:
        line = Text(f"{kind}.{layer}")
        for card in frame.heads:
            if (card.head.kind, card.head.layer) == (kind, layer):
                number = "" if trend is None else " " + trend.text(trend.of(card, card.role)).removeprefix("0")
                cell = f"{card.head.head} {SIGNS[card.role]}{number}"
                if cell_len(line.plain.rpartition("\n")[2]) + len(cell) + _GAP > width:
                    line.append("\n" + " " * len(f"{kind}.{layer}"))
                line.append("  ")
                line.append(cell, style="reverse" if str(card.head) == shown.name else "")
        yield from line.split("\n")


def show_frame(
    frames: Sequence[Frame],
    n: int,
    probe: int,
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
    width: int = 80,
) -> Iterator[Text]:
    """Show one validation: what the model wrote, a head's map, and the roles of all heads of its kind.

    Args:
        frames: of a run.
        n: which one, counted from 0.
        probe: whose map, counted from 0.
        kind: which attention; for this and the following see `show_history`.
        layer: from 1.
        head: from 1.
        subwords: between pieces instead of words.
        width: cells of the terminal.

    Yields:
        Lines.
    """
    named = head_to_show(frames, kind, layer, head)
    if named:
        layer, head = named.layer, named.head
    frame = frames[n]
    selection = _selected(frame.probes[probe].record, kind, layer, head, subwords)
    trend = next(iter(_trends(frames, kind)), None)
    yield _heading(frame.probes[probe].record)
    yield Text(f"step {frame.step:,} of {frames[-1].step:,}, {_course(frames[: n + 1], width)}", style="bold")
    yield Text(f"writes: {frame.probes[probe].translation}")
    yield Text()
    yield Text(f"{selection.name}, in percent")
    yield from heat_map(selection, width)
    yield Text()
    yield from _roles(frame, selection, trend, kind, width)
    number = f"; number: {trend.heading}" if trend else ""
    for line in paragraph(_legend(frames, kind) + number, width):
        yield Text(line, style="dim")
