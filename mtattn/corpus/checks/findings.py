"""What a check finds: where, of which kind, and in plain words."""

from dataclasses import dataclass
from typing import Literal, get_args

from mtattn.text import without_controls

ErrorKind = Literal["broken", "blank", "encoding", "duplicate", "leak", "copied", "swapped", "language"]
WarningKind = Literal["length", "marks", "unbalanced", "space", "repeated", "near-copy"]
Kind = ErrorKind | WarningKind

ERRORS: tuple[ErrorKind, ...] = get_args(ErrorKind)
WARNINGS: tuple[WarningKind, ...] = get_args(WarningKind)

SIDES = ("source", "target")

_EXCERPT = 60  # characters


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        place: FILE:LINE; a file alone where all of it is concerned.
        kind: one of `ERRORS` or `WARNINGS`.
        what: what is wrong, without the final stop.
    """

    place: str
    kind: Kind
    what: str

    @property
    def level(self) -> Literal["error", "warning"]:
        """Whether it would harm a training for certain."""
        return "error" if self.kind in ERRORS else "warning"

    def __str__(self) -> str:
        return without_controls(f"{self.place}: {self.kind}: {self.what}")


def excerpt(text: str) -> str:
    """Quote a sentence, its end left out where it is long."""
    return f"“{text if len(text) <= _EXCERPT else text[: _EXCERPT - 1].rstrip() + '…'}”"
