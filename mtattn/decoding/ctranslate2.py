"""The searches of `search` by CTranslate2: several times quicker, and without torch.

A run's export lies in its own folder, beside a record of the weights that it was made of and of its own bytes.
The record tells accidents: files that were damaged or mixed up are not loaded, which CTranslate2 itself may not
survive. It is no seal: whoever means harm can write a record that fits. Leave a stranger's export out.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from mtattn.decoding.hypothesis import DEFAULT_LENGTH_PENALTY, Hypothesis, length_penalty, longest_output
from mtattn.errors import EngineError
from mtattn.files import file_sha256
from mtattn.run import MODEL, RunFolder
from mtattn.tokenizer import BOS, EOS, PAD, UNK, Tokenizer

EXPORT, RECORD = "ctranslate2", "mtattn.json"
_FILES = ("config.json", "model.bin", "shared_vocabulary.json")  # what CTranslate2 reads of it
# CTranslate2 ends a search as soon as the best beginning has ended where there is no penalty at all. This
# one changes no score, float32's own precision being coarser.
_NO_PENALTY = 1e-9


def import_ctranslate2() -> ModuleType:
    """Import CTranslate2, which mtattn works without.

    Raises:
        EngineError: it is not installed.
    """
    try:
        import ctranslate2
    except ImportError as error:
        raise EngineError(
            f"CTranslate2 cannot be imported ({error})", fix="install it with `pip install ctranslate2`"
        ) from error
    module: ModuleType = ctranslate2
    return module


def export_record(run: RunFolder, folder: Path) -> dict[str, Any]:
    """Say what an export is made of, and what it is: the SHA-256 of the run's present weights and of each file.

    Raises:
        RunError: the run has no weights.
        OSError: a file of the export is missing.
    """
    return {
        "weights_sha256": file_sha256(run.readable(MODEL)),
        "files_sha256": {name: file_sha256(folder / name) for name in _FILES},
    }


def has_export(run: RunFolder) -> bool:
    """Say whether something was exported into the run's folder, of the present weights or not."""
    return (run.path / EXPORT).exists()


def open_export(run: RunFolder, tokenizer: Tokenizer) -> "CTranslate2Search":
    """Load a run's export.

    Args:
        run: the run.
        tokenizer: its own.

    Raises:
        EngineError: CTranslate2 is not installed, or the export is missing, damaged, or of other weights: its files
            and the run's are not those that were recorded as it was made.
        RunError: the run has no weights.
        ConfigError: its settings are unknown or impossible.
    """
    folder = run.path / EXPORT
    again = f"export the run with `mtattn export --to ctranslate2 --run {run.path}`"
    if not folder.exists():
        raise EngineError("the run has not been exported", where=run.path, fix=again)
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
        weights, files = record["weights_sha256"], record["files_sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EngineError("this is no export of this version of mtattn", where=folder, fix=again) from error
    try:
        present = export_record(run, folder)
    except OSError as error:
        raise EngineError(f"the export is damaged ({error})", where=folder, fix=again) from error
    if weights != present["weights_sha256"]:
        raise EngineError("the export is not of the run's present weights", where=folder, fix=again)
    if files != present["files_sha256"]:
        raise EngineError("the export is damaged: its files are not those that were written", where=folder, fix=again)
    try:
        return CTranslate2Search(folder, tokenizer.pieces, run.config().model.max_positions)
    except (RuntimeError, ValueError) as error:
        raise EngineError(f"the export is damaged ({error})", where=folder, fix=again) from error


class CTranslate2Search:
    """Finds what `TorchSearch` finds, up to the rounding of the arithmetic.

    CTranslate2 rules tokens out before the softmax, `search` behind it: these log-probabilities are higher by
    the share of <pad>, <s> and <unk>, some 1e-4 a token. Where more hypotheses end at once than are wanted, it
    keeps the likeliest of all, `search` those that ended first. A source without a token, which no text that is
    not blank has, gets empty outputs.

    Args:
        folder: an export.
        pieces: the vocabulary, in the order of ids.
        max_positions: longest source and output, in tokens.

    Raises:
        EngineError: CTranslate2 is not installed.
        RuntimeError: the folder holds no model that it can load.
    """

    def __init__(self, folder: Path, pieces: Sequence[str], max_positions: int) -> None:
        self.max_positions = max_positions
        self._pieces = pieces
        self._ids = {piece: i for i, piece in enumerate(pieces)}
        self._translator = import_ctranslate2().Translator(str(folder), device="cpu")

    def __call__(
        self, sources: Sequence[Sequence[int]], beam: int, alpha: float = DEFAULT_LENGTH_PENALTY
    ) -> list[list[Hypothesis]]:
        """Find each source's hypotheses, see `Search`."""
        found: list[list[Hypothesis]] = [[] for _ in sources]
        # CTranslate2 takes one longest length a call.
        by_length = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        for n_tokens, group in groupby(by_length, key=lambda i: len(sources[i]) + 1):
            members = list(group)
            for i, result in zip(members, self._search([sources[i] for i in members], n_tokens, beam), strict=True):
                found[i] = self._ranked(result, alpha)
        return found

    def _search(self, sources: list[Sequence[int]], n_tokens: int, beam: int) -> list[Any]:
        results: list[Any] = self._translator.translate_batch(
            [[self._pieces[i] for i in (*source, EOS)] for source in sources],
            beam_size=beam,
            num_hypotheses=beam,
            length_penalty=_NO_PENALTY,
            suppress_sequences=[[self._pieces[i]] for i in (PAD, BOS, UNK)],
            max_input_length=0,
            min_decoding_length=0,
            max_decoding_length=longest_output(n_tokens, self.max_positions),
            return_scores=True,
            return_end_token=True,
        )
        return results

    def _ranked(self, result: Any, alpha: float) -> list[Hypothesis]:
        hypotheses = []
        for pieces, log_prob in zip(result.hypotheses, result.scores, strict=True):
            ids = [self._ids[piece] for piece in pieces]
            complete = ids[-1:] == [EOS]
            score = log_prob / length_penalty(len(ids), alpha)
            hypotheses.append(Hypothesis(ids[:-1] if complete else ids, log_prob, score, complete))
        return sorted(hypotheses, key=lambda h: -h.score)
