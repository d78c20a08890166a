"""Which engine translates with a run: torch, or CTranslate2, which is quicker and needs no torch.

What an engine needs is imported once it is taken, not before.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from mtattn.errors import EngineError

if TYPE_CHECKING:
    from mtattn.decoding.hypothesis import Search
    from mtattn.decoding.translator import Translator
    from mtattn.run import RunFolder
    from mtattn.tokenizer import Tokenizer


class Engine(StrEnum):
    """An engine, or the quickest that there is."""

    AUTO = "auto"
    TORCH = "torch"
    CTRANSLATE2 = "ctranslate2"


def open_translator(run: "RunFolder", engine: Engine, note: Callable[[str], None]) -> "Translator":
    """Load what is needed to translate with a run.

    Args:
        run: the run.
        engine: AUTO is CTRANSLATE2 where it is installed and the run has been exported as it is now, else TORCH.
        note: told why an export is left aside.

    Raises:
        EngineError: CTRANSLATE2 was asked for and cannot be used.
        RunError: a file of the run is missing or damaged.
        ConfigError: its settings are unknown or impossible.
    """
    from mtattn.decoding.translator import Translator

    tokenizer = run.tokenizer()
    return Translator(_open_search(run, tokenizer, engine, note), tokenizer)


def _open_search(run: "RunFolder", tokenizer: "Tokenizer", engine: Engine, note: Callable[[str], None]) -> "Search":
    from mtattn.decoding.ctranslate2 import has_export, open_export

    if engine is Engine.CTRANSLATE2 or (engine is Engine.AUTO and has_export(run)):
        try:
            return open_export(run, tokenizer)
        except EngineError as error:
            if engine is Engine.CTRANSLATE2:
                raise
            note(f"{error}; translating with torch meanwhile")

    from mtattn.decoding.search import TorchSearch
    from mtattn.weights import load_model

    return TorchSearch(load_model(run, tokenizer.vocab_size))
