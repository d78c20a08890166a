"""BLEU and chrF of translations, by sacreBLEU, on detokenised text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
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


_N_RESAMPLES, _RESAMPLING_SEED = 1000, 1


@dataclass(frozen=True)
class BleuLost:
    """By how much BLEU falls, with the 95% interval that resampled sentences give it."""

    lost: float
    low: float
    high: float


class Bootstrap:
    """Compares other translations with a system's own by the paired bootstrap (Koehn 2004, §4).

    Both systems are scored on the same 1,000 samples of the sentences, drawn with replacement from a fixed seed; the
    interval has 95% of the differences in it.

    Args:
        hypotheses: the system's translations, at least one.
        references: as many references.
    """

    def __init__(self, hypotheses: Sequence[str], references: Sequence[str]) -> None:
        n = len(references)
        self.references = references
        draws = np.random.default_rng(_RESAMPLING_SEED).multinomial(n, np.full(n, 1 / n), size=_N_RESAMPLES)
        self._draws = np.vstack([np.ones(n, dtype=draws.dtype), draws])  # the sentences as they are come first
        self._scores = self._resampled(hypotheses)

    @property
    def bleu(self) -> float:
        """The system's BLEU."""
        return float(self._scores[0])

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval that the samples give the system's BLEU."""
        low, high = np.quantile(self._scores[1:], [0.025, 0.975])
        return float(low), float(high)

    def lost(self, hypotheses: Sequence[str]) -> BleuLost:
        """Say how much worse other translations of the same sentences are."""
        lost = self._scores - self._resampled(hypotheses)
        low, high = np.quantile(lost[1:], [0.025, 0.975])
        return BleuLost(float(lost[0]), float(low), float(high))

    def _resampled(self, hypotheses: Sequence[str]) -> NDArray[np.float64]:
        """BLEU of all sentences, and of each sample of them."""
        metric = BLEU(effective_order=True)  # the counts of a sentence do not depend on it
        sentences = [
            metric.sentence_score(hypothesis, [reference])
            for hypothesis, reference in zip(hypotheses, self.references, strict=True)
        ]
        counts = np.array([[*one.counts, *one.totals, one.sys_len, one.ref_len] for one in sentences])  # (n, 10)
        return np.array(
            [
                BLEU.compute_bleu([*row[:4]], [*row[4:8]], row[8], row[9], smooth_method="exp").score
                for row in self._draws @ counts
            ]
        )
