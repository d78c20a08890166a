"""A head record as JSON, and back: every label and every weight."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mtattn.heads.record import KINDS, AttentionMap, HeadRecord, Kind
from mtattn.text import json_line, without_controls


def _map(attention: AttentionMap) -> dict[str, Any]:
    return {
        "rows": attention.rows,
        "columns": attention.columns,
        "weights": attention.weights.astype(float).round(6).tolist(),
        **({"muted": [str(name) for name in attention.heads if name in attention.muted]} if attention.muted else {}),
    }


def to_object(record: HeadRecord) -> dict[str, Any]:
    """Put a record into dictionaries and lists; what they hold, `to_json` says."""
    return {
        "source": record.source,
        "target": record.target,
        "forced": record.forced,
        "words": {kind: _map(attention) for kind, attention in record.words.items()},
        "pieces": {kind: _map(attention) for kind, attention in record.pieces.items()},
        **({"untouched": asdict(record.untouched)} if record.untouched else {}),
    }


def from_object(found: dict[str, Any]) -> HeadRecord:
    """Read what `to_object` gives of a record whose heads are not switched; control characters become spaces.

    Raises:
        KeyError: something is missing.
        TypeError: something is of another kind.
        ValueError: labels and weights do not fit, or a row is no distribution.
    """

    def attention(kind: Kind, one: dict[str, Any]) -> AttentionMap:
        rows, columns = (tuple(map(without_controls, one[side])) for side in ("rows", "columns"))
        return AttentionMap(kind, rows, columns, np.array(one["weights"], dtype=np.float64))

    pieces, words = ({kind: attention(kind, found[unit][kind]) for kind in KINDS} for unit in ("pieces", "words"))
    source, target = without_controls(found["source"]), without_controls(found["target"])
    return HeadRecord(source, target, bool(found["forced"]), pieces, words)


def to_json(records: Sequence[HeadRecord]) -> str:
    """Write the record of a text, or those of the parts of a text that was split, as one line of JSON.

    Args:
        records: one, or the parts in their order.

    Returns:
        An object with `source`, `target`, `forced`, and, under `words` and `pieces`, a map for each
        kind of attention: the labels of `rows` (queries) and `columns` (keys), and `weights` as
        [layer][head][row][column], rounded to six places, and, where heads are muted, their names as `muted`,
        which a mean is to leave out; under `untouched`, where heads are switched, what the model does without. For
        several records an object with such objects under `parts`.
    """
    shown = [to_object(record) for record in records]
    return json_line(shown[0] if len(shown) == 1 else {"parts": shown})
