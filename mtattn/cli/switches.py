"""The options that switch heads, and a translation with switches beside the one without."""

from typing import TYPE_CHECKING, Annotated

import typer

from mtattn.cli.common import translations_json
from mtattn.decoding.engines import Engine
from mtattn.text import json_line

if TYPE_CHECKING:
    from mtattn.decoding.translator import Translated, Translator
    from mtattn.heads.switches import Switches

_PANEL = "Heads switched"

MuteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mute",
        help="Switch this head off; may be given several times.",
        metavar="KIND.LAYER.HEAD",
        rich_help_panel=_PANEL,
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Keep this head of its kind of attention and mute all others of that kind; several times: keep several.",
        metavar="KIND.LAYER.HEAD",
        rich_help_panel=_PANEL,
    ),
]
UniformOption = Annotated[
    list[str] | None,
    typer.Option(
        "--uniform",
        help="Let this head attend evenly to all that it may see; may be given several times.",
        metavar="KIND.LAYER.HEAD",
        rich_help_panel=_PANEL,
    ),
]


def read_switches(mute: list[str] | None, only: list[str] | None, uniform: list[str] | None) -> "Switches | None":
    """Read the three options; None where none was given, and then nothing heavy is imported.

    Raises:
        InputError: a name is none, or a head is to be muted and kept.
    """
    if not (mute or only or uniform):
        return None
    from mtattn.heads.record import HeadName
    from mtattn.heads.switches import Switches

    return Switches(*(tuple(map(HeadName.parse, names or ())) for names in (mute, only, uniform)))


def engine_with(switches: "Switches | None", engine: Engine) -> Engine:
    """Settle on torch where heads are switched: CTranslate2 has no switches."""
    if switches and engine is Engine.CTRANSLATE2:
        raise typer.BadParameter("--mute, --only and --uniform need torch: leave out --engine ctranslate2")
    return Engine.TORCH if switches else engine


def switched_translator(translator: "Translator", switches: "Switches") -> "Translator":
    """Give a translator by torch another beside it that has the same model, but with heads switched.

    Raises:
        InputError: the model has no such head.
    """
    from mtattn.decoding.search import TorchSearch
    from mtattn.decoding.translator import Translator
    from mtattn.heads.switches import SwitchedSearch

    assert isinstance(translator.search, TorchSearch)
    return Translator(SwitchedSearch(translator.search.model, switches), translator.tokenizer)


def compared(untouched: "Translated", switched: "Translated", switches: "Switches", as_json: bool) -> str:
    """Write what the switches make of a translation, in one line."""
    from mtattn.heads.views.changes import mark_changes

    if as_json:
        translations = {"translations": translations_json(switched), "untouched": translations_json(untouched)}
        return json_line({"source": untouched.source, **translations, "switches": switches.named()})
    before, after = untouched.translations[0], switched.translations[0]
    if not before.text and not after.text:
        return ""
    return "\t".join([*mark_changes(before.text, after.text), f"{before.log_prob:.4f}", f"{after.log_prob:.4f}"])
