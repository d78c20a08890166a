"""Head records made of drawn weights, for the views: they know nothing of models."""

import numpy as np

from mtattn.heads.record import AttentionMap, HeadRecord, Kind

# What would run, close, turn around or colour the page or terminal that took it for more than text.
HOSTILE = (
    "</script><img",
    "src=x",
    "onerror=alert(1)>",
    "\"'&<!--",
    "\u202eevil\u202c",
    "\x1b[31mred",
    "\u2028]]>",
    "{{7*7}}$policy",
)


def record(source: str, target: str, *, seed: int = 0, n_layers: int = 2, n_heads: int = 4) -> HeadRecord:
    """Draw a record between words that are split at spaces; its pieces are the words' halves."""
    draw = np.random.default_rng(seed)

    def attention(kind: Kind, rows: list[str], columns: list[str]) -> AttentionMap:
        weights = draw.dirichlet(np.full(len(columns), 0.3), size=(n_layers, n_heads, len(rows)))
        if kind == "decoder":
            weights = np.tril(weights) + 1e-6 * np.tril(np.ones(weights.shape))
            weights /= weights.sum(axis=-1, keepdims=True)
        return AttentionMap(kind, tuple(rows), tuple(columns), weights)

    def maps(src: list[str], tgt: list[str]) -> dict[Kind, AttentionMap]:
        return {
            "cross": attention("cross", [*tgt, "</s>"], [*src, "</s>"]),
            "encoder": attention("encoder", [*src, "</s>"], [*src, "</s>"]),
            "decoder": attention("decoder", [*tgt, "</s>"], ["<s>", *tgt]),
        }

    def halves(words: list[str]) -> list[str]:
        return [piece for word in words for piece in (f"▁{word[:2]}", word[2:]) if piece]

    src, tgt = source.split(" "), target.split(" ")
    return HeadRecord(source, target, False, maps(halves(src), halves(tgt)), maps(src, tgt))
