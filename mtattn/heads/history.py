"""What the heads of a run did at each of its validations: a line of `history.jsonl` for each, nothing of the model."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtattn.errors import InputError, RunError
from mtattn.heads.card import HeadCard
from mtattn.heads.record import HeadName, HeadRecord, Kind
from mtattn.heads.views.json import from_object, to_object
from mtattn.run import HISTORY, RunFolder
from mtattn.text import without_controls


@dataclass(frozen=True)
class Probe:
    """A sentence that the model of one validation was looked at with.

    Attributes:
        record: of its heads while the model wrote the probe's output, or its own where none is given.
        translation: the model's own output, found greedily.
    """

    record: HeadRecord
    translation: str


@dataclass(frozen=True)
class Frame:
    """One validation.

    Attributes:
        step: after which it was made.
        bleu: of dev, greedy.
        n_pairs: pairs of dev on which all heads were looked at.
        n_gold: pairs with gold alignments on which those of the cross-attention were scored; may be none.
        heads: a card each, kind by kind and layer by layer.
        probes: in the order of the config, each with maps of these heads.

    Raises:
        ValueError: a probe's maps are of other heads.
    """

    step: int
    bleu: float
    n_pairs: int
    n_gold: int
    heads: tuple[HeadCard, ...]
    probes: tuple[Probe, ...]

    def __post_init__(self) -> None:
        names = [card.head for card in self.heads]
        for probe in self.probes:
            for maps in (probe.record.pieces, probe.record.words):
                if [name for attention in maps.values() for name in attention.heads] != names:
                    raise ValueError("the maps of a probe are of other heads than those measured")

    def as_object(self) -> dict[str, Any]:
        """Put the frame into dictionaries and lists, as `history.jsonl` has it.

        Returns:
            `step`, `dev_bleu_greedy`, `n_pairs`, `n_gold`; `heads`, a list of those attributes of each card that are
            known; `probes`, a list of records as `inspect-heads --json` shows them, each with its `translation`.
        """
        return {
            "step": self.step,
            "dev_bleu_greedy": round(self.bleu, 6),
            "n_pairs": self.n_pairs,
            "n_gold": self.n_gold,
            "heads": [{key: value for key, value in card.as_row().items() if value is not None} for card in self.heads],
            "probes": [{"translation": probe.translation, **to_object(probe.record)} for probe in self.probes],
        }

    @classmethod
    def from_object(cls, found: dict[str, Any]) -> "Frame":
        """Read what `as_object` gives; roles are named anew, by the numbers.

        Raises:
            InputError: a head has no name.
            KeyError: something is missing.
            TypeError: something is of another kind.
            ValueError: labels and weights do not fit, or a number is not finite.
        """
        return cls(
            step=int(found["step"]),
            bleu=_finite(found["dev_bleu_greedy"]),
            n_pairs=int(found["n_pairs"]),
            n_gold=int(found["n_gold"]),
            heads=tuple(map(_card, found["heads"])),
            probes=tuple(Probe(from_object(one), without_controls(one["translation"])) for one in found["probes"]),
        )


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return float(number)


def _card(row: dict[str, Any]) -> HeadCard:
    numbers = {name: _finite(value) for name, value in row.items() if name not in ("head", "role")}
    return HeadCard.of(HeadName.parse(row["head"]), numbers)


def read_history(run: RunFolder) -> list[Frame]:
    """Read what a training kept of its heads, at least one validation.

    Raises:
        RunError: the run has no history, or it is damaged; the message names the line.
    """
    path = run.path / HISTORY
    frames: list[Frame] = []
    lines = run.read(HISTORY).decode("utf-8", "replace").split("\n")[:-1] if path.is_file() else []
    for n, line in enumerate(lines, 1):
        try:
            frames.append(Frame.from_object(json.loads(line)))
            _check_that_it_goes_on(frames)
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise RunError(f"this line is no validation's ({error})", where=f"{path}:{n}") from error
    if not frames:
        raise RunError(
            "this run has no history of its heads: no validation was made yet, or an older mtattn trained it",
            where=run.path,
            fix="train one with `mtattn train`",
        )
    return frames


def _check_that_it_goes_on(frames: Sequence[Frame]) -> None:
    """Refuse a frame that does not fit the one before it."""
    *_, before, frame = [frames[0], *frames]
    if len(frames) > 1 and frame.step <= before.step:
        raise ValueError(f"step {frame.step} follows step {before.step}")
    for what, now, then in (
        ("heads", [card.head for card in frame.heads], [card.head for card in before.heads]),
        ("probes", [one.record.source for one in frame.probes], [one.record.source for one in before.probes]),
    ):
        if now != then:
            raise ValueError(f"its {what} are others than before")


def spread(frames: Sequence[Frame], n: int) -> list[Frame]:
    """Take n frames evenly, the first and the last among them, or all if there are no more."""
    if len(frames) <= n:
        return list(frames)
    return [frames[round(i * (len(frames) - 1) / (n - 1))] for i in range(n)]


def head_to_show(frames: Sequence[Frame], kind: Kind, layer: int | None, head: int | None) -> HeadName | None:
    """Choose the head whose maps are shown where neither layer nor head is named.

    Returns:
        In the cross-attention the one that aligns best in the end, elsewhere, or without gold alignments, the one that
        is the most confident; None = what the user named.
    """
    if layer or head:
        return None
    cards = [card for card in frames[-1].heads if card.head.kind == kind]
    return min(cards, key=lambda card: (card.aer if card.aer is not None else 1.0, -(card.confidence or 0.0))).head
