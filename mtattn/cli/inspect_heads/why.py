"""`--why`: what an output word is due to, by four measures."""

from rich.console import Console

from mtattn.cli.common import rendered
from mtattn.cli.inspect_heads.passes import Passes
from mtattn.cli.inspect_heads.wording import WHY
from mtattn.cli.inspect_heads.words import find_word
from mtattn.heads.attribution import attribute
from mtattn.heads.capture import Labels
from mtattn.heads.views.attribution import attribution_json, show_attribution


def why(
    passes: Passes,
    text: str,
    asked: str,
    layer: int | None,
    head: int | None,
    language: str,
    console: Console | None,
) -> str:
    """Measure and show why a word stands in the output; JSON where there is no console to draw on.

    Raises:
        InputError: the text is too long, or there is no such word, layer or head.
    """
    model, tokenizer = passes.search.model, passes.tokenizer
    source, target = passes.only(text, "--why")
    word = find_word(Labels.until_eos(tokenizer, target).words.labels, asked, "--why")
    found = attribute(model, tokenizer, source, target, word, layer=layer, head=head, forced=passes.forced)
    if console is None:
        return attribution_json(found)
    return rendered(console, show_attribution(found, WHY[language], console.width))
