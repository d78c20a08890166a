"""Attention weights that never part from their labels: numbers, names, nothing of the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from mtattn.errors import InputError

Kind = Literal["cross", "encoder", "decoder"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Reading = Literal["emitted", "read"]
"""Which word a row of the cross-attention belongs to: the one that its step emits, or the one that it reads."""
READINGS: tuple[Reading, ...] = get_args(Reading)


class HeadName(NamedTuple):
    """One head of a model, written `cross.2.5`: kind, layer and head, both from 1.

    Example:
        >>> str(HeadName("cross", 2, 5)), HeadName.parse("encoder.1.8").head
        ('cross.2.5', 8)
    """

    kind: Kind
    layer: int
    head: int

    def __str__(self) -> str:
        return f"{self.kind}.{self.layer}.{self.head}"

    @classmethod
    def parse(cls, text: str) -> "HeadName":
        """Read a name.

        Raises:
            InputError: it is none.
        """
        kind, *numbers = text.split(".")
        for known in KINDS:
            if kind == known and len(numbers) == 2 and all(n.isdecimal() and int(n) for n in numbers):
                return cls(known, int(numbers[0]), int(numbers[1]))
        raise InputError(
            "this names no head", where=text, fix=f"write kind.layer.head, such as cross.2.5; kinds: {', '.join(KINDS)}"
        )


@dataclass(frozen=True)
class AttentionMap:
    """The weights of one kind of attention over one sentence, for all layers and heads.

    Row t is a query: for cross- and decoder attention the step that *emits* output token t, for encoder
    attention source token t. Column s is a key: a source token, or for decoder attention the token *read*.

    Attributes:
        kind: which attention.
        rows: T_q labels.
        columns: T_k labels.
        weights: float (L, H, T_q, T_k), each row a distribution: >= 0, of sum 1 within 1e-3.
        muted: heads whose answers went nowhere; their weights are what they would look at.

    Raises:
        ValueError: labels and weights do not fit, or a row is no distribution.
    """

    kind: Kind
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: NDArray[np.floating]
    muted: frozenset[HeadName] = frozenset()

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 4 or shape[2:] != (len(self.rows), len(self.columns)):
            raise ValueError(
                f"weights of shape {shape} do not fit {len(self.rows)} rows and {len(self.columns)} columns"
            )
        if not np.isfinite(self.weights).all() or (self.weights < 0).any():
            raise ValueError("a weight is negative or not finite")
        if not np.allclose(self.weights.sum(axis=-1), 1, atol=1e-3):
            raise ValueError("a row does not sum to 1")

    @property
    def n_layers(self) -> int:
        """L, the number of layers."""
        return int(self.weights.shape[0])

    @property
    def n_heads(self) -> int:
        """H, the heads of each layer."""
        return int(self.weights.shape[1])

    @property
    def heads(self) -> list[HeadName]:
        """The names of all heads, layer by layer."""
        return [
            HeadName(self.kind, layer, head)
            for layer in range(1, self.n_layers + 1)
            for head in range(1, self.n_heads + 1)
        ]

    def named(self, layer: int | None = None, head: int | None = None) -> list[HeadName]:
        """Name the heads that a layer and a head number, from 1, leave; None leaves all.

        Raises:
            InputError: there is no such layer or head.
        """
        for what, number, count in (("layer", layer, self.n_layers), ("head", head, self.n_heads)):
            if number is not None and not 1 <= number <= count:
                raise InputError(
                    f"there is no {what} {number}",
                    where=f"--{what} {number}",
                    fix=f"name one of 1 to {count}",
                )
        return [name for name in self.heads if layer in (None, name.layer) and head in (None, name.head)]

    def select(self, layer: int | None = None, head: int | None = None) -> "Selection":
        """Take one head's weights, or the mean over what is not named, muted heads left out.

        Where all that would be averaged are muted, the mean is over them. The name says what is muted.

        Args:
            layer: from 1; None = the mean over all layers.
            head: from 1; None = the mean over all heads.

        Raises:
            InputError: there is no such layer or head.
        """
        named = self.named(layer, head)
        heard = [one for one in named if one not in self.muted] or named
        averaged = np.zeros(self.weights.shape[:2], dtype=bool)
        averaged[[one.layer - 1 for one in heard], [one.head - 1 for one in heard]] = True
        chosen = self.weights[averaged].mean(axis=0)  # (T_q, T_k)
        if layer and head:
            name = f"{self.kind}.{layer}.{head}"
        elif layer:
            name = f"mean of the {self.n_heads} heads of {self.kind}.{layer}"
        elif head:
            name = f"mean of head {head} over the {self.n_layers} layers of {self.kind}"
        else:
            name = f"mean of all {self.n_layers} × {self.n_heads} heads of {self.kind}"
        if heard[0] in self.muted:
            name += ", muted" if len(named) == 1 else ", all muted"
        elif len(heard) < len(named):
            name += f", {len(named) - len(heard)} muted left out"
        return Selection(name, self.rows, self.columns, chosen)

    def merged(self, rows: "Groups", columns: "Groups") -> "AttentionMap":
        """Put pieces together to words.

        A word as a key gets what its pieces get together (sum); a word as a query attends as its pieces
        do on average (mean). So each row still sums to 1.

        Args:
            rows: the words that the rows' pieces belong to.
            columns: the words that the columns' pieces belong to.
        """
        to_columns = np.eye(len(columns.labels))[list(columns.members)]  # (T_k, words)
        to_rows = np.eye(len(rows.labels))[list(rows.members)]  # (T_q, words)
        to_rows /= to_rows.sum(axis=0)
        return AttentionMap(self.kind, rows.labels, columns.labels, to_rows.T @ self.weights @ to_columns, self.muted)


@dataclass(frozen=True)
class Groups:
    """Which word each piece belongs to.

    Attributes:
        labels: the words.
        members: for each piece the index of its word; each word has at least one.
    """

    labels: tuple[str, ...]
    members: tuple[int, ...]

    @classmethod
    def of(cls, words: Sequence[str], word_of_piece: Sequence[int], *, first: str = "", last: str = "") -> "Groups":
        """Make groups of words, with a special token of its own before or behind them where named.

        Pieces that spell no word at all are together the word "▁".
        """
        words = [word or "▁" for word in words] if word_of_piece else ()
        before = int(bool(first))
        labels = ((first,) if first else ()) + tuple(words) + ((last,) if last else ())
        members = [0] * before + [before + word for word in word_of_piece]
        return cls(labels, tuple(members + ([len(labels) - 1] if last else [])))


@dataclass(frozen=True)
class Selection:
    """One matrix of weights, named.

    Attributes:
        name: the head, such as `cross.2.5`, or what was averaged, and what of it is muted.
        rows: T_q labels.
        columns: T_k labels.
        weights: (T_q, T_k), each row of sum 1.
    """

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: NDArray[np.floating]


@dataclass(frozen=True)
class Untouched:
    """What a model writes as it was trained, where a record shows it with heads switched.

    Attributes:
        switches: the heads of each switch.
        target: its own output, or the given one.
        log_prob: natural logarithm of the probability that it gives this output.
        log_prob_switched: the same by the model with its heads switched.
    """

    switches: dict[str, list[str]]
    target: str
    log_prob: float
    log_prob_switched: float

    @property
    def named(self) -> str:
        """The switches in words, such as `mute cross.2.5`."""
        return ", ".join(f"{switch} {name}" for switch, names in self.switches.items() for name in names)


@dataclass(frozen=True)
class HeadRecord:
    """Everything that a model's heads attended to while it wrote one output.

    Attributes:
        source: the source text.
        target: the output text.
        forced: the output was given, not found by the model.
        pieces: a map for each kind, between the tokenizer's pieces.
        words: the same between words.
        untouched: what heads without switches would do, where some are switched.
    """

    source: str
    target: str
    forced: bool
    pieces: dict[Kind, AttentionMap]
    words: dict[Kind, AttentionMap]
    untouched: Untouched | None = None
