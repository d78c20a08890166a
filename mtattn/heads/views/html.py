"""Head records as a page: one file that asks nothing of any network."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from string import Template

from mtattn.heads.record import HeadRecord, Kind
from mtattn.heads.views.colours import THEMES, css, ink, paper
from mtattn.heads.views.json import to_object
from mtattn.text import json_line
from mtattn.tokenizer import BOS_LABEL, EOS_LABEL

_PAGE = Path(__file__).with_name("page")
_SCRIPTS = ("maps.js", "drawing.js", "pointing.js")


def to_html(
    sentences: Sequence[Sequence[HeadRecord]],
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
) -> str:
    """Write a page that shows sentences with all their heads.

    Args:
        sentences: one at least, each a list of its records; the page shows the first of a list.
        kind: which attention is shown at first; so too the others, see `terminal.show`.
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.
        subwords: between pieces instead of words.

    Returns:
        HTML. Its content security policy allows the page's own style and script, by their hashes, and nothing else.

    Raises:
        InputError: there is no such layer or head.
    """
    sentences[0][0].words[kind].select(layer, head)
    data = {
        "start": {"kind": kind, "layer": layer, "head": head, "unit": "pieces" if subwords else "words"},
        "specials": [BOS_LABEL, EOS_LABEL],
        "colours": {
            theme: [[css(colour), css(ink(colour))] for colour in (paper(n / 100, theme) for n in range(101))]
            for theme in THEMES
        },
        "sentences": [[to_object(record) for record in records] for records in sentences],
    }
    style = _read("page.css")
    script = "\n".join(map(_read, _SCRIPTS))
    return Template(_read("page.html")).substitute(
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'",
        style=style,
        script=script,
        # Within a script element nothing but "<" can end it or open a comment.
        data=json_line(data).replace("<", "\\u003c"),
    )


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
