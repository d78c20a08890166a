"""BLEU and chrF of translations, by sacreBLEU, on detokenised text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU, CHRF

from mtattn.corpus.pairs import Pair
from mtattn.decoding.translator import Translator


@dataclass(frozen=True)
class Scores:
    """Corpus scores, 0 to 100, with the signatures that let others repeat them.

    Attributes:
        bleu: BLEU, 13a tokenisation, mixed case, one reference.
        chrf: chrF2.
        bleu_signature: sacreBLEU's own description of how `bleu` was computed.
        chrf_signature: the same of `chrf`.
        n_pairs: sentences scored.
        beam: width of the beam that translated them; 1 = greedy.
    """

    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str
    n_pairs: int
    beam: int


def score(hypotheses: Sequence[str], references: Sequence[str], beam: int) -> Scores:
    """Compare translations with one reference each.

    Args:
        hypotheses: translations, detokenised.
        references: as many references.
        beam: width of the beam that made them.

    Raises:
        ValueError: their numbers differ, or there are none.
    """
    if len(hypotheses) != len(references) or not references:
        raise ValueError(f"{len(hypotheses)} translations and {len(references)} references")
    bleu, chrf = BLEU(), CHRF()
    return Scores(
        bleu=bleu.corpus_score(list(hypotheses), [list(references)]).score,
        chrf=chrf.corpus_score(list(hypotheses), [list(references)]).score,
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
        n_pairs=len(references),
        beam=beam,
    )


def evaluate(
    translator: Translator,
    pairs: Sequence[Pair],
    beam: int,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[Scores, list[str]]:
    """Translate the sources and score the translations against the targets.

    Args:
        translator: of the run.
        pairs: at least one.
        beam: width of the beam; 1 = greedy.
        on_progress: called with the number of sentences translated since the call before.

    Returns:
        The scores, and the translations in the order of the pairs.
    """
    translated = translator.translate([pair.src for pair in pairs], beam=beam, on_progress=on_progress)
    hypotheses = [result.translations[0].text for result in translated]
    return score(hypotheses, [pair.tgt for pair in pairs], beam), hypotheses
