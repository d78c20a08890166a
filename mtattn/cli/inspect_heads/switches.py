"""`mtattn inspect-heads --mute`, `--only`, `--uniform`: records of a model with heads switched."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mtattn.text import normalise

if TYPE_CHECKING:
    from mtattn.decoding.search import TorchSearch
    from mtattn.heads.record import HeadRecord
    from mtattn.heads.switches import Switches
    from mtattn.tokenizer import Tokenizer

Records = Callable[[str], Iterable["HeadRecord"]]


def with_switches(
    records: Records, search: "TorchSearch", tokenizer: "Tokenizer", switches: "Switches", beam: int
) -> Records:
    """Make records with heads switched, each with what the model does without.

    Args:
        records: makes a text's records with the model of `search`.
        search: of the model as it was trained.
        tokenizer: its own.
        switches: what is changed.
        beam: width with which the untouched output is searched for.

    Raises:
        InputError: the model has no such head.
    """
    from mtattn.decoding.search import forced_log_probs
    from mtattn.heads.record import Untouched
    from mtattn.heads.switches import switched

    switches.check(search.model)

    def compared(text: str) -> Iterable["HeadRecord"]:
        with switched(search.model, switches):
            changed = list(records(text))
        for record in changed:
            source = tokenizer.encode(record.source)
            target = tokenizer.encode(record.target) if record.forced else search([source], beam)[0][0].ids
            (before,) = forced_log_probs(search.model, [source], [target])
            with switched(search.model, switches):
                (after,) = forced_log_probs(search.model, [source], [target])
            log_probs = round(sum(before), 6), round(sum(after), 6)
            untouched = Untouched(switches.named(), normalise(tokenizer.decode(target)), *log_probs)
            yield replace(record, untouched=untouched)

    return compared
