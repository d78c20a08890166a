"""`mtattn inspect-heads --mute`, `--only`, `--uniform`: records of a model with heads switched."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mtattn.text import normalise

if TYPE_CHECKING:
    from mtattn.cli.inspect_heads.passes import Passes
    from mtattn.heads.record import HeadRecord
    from mtattn.heads.switches import Switches


def switched_records(passes: "Passes", switches: "Switches") -> Callable[[str], Iterable["HeadRecord"]]:
    """Make what records a text with heads switched, each record with what the model does without.

    Raises:
        InputError: the model has no such head.
    """
    from mtattn.decoding.search import forced_log_probs
    from mtattn.heads.record import Untouched
    from mtattn.heads.switches import switched

    search, tokenizer = passes.search, passes.tokenizer
    switches.check(search.model)

    def compared(text: str) -> Iterable["HeadRecord"]:
        with switched(search.model, switches):
            changed = list(passes.records(text))
        for record in changed:
            source = tokenizer.encode(record.source)
            target = tokenizer.encode(record.target) if record.forced else search([source], passes.beam)[0][0].ids
            (before,) = forced_log_probs(search.model, [source], [target])
            with switched(search.model, switches):
                (after,) = forced_log_probs(search.model, [source], [target])
            log_probs = round(sum(before), 6), round(sum(after), 6)
            untouched = Untouched(switches.named(), normalise(tokenizer.decode(target)), *log_probs)
            yield replace(record, untouched=untouched)

    return compared
