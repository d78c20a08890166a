"""`--explain`: one row of a head, step by step."""

from rich.console import Console

from mtattn.cli.common import rendered
from mtattn.cli.inspect_heads.passes import Passes
from mtattn.cli.inspect_heads.wording import EXPLAIN
from mtattn.cli.inspect_heads.words import find_word
from mtattn.heads.capture import capture, labels_of
from mtattn.heads.microscope import look, most_sure
from mtattn.heads.record import Kind
from mtattn.heads.views.microscope import row_json, show_row


def explain(
    passes: Passes,
    text: str,
    asked: str,
    kind: Kind,
    layer: int | None,
    head: int | None,
    subwords: bool,
    language: str,
    console: Console | None,
) -> str:
    """Follow a row through a head and show it; JSON where there is no console to draw on.

    The row is a word's first piece that has more than its space, or, where `subwords`, the piece that is asked for.
    The head is the one that is named, else the one most sure of a token, of those that are not muted.

    Raises:
        InputError: the text is too long, or there is no such word, layer or head.
    """
    model, tokenizer = passes.search.model, passes.tokenizer
    source, target = passes.only(text, "--explain")
    rows, _ = labels_of(tokenizer, source, target)[kind]
    if subwords:
        row = find_word(rows.pieces, asked, "--explain")
    else:
        word = find_word(rows.words.labels, asked, "--explain")
        of_word = [t for t, member in enumerate(rows.words.members) if member == word]
        row = next((t for t in of_word if rows.pieces[t].strip("▁")), of_word[0])
    attention = capture(model, tokenizer, source, target, forced=passes.forced).pieces[kind]
    heads = attention.named(layer, head)
    heads = [name for name in heads if name not in attention.muted] or heads
    name = most_sure(attention, row, heads)
    found = look(model, tokenizer, source, target, name, row, n_considered=len(heads), forced=passes.forced)
    if console is None:
        return row_json(found)
    return rendered(console, show_row(found, EXPLAIN[language], console.width))
