"""`--why`: what an output word is due to, by four measures."""

from collections.abc import Sequence

from rich.console import Console

from mtattn.cli.common import rendered
from mtattn.cli.inspect_heads.wording import WHY
from mtattn.cli.inspect_heads.words import find_word
from mtattn.heads.attribution import attribute
from mtattn.heads.capture import Labels
from mtattn.heads.views.attribution import attribution_json, show_attribution
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer


def why(
    asked: str,
    model: Transformer,
    tokenizer: Tokenizer,
    source: Sequence[int],
    target: Sequence[int],
    *,
    forced: bool,
    layer: int | None,
    head: int | None,
    language: str,
    console: Console | None,
) -> str:
    """Measure and show why a word stands in the output; JSON where there is no console to draw on.

    Raises:
        InputError: there is no such word, layer or head.
    """
    word = find_word(Labels.until_eos(tokenizer, target).words.labels, asked, "--why")
    found = attribute(model, tokenizer, source, target, word, layer=layer, head=head, forced=forced)
    if console is None:
        return attribution_json(found)
    return rendered(console, show_attribution(found, WHY[language], console.width))
