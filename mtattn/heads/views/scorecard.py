"""A scorecard in a terminal, as JSON and as CSV."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mtattn.heads.card import COLUMNS, NO_ROLE, ROLES, HeadCard, Scorecard
from mtattn.text import json_line


@dataclass(frozen=True)
class _Column:
    """One column of the terminal's tables: its heading, the number, and how that is written."""

    heading: str
    name: str
    form: str

    def cell(self, card: HeadCard) -> str:
        value = getattr(card, self.name)
        if value is None:
            return ""
        if self.name == "bleu_lost":
            return f"{value:.1f} [{card.bleu_low:.1f}, {card.bleu_high:.1f}]"
        return str(value) if not self.form else f"{value:{self.form}}".removesuffix("%")


_Columns = tuple[_Column, ...]
_NAMES = (_Column("head", "head", ""), _Column("role", "role", ""))
_GROUPS: tuple[_Columns, ...] = (
    (
        _Column("entropy", "entropy", ".0%"),
        _Column("conf.", "confidence", ".0%"),
        _Column("dist.", "distance", ".1f"),
        _Column("offset", "offset", "+.1f"),
        _Column("</s>", "special", ".0%"),
        _Column("punct.", "punctuation", ".0%"),
        _Column("prev.", "previous", ".0%"),
        _Column("same", "same", ".0%"),
        _Column("next", "next", ".0%"),
    ),
    (
        _Column("AER", "aer", ".3f"),
        _Column("prec.", "precision", ".3f"),
        _Column("recall", "recall", ".3f"),
        _Column("AER/read", "aer_read", ".3f"),
        _Column("prec.", "precision_read", ".3f"),
        _Column("recall", "recall_read", ".3f"),
    ),
    (
        _Column("gradient", "gradient", ".2f"),
        _Column("loss lost", "loss_lost", ".4f"),
        _Column("BLEU lost", "bleu_lost", ".1f"),
    ),
)


def _known(columns: _Columns, cards: Sequence[HeadCard]) -> tuple[_Columns, list[HeadCard]]:
    """Leave out columns that are empty for all heads, and heads for which all columns are empty."""
    columns = tuple(column for column in columns if any(column.cell(card) for card in cards))
    return columns, [card for card in cards if any(column.cell(card) for column in columns)]


def _width(columns: _Columns, cards: Sequence[HeadCard]) -> int:
    return sum(1 + max(len(text) for text in (column.heading, *map(column.cell, cards))) for column in columns) - 1


def _tables(cards: Sequence[HeadCard], width: int) -> Iterator[_Columns]:
    """Put together the columns of each table: groups as long as they fit, a group by parts where it does not."""
    table: _Columns = ()
    for group in _GROUPS:
        columns, _ = _known(group, cards)
        if _width((*_NAMES, *table, *columns), cards) <= width:
            table += columns
            continue
        if table:
            yield table
        table = ()
        for column in columns:
            if table and _width((*_NAMES, *table, column), cards) > width:
                yield table
                table = ()
            table += (column,)
    if table:
        yield table


def _table(columns: _Columns, cards: Sequence[HeadCard]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for column in (*_NAMES, *columns):
        table.add_column(column.heading, justify="left" if column in _NAMES else "right", no_wrap=True)
    for card in cards:
        cells = [Text(column.cell(card)) for column in (*_NAMES, *columns)]
        table.add_row(*cells, style="dim" if card.role == NO_ROLE else "")
    return table


def _findings(scorecard: Scorecard) -> Iterator[str]:
    """Say what stands above and beside the single heads."""
    bleu = "" if scorecard.bleu is None else f", BLEU {scorecard.bleu:.1f} (greedy, {scorecard.n_translated:,} of them)"
    yield f"{len(scorecard.heads)} heads on {scorecard.n_pairs:,} sentence pairs: loss {scorecard.loss:.3f}{bleu}"
    best = scorecard.aligner
    if best:
        yield (
            f"the best aligner is {best.head}, a row belonging to the word {best.reading}; chosen on {best.n_chosen} "
            f"gold pairs (AER {best.chosen.aer:.3f}), it has on {best.n_reported} others AER {best.reported.aer:.3f}, "
            f"precision {best.reported.precision:.3f} and recall {best.reported.recall:.3f}; the mean over all heads "
            f"has AER {best.of_mean.aer:.3f} there"
        )
    if not math.isnan(scorecard.agreement):
        yield (
            "how alike the gradient, before its division, and the loss lost order the heads: rank correlation "
            f"{scorecard.agreement:.2f}"
        )


def _notes(scorecard: Scorecard) -> Iterator[str]:
    """Say what the columns mean."""
    yield (
        "entropy, conf. (the greatest weight), and the shares on </s> (in the decoder <s>), on punctuation, and on the "
        "positions before, at and behind the query's own are in percent; dist. is the mean distance from it in "
        "positions, offset the same with its sign. In cross-attention its own position is the diagonal's. conf., "
        "dist. and offset leave </s> and <s> out."
    )
    if scorecard.n_gold:
        yield (
            f"AER, precision and recall are counted on {scorecard.n_gold} pairs with gold alignments, each row "
            "belonging to the word that its step emits; the second three for rows that belong to the word read."
        )
    yield (
        f"Importance is measured on {scorecard.n_importance} pairs. gradient: mean |∂loss/∂gate| of a sentence, "
        "divided by the Euclidean length of its layer's, as in Michel et al. 2019. Lost: with the head muted, in nats "
        "a token" + ("; BLEU with its 95% interval (paired bootstrap, Koehn 2004)." if scorecard.n_translated else ".")
    )
    yield f"role: the first rule that fits, else {NO_ROLE}."


def _rules() -> Table:
    """Show by which rules roles are named, in the words and units of the tables."""
    shown = {column.name: column for group in _GROUPS for column in group}
    table = Table.grid(padding=(0, 2, 0, 0))
    for rule in ROLES:
        column = shown.get(rule.column, _Column("prev. + same + next", rule.column, ".0%"))
        condition = f"{column.heading} {rule.relation} {rule.bound:{column.form}}"
        table.add_row(*map(Text, (rule.role, condition, rule.meaning)))
    return table


def show(scorecard: Scorecard, cards: Sequence[HeadCard], width: int) -> Iterator[RenderableType]:
    """Show a scorecard as tables no wider than a terminal, with what the columns mean.

    Args:
        scorecard: of a model.
        cards: those of its heads that have a row, in their order.
        width: cells of the terminal, 60 or more.

    Yields:
        What rich prints.
    """
    for line in _findings(scorecard):
        yield Text(line)
    for columns in _tables(cards, width):
        yield ""
        yield _table(*_known(columns, cards))
    yield ""
    for line in _notes(scorecard):
        yield Text(line)
    yield _rules()


def to_json(scorecard: Scorecard, cards: Sequence[HeadCard]) -> str:
    """Write a scorecard as one line of JSON: `heads`, a list of the attributes of each, what was found of all, `roles`.

    Args:
        scorecard: of a model.
        cards: those of its heads that are listed, in their order.
    """
    found: dict[str, Any] = asdict(scorecard) | {"heads": [card.as_row() for card in cards]}
    if scorecard.aligner:
        found["aligner"]["head"] = str(scorecard.aligner.head)
    if math.isnan(scorecard.agreement):
        found["agreement"] = None
    return json_line(found | {"roles": [asdict(rule) for rule in ROLES]})


def to_csv(cards: Sequence[HeadCard]) -> str:
    """Write the cards of a scorecard as CSV: the names of the columns, a row a head; empty = it has no such number."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(card.as_row() for card in cards)
    return file.getvalue()
