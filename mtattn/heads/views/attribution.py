"""Why an output word: four measures over the source words side by side, in a terminal and as JSON."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from mtattn.heads.row import MEASURES, Attribution, Measure
from mtattn.heads.views.cells import BAR_STYLE, bar, columns, decimal, glued, paragraph
from mtattn.heads.views.terminal import fitted
from mtattn.text import json_line, visible

_LONGEST_LABEL = 14
_FORMULAS: dict[Measure, str] = {
    "attention": "α",
    "norm": "‖Σ α x W^V W^O‖",
    "gradient": "Σ |e · ∂ log p / ∂e|",
    "leave_one_out": "log p(y | x) − log p(y | x∖w)",
}
_IN_PERCENT: tuple[Measure, ...] = ("attention", "norm", "gradient")
_NUMBER = 6
_NARROWEST, _WIDEST = 11, 24
_NOT_MEASURED = "–"


@dataclass(frozen=True)
class WhyWording:
    """The words around the numbers, in one language; {braces} name what is put in.

    Attributes:
        given: mark of an output that was given.
        question: the word that is asked about: word, position, log_prob, probability.
        pieces: added where it has several: pieces.
        one_head: whose attention, where layer and head are named: layer, head.
        mean_of_layer: where a layer is: layer, n_heads.
        mean_of_head: where a head is: head, n_layers.
        mean_of_all: where none is: n_layers, n_heads.
        muted: added to these means where heads are left out of them: n.
        all_muted: added where all are muted.
        names: short names of the measures, at most 9 cells.
        meanings: what each measure is, a sentence: formula, heads.
        agreement: heading of the correlations: n_words.
        verdict: what to make of it: attention and leave_one_out, the words that these put first.
    """

    given: str
    question: str
    pieces: str
    one_head: str
    mean_of_layer: str
    mean_of_head: str
    mean_of_all: str
    muted: str
    all_muted: str
    names: Mapping[Measure, str]
    meanings: Mapping[Measure, str]
    agreement: str
    verdict: str

    def heads(self, shown: Attribution) -> str:
        """Say whose attention is shown."""
        if shown.layer and shown.head:
            template = self.one_head
        elif shown.layer:
            template = self.mean_of_layer
        else:
            template = self.mean_of_head if shown.head else self.mean_of_all
        n_averaged = (1 if shown.layer else shown.n_layers) * (1 if shown.head else shown.n_heads)
        muted = "" if not shown.n_muted else self.all_muted if shown.n_muted == n_averaged else self.muted
        return (template + muted).format(
            layer=shown.layer, head=shown.head, n_layers=shown.n_layers, n_heads=shown.n_heads, n=shown.n_muted
        )


def _table(shown: Attribution, wording: WhyWording, width: int) -> Iterator[Text]:
    """Draw a row for each source word, each measure with its number and a bar; the longest bar is its largest."""
    labels = [*map(visible, shown.columns)]
    left = min(_LONGEST_LABEL, max(map(cell_len, labels)))
    column = min(_WIDEST, max(_NARROWEST, (width - left) // len(MEASURES)))  # a gap of 2, number, space, bar
    heading = Text(" " * left, style="bold")
    for measure in MEASURES:
        heading.append("  " + fitted(wording.names[measure].rjust(_NUMBER), column - 2))
    heading.rstrip()
    yield heading
    units = ("%" if measure in _IN_PERCENT else "nats" for measure in MEASURES)
    yield Text(" " * left + "".join(f"  {fitted(unit.rjust(_NUMBER), column - 2)}" for unit in units).rstrip(), "dim")
    for row, label in enumerate(labels):
        line = Text(fitted(label, left))
        for measure in MEASURES:
            values = shown.of(measure)
            number, share = _NOT_MEASURED, 0.0
            if row < len(values):
                value = float(values[row])
                largest, total = float(values.max()), float(values.sum())
                share = value / largest if largest > 0 else 0.0
                number = decimal(100 * value / (total or 1.0), 0) if measure in _IN_PERCENT else decimal(value)
            line.append("  " + number.rjust(_NUMBER) + " ")
            line.append(fitted(bar(share, column - _NUMBER - 3), column - _NUMBER - 3), BAR_STYLE)
        line.rstrip()
        yield line


def _agreement(shown: Attribution, wording: WhyWording) -> list[str]:
    """Set the correlations in a triangle."""
    found = shown.agreement()
    rows = [["", *(wording.names[measure] for measure in MEASURES[1:])]]
    for a in MEASURES[:-1]:
        row = [wording.names[a]]
        for b in MEASURES[1:]:
            tau = found.get((a, b), math.nan)  # NaN: below the diagonal
            row.append(_NOT_MEASURED if tau is None else "" if math.isnan(tau) else decimal(tau))
        rows.append(row)
    return columns(rows)


def show_attribution(shown: Attribution, wording: WhyWording, width: int = 80) -> Iterator[Text]:
    """Show what an output word is due to: the question, the table, how far the measures agree, what that means.

    Args:
        shown: of one output word.
        wording: the language.
        width: cells of the terminal, 60 or more.

    Yields:
        Lines.
    """
    heading = f"{shown.source} → {shown.target}" + (f" ({wording.given})" if shown.forced else "")
    question = wording.question.format(
        word=shown.word,
        position=shown.position,
        log_prob=decimal(shown.log_prob),
        probability=f"{math.exp(shown.log_prob):.2g}",
    )
    if len(shown.pieces) > 1:
        question += wording.pieces.format(pieces=" ".join(shown.pieces))
    for line in (*paragraph(heading, width), *paragraph(question, width)):
        yield Text(line, style="bold")
    yield Text()
    yield from _table(shown, wording, width)
    yield Text()
    for measure in MEASURES:
        meaning = wording.meanings[measure].format(formula=glued(_FORMULAS[measure]), heads=wording.heads(shown))
        yield from map(Text, paragraph(meaning, width, f"{wording.names[measure]}: ", indent=2))
    yield Text()
    n_words = len(shown.columns) - 1
    yield from map(Text, paragraph(wording.agreement.format(n_words=n_words), width))
    yield from map(Text, _agreement(shown, wording))
    if n_words:
        yield Text()
        first = {m: shown.columns[int(np.argmax(shown.of(m)[:n_words]))] for m in MEASURES}
        yield from map(Text, paragraph(wording.verdict.format(**first), width))


def attribution_json(shown: Attribution) -> str:
    """Write the measures of an output word as one line of JSON.

    Returns:
        An object with the texts, the output word, and for each measure a number for each of `columns`;
        `leave_one_out` is null for </s>, `agreement` a list of Kendall's τ.
    """
    return json_line(
        {
            "source": shown.source,
            "target": shown.target,
            "forced": shown.forced,
            "word": shown.word,
            "position": shown.position,
            "pieces": shown.pieces,
            "log_prob": shown.log_prob,
            "layer": shown.layer,
            "head": shown.head,
            "n_muted": shown.n_muted,
            "columns": shown.columns,
            "attention": shown.attention.tolist(),
            "norm": shown.norm.tolist(),
            "gradient": shown.gradient.tolist(),
            "leave_one_out": [*shown.leave_one_out.tolist(), None],
            "agreement": [{"measures": pair, "tau": tau} for pair, tau in shown.agreement().items()],
        }
    )
