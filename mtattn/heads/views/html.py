"""Head records as a page: one file that asks nothing of any network."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from mtattn.heads.history import Frame, head_to_show
from mtattn.heads.record import HeadRecord, Kind
from mtattn.heads.views.colours import THEMES, css, ink, paper
from mtattn.heads.views.json import to_object
from mtattn.text import json_line
from mtattn.tokenizer import BOS_LABEL, EOS_LABEL

_PAGE = Path(__file__).with_name("page")
_SCRIPTS = ("maps.js", "drawing.js", "history.js", "pointing.js")


def to_html(
    sentences: Sequence[Sequence[HeadRecord]],
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
    validations: Sequence[dict[str, Any]] = (),
) -> str:
    """Write a page that shows sentences with all their heads.

    Args:
        sentences: one at least, each a list of its records: one, or one for each validation.
        kind: which attention is shown at first; so too the others, see `terminal.show`.
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.
        subwords: between pieces instead of words.
        validations: what is told of each, where the records are those of a training; see `history_to_html`.

    Returns:
        HTML. Its content security policy allows the page's own style and script, by their hashes, and nothing else.

    Raises:
        InputError: there is no such layer or head.
    """
    sentences[0][0].words[kind].named(layer, head)  # refuses numbers that there are not
    data = {
        "start": {"kind": kind, "layer": layer, "head": head, "unit": "pieces" if subwords else "words"},
        "specials": [BOS_LABEL, EOS_LABEL],
        "colours": {
            theme: [[css(colour), css(ink(colour))] for colour in (paper(n / 100, theme) for n in range(101))]
            for theme in THEMES
        },
        "validations": validations,
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


def history_to_html(
    frames: Sequence[Frame],
    probes: Sequence[int],
    *,
    kind: Kind = "cross",
    layer: int | None = None,
    head: int | None = None,
    subwords: bool = False,
) -> str:
    """Write the page with a slider over the validations of a training, the last one shown at first.

    Args:
        frames: of a run, at least one.
        probes: the sentences of the page, counted from 0.
        kind: see `to_html`.
        layer: from 1; None, and no head either = see `heads.history.head_to_show`.
        head: from 1; likewise.
        subwords: see `to_html`.

    Raises:
        InputError: there is no such layer or head.
    """
    named = head_to_show(frames, kind, layer, head)
    if named:
        layer, head = named.layer, named.head
    validations = []
    for frame in frames:
        told = {key: value for key, value in frame.as_object().items() if key != "probes"}
        validations.append(told | {"translations": [frame.probes[probe].translation for probe in probes]})
    sentences = [[frame.probes[probe].record for frame in frames] for probe in probes]
    return to_html(sentences, kind=kind, layer=layer, head=head, subwords=subwords, validations=validations)


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
