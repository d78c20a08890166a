"""A head record as JSON: every label and every weight."""

import json
from typing import Any

from mtattn.heads.record import AttentionMap, HeadRecord


def _map(attention: AttentionMap) -> dict[str, Any]:
    return {
        "rows": attention.rows,
        "columns": attention.columns,
        "weights": attention.weights.astype(float).round(6).tolist(),
    }


def to_json(record: HeadRecord) -> str:
    """Write a record as one line of JSON.

    Returns:
        An object with `source`, `target`, `forced`, and, under `words` and `pieces`, a map for each
        kind of attention: the labels of `rows` (queries) and `columns` (keys), and `weights` as
        [layer][head][row][column], rounded to six places.
    """
    return json.dumps(
        {
            "source": record.source,
            "target": record.target,
            "forced": record.forced,
            "words": {kind: _map(attention) for kind, attention in record.words.items()},
            "pieces": {kind: _map(attention) for kind, attention in record.pieces.items()},
        },
        ensure_ascii=False,
    )
