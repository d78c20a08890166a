"""A head record as JSON: every label and every weight."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mtattn.heads.record import AttentionMap, HeadRecord
from mtattn.text import json_line


def _map(attention: AttentionMap) -> dict[str, Any]:
    return {
        "rows": attention.rows,
        "columns": attention.columns,
        "weights": attention.weights.astype(float).round(6).tolist(),
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


def to_json(records: Sequence[HeadRecord]) -> str:
    """Write the record of a text, or those of the parts of a text that was split, as one line of JSON.

    Args:
        records: one, or the parts in their order.

    Returns:
        An object with `source`, `target`, `forced`, and, under `words` and `pieces`, a map for each
        kind of attention: the labels of `rows` (queries) and `columns` (keys), and `weights` as
        [layer][head][row][column], rounded to six places; under `untouched`, where heads are switched,
        what the model does without. For several records an object with such objects under `parts`.
    """
    shown = [to_object(record) for record in records]
    return json_line(shown[0] if len(shown) == 1 else {"parts": shown})
