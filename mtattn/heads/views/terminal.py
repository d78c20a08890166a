"""A head record in a terminal: a heat map in characters and colour, and a table of the strongest words."""

import unicodedata
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from mtattn.heads.record import HeadRecord, Kind, Selection, Untouched
from mtattn.heads.views.changes import mark_changes
from mtattn.text import visible
from mtattn.tokenizer import BOS_LABEL, EOS_LABEL

_LRM = "\u200e"  # the left-to-right mark
_SHADES = " ░▒▓█"
_LONGEST_LABEL = 14
_N_STRONGEST = 3
_WEAKEST_TOLD = 0.05
_SPECIALS = (BOS_LABEL, EOS_LABEL)
# What asks, in the rows, and what answers, in the columns.
AXES: dict[Kind, tuple[str, str]] = {
    "cross": ("output word", "source words"),
    "encoder": ("source word", "source words"),
    "decoder": ("output word", "output words read before"),
}


def shade(weight: float) -> str:
    """Give one of five shades, a fifth of the weight each."""
    return _SHADES[min(len(_SHADES) - 1, int(weight * len(_SHADES)))]


def _style(weight: float) -> Style:
    """From nothing to a full blue behind the number; white is legible on each, beside a dark or a light ground."""
    if weight < 0.1:
        return Style()
    return Style(
        color="rgb(255,255,255)",
        bgcolor=f"rgb({int(70 - 70 * weight)},{int(82 + 8 * weight)},{int(104 + 121 * weight)})",
        bold=weight >= 0.5,
    )


def fitted(label: str, width: int, *, right: bool = False) -> str:
    """Cut or fill a label to a number of terminal cells, wide characters counted as two."""
    if cell_len(label) > width:
        label = set_cell_size(label, width - 1) + "…"
    gap = " " * (width - cell_len(label))
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in label):
        label = f"{_LRM}{label}{_LRM}"  # or a terminal that turns text around takes its neighbours along
    return gap + label if right else label + gap


def _label_width(labels: tuple[str, ...]) -> int:
    return min(_LONGEST_LABEL, max(map(cell_len, labels)))


def heat_map(selection: Selection, width: int) -> Iterator[Text]:
    """Draw the weights, each with a shade and its percentage; a row sums to 100.

    Args:
        selection: what is shown.
        width: cells of the terminal; columns that do not fit are drawn below, beside the same rows, and counted.

    Yields:
        Lines.
    """
    rows, columns = (tuple(map(visible, labels)) for labels in (selection.rows, selection.columns))
    left = _label_width(rows)
    widths = [max(4, min(_LONGEST_LABEL, cell_len(label))) + 1 for label in columns]
    start = 0
    while start < len(widths):
        end, used = start + 1, left + widths[start]
        while end < len(widths) and used + widths[end] <= width:
            used += widths[end]
            end += 1
        if start:
            yield Text()
        if end - start < len(widths):
            which = f"columns {start + 1} to {end}" if end - start > 1 else f"column {end}"
            yield Text(f"{which} of {len(widths)}", style="dim")
        header = " " * left
        for column in range(start, end):
            header += " " + fitted(columns[column], widths[column] - 1, right=True)
        yield Text(header, style="bold")
        for row, label in enumerate(rows):
            line = Text(fitted(label, left), style="dim" if label in _SPECIALS else "")
            for column in range(start, end):
                weight = float(selection.weights[row, column])
                percent = f"{weight:.0%}"[:-1]
                shown = ("·" if weight else "") if percent == "0" else f"{shade(weight)}{percent:>3}"
                style = _style(weight)
                line.append(" ")
                line.append(fitted(shown, widths[column] - 1, right=True), style)
                if style.bgcolor:  # the shade is for terminals without colour
                    line.stylize(Style(color=style.bgcolor, dim=False), len(line) - 4, len(line) - 3)
            yield line
        start = end


def strongest(selection: Selection, kind: Kind) -> Iterator[Text]:
    """List for each row the words that it attends to most, and how much rests on the special token.

    Args:
        selection: what is shown.
        kind: which attention, for the heading.

    Yields:
        Lines.
    """
    asks, answers = AXES[kind]
    special = [i for i, label in enumerate(selection.columns) if label in _SPECIALS]
    rows, columns = (tuple(map(visible, labels)) for labels in (selection.rows, selection.columns))
    left = max(_label_width(rows), cell_len(asks))
    name = columns[special[0]] if special else ""
    yield Text(f"{fitted(asks, left)}  {name:>5}  {answers}, the strongest first", style="bold")
    for row, label in enumerate(rows):
        weights = selection.weights[row]
        seen = (i for i in range(len(weights)) if weights[i] and i not in special)
        order = sorted(seen, key=lambda i: -weights[i])
        told = [i for i in order[:_N_STRONGEST] if weights[i] >= _WEAKEST_TOLD] or order[:1]
        words = "  ".join(f"{columns[i]} {weights[i]:.0%}" for i in told)
        sink = f"{sum(weights[i] for i in special):.0%}" if special else ""
        yield Text(f"{fitted(label, left)}  {sink:>5}  {words}".rstrip(), style="dim" if label in _SPECIALS else "")


def switched_heads(record: HeadRecord, untouched: Untouched) -> Iterator[Text]:
    """Say which heads are switched, and what that changes."""
    yield Text(f"heads switched: {untouched.named}")
    before, after = mark_changes(untouched.target, record.target)
    if before != after:
        yield Text(f"untouched: {before}  switched: {after}")
    which = "given" if record.forced else "untouched"
    yield Text(
        f"log-probability of the {which} output: {untouched.log_prob:.2f} untouched, "
        f"{untouched.log_prob_switched:.2f} switched"
    )


def title(record: HeadRecord) -> Text:
    """Write the sentence pair, as the first line of every view."""
    return Text(f"{record.source} → {record.target}" + (" (given)" if record.forced else ""), style="bold")


def show(
    record: HeadRecord,
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
    width: int = 80,
) -> Iterator[Text]:
    """Show one matrix of a record: its heading, the heat map, the table.

    Args:
        record: of one sentence.
        kind: which attention.
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.
        subwords: between pieces instead of words.
        width: cells of the terminal.

    Yields:
        Lines.

    Raises:
        InputError: there is no such layer or head.
    """
    attention = (record.pieces if subwords else record.words)[kind]
    selection = attention.select(layer, head)
    asks, answers = AXES[kind]
    unit = "pieces" if subwords else "words"
    yield title(record)
    if record.untouched:
        yield from switched_heads(record, record.untouched)
    yield Text(f"{selection.name}, between {unit}; a row is one {asks}'s attention to the {answers}, in percent")
    yield Text()
    yield from heat_map(selection, width)
    yield Text()
    yield from strongest(selection, kind)
