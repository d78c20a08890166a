"""What is known of each head, and the role that its numbers name; nothing of the model."""

import math
import operator
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from mtattn.alignment.links import AlignmentScore
from mtattn.errors import InputError
from mtattn.heads.record import HeadName, Reading


@dataclass(frozen=True)
class Rule:
    """A head has a role where one of its numbers reaches a bound.

    Attributes:
        role: its name.
        column: the number, an attribute of `HeadCard`.
        relation: how it stands to the bound, "≥" or "≤".
        bound: the bound.
        meaning: what such a head does.
    """

    role: str
    column: str
    relation: str
    bound: float
    meaning: str

    def fits(self, numbers: dict[str, float | None]) -> bool:
        """Say whether a head's numbers reach the bound; one that it does not have does not."""
        value = numbers.get(self.column)
        return value is not None and {"≥": operator.ge, "≤": operator.le}[self.relation](value, self.bound)


ROLES = (
    Rule("aligner", "aer", "≤", 0.4, "looks at the source word that the word being written translates"),
    Rule("reader", "aer_read", "≤", 0.4, "looks at the source word that the word written last translates"),
    Rule("sink", "special", "≥", 0.5, "rests on </s>, in the decoder on <s>"),
    Rule("broad", "entropy", "≥", 0.75, "looks at nearly everything alike"),
    Rule("previous", "previous", "≥", 0.5, "looks at the position before its own"),
    Rule("same", "same", "≥", 0.5, "looks at its own position"),
    Rule("next", "next", "≥", 0.5, "looks at the position behind its own"),
    Rule("local", "near", "≥", 0.5, "looks at these three positions"),
    Rule("punctuation", "punctuation", "≥", 0.3, "looks at punctuation"),
    Rule("focused", "confidence", "≥", 0.6, "looks at one word, by none of the rules above"),
)
"""The first rule that fits names the role."""
NO_ROLE = "mixed"


def role_of(numbers: dict[str, float | None]) -> str:
    """Name the role that a head's numbers show.

    Args:
        numbers: attributes of a `HeadCard`; None and those that are missing fit no rule.

    Example:
        >>> role_of({"special": 0.7, "entropy": 0.8}), role_of({"entropy": 0.5})
        ('sink', 'mixed')
    """
    return next((rule.role for rule in ROLES if rule.fits(numbers)), NO_ROLE)


@dataclass(frozen=True)
class HeadCard:
    """One head's row of a scorecard; None = it has no such number, or this was not measured.

    Attributes:
        head: its name.
        role: by the first of `ROLES` that fits.
        entropy: this one and the numbers up to `near`, see `Behaviour`.
        aer: alignment error rate against gold, a row belonging to the word that its step writes; cross-attention only.
        precision: of these links.
        recall: of these links.
        aer_read: the same, but a row belonging to the word that its step reads, the one written last.
        precision_read: of those links.
        recall_read: of those links.
        gradient: importance by the gradient of a gate, divided by the Euclidean length of its layer's.
        gradient_raw: the same before that division, in nats.
        loss_lost: by how much the loss rises where the head is muted, in nats a token.
        bleu_lost: by how much BLEU falls where the head is muted.
        bleu_low: lower end of its 95% interval.
        bleu_high: upper end of its 95% interval.
    """

    head: HeadName
    role: str
    entropy: float | None = None
    confidence: float | None = None
    distance: float | None = None
    offset: float | None = None
    special: float | None = None
    punctuation: float | None = None
    previous: float | None = None
    same: float | None = None
    next: float | None = None
    near: float | None = None
    aer: float | None = None
    precision: float | None = None
    recall: float | None = None
    aer_read: float | None = None
    precision_read: float | None = None
    recall_read: float | None = None
    gradient: float | None = None
    gradient_raw: float | None = None
    loss_lost: float | None = None
    bleu_lost: float | None = None
    bleu_low: float | None = None
    bleu_high: float | None = None

    @classmethod
    def of(cls, head: HeadName, numbers: dict[str, float]) -> "HeadCard":
        """Make a head's card of its numbers, rounded to six places, and name its role; NaN becomes None."""
        known = {name: round(float(value), 6) for name, value in numbers.items() if not math.isnan(value)}
        return cls(head, role_of(dict(known)), **known)

    def as_row(self) -> dict[str, Any]:
        """Give all attributes, the head by its name."""
        return asdict(self) | {"head": str(self.head)}


COLUMNS = tuple(field.name for field in fields(HeadCard))


def check_column(name: str) -> None:
    """Refuse the name of a column that there is not.

    Raises:
        InputError: the message tells which there are.
    """
    if name not in COLUMNS:
        raise InputError("there is no such column", where=f"--sort {name}", fix=f"name one of {', '.join(COLUMNS)}")


_BEST_IS_LEAST = ("aer", "aer_read")


@dataclass(frozen=True)
class BestAligner:
    """The cross-attention head that aligns best, chosen on one half of the gold pairs, measured on the other.

    Attributes:
        head: which.
        reading: how its rows are read.
        n_chosen: pairs of the half that it was chosen on.
        chosen: its score there.
        n_reported: pairs of the other half.
        reported: its score there.
        of_mean: the score there of the mean over all heads, rows belonging to the word emitted.
    """

    head: HeadName
    reading: Reading
    n_chosen: int
    chosen: AlignmentScore
    n_reported: int
    reported: AlignmentScore
    of_mean: AlignmentScore


@dataclass(frozen=True)
class Scorecard:
    """All heads of a model, measured.

    Attributes:
        heads: a card each.
        n_pairs: sentence pairs on which the heads were looked at.
        n_importance: those of them by which importance was measured.
        n_translated: those of them that were translated for BLEU.
        n_gold: pairs with gold alignments.
        loss: of the model with all heads, in nats a token.
        bleu: of the model with all heads; None where nothing was translated.
        aligner: the best aligning head; None without gold.
        agreement: rank correlation over all heads of `gradient_raw` and `loss_lost`; NaN where either is the same
            for all.
    """

    heads: tuple[HeadCard, ...]
    n_pairs: int
    n_importance: int
    n_translated: int
    n_gold: int
    loss: float
    bleu: float | None
    aligner: BestAligner | None
    agreement: float

    def sorted_by(self, column: str) -> Sequence[HeadCard]:
        """Give the cards in the order of a column: numbers from the greatest, error rates from the least; None last.

        Raises:
            InputError: there is no such column.
        """
        check_column(column)
        if column == "head":
            return self.heads
        if column == "role":
            return sorted(self.heads, key=lambda card: card.role)
        sign = 1 if column in _BEST_IS_LEAST else -1
        known = [card for card in self.heads if getattr(card, column) is not None]
        rest = [card for card in self.heads if getattr(card, column) is None]
        return sorted(known, key=lambda card: sign * float(getattr(card, column))) + rest
