"""From text to text: what is needed around a search to translate whole sentences and longer text."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mtattn.corpus.lengths import batches_by_length
from mtattn.decoding.hypothesis import DEFAULT_LENGTH_PENALTY, Hypothesis, Search
from mtattn.text import normalise
from mtattn.tokenizer import Tokenizer

DEFAULT_BEAM = 5
_BATCH_TOKENS = 4096
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True)
class Translation:
    """A translation and how good the model holds it to be.

    Attributes:
        text: one line.
        log_prob: natural logarithm of its probability, summed over tokens.
        score: log_prob by the length penalty, averaged over the pieces of split text.
        complete: False where it was cut off at the longest length allowed.
    """

    text: str
    log_prob: float
    score: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Translated:
    """A source and its translations, the best first; `n_parts` > 1 where it was too long and was split."""

    source: str
    translations: list[Translation]
    n_parts: int = 1


def split_long(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Split text that does not fit, at sentence ends, else between words, else anywhere.

    Args:
        text: any text.
        fits: whether a part is short enough; true of single characters.

    Example:
        >>> split_long("One two. Three four five six.", lambda text: len(text) <= 14)
        ['One two.', 'Three four', 'five six.']
    """
    if fits(text):
        return [text]
    parts = _SENTENCE_END.split(text)
    if len(parts) == 1:
        words = text.split()
        middle = len(words) // 2
        if middle:
            parts = [" ".join(words[:middle]), " ".join(words[middle:])]
        else:
            parts = [text[: len(text) // 2], text[len(text) // 2 :]]
    return [short for part in parts if part.strip() for short in split_long(part, fits)]


class Translator:
    """Translates with a trained model.

    Args:
        search: finds the outputs, by whatever engine.
        tokenizer: the one that its model was trained with.
    """

    def __init__(self, search: Search, tokenizer: Tokenizer) -> None:
        self.search = search
        self.tokenizer = tokenizer

    def fits(self, text: str) -> bool:
        """Say whether text has at most as many tokens, </s> included, as the model has positions."""
        return len(self.tokenizer.encode(text)) < self.search.max_positions

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = DEFAULT_BEAM,
        n_best: int = 1,
        alpha: float = DEFAULT_LENGTH_PENALTY,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Translated]:
        """Translate texts, batched by length.

        Args:
            texts: any number; blank ones become blank translations.
            beam: width of the beam; 1 = greedy.
            n_best: translations wanted for each text, at most `beam`.
            alpha: length penalty.
            on_progress: called with the number of parts translated since the call before.

        Returns:
            As many results as texts, in their order.
        """
        clean = [normalise(text) for text in texts]
        parts = [split_long(text, self.fits) if text else [] for text in clean]
        sources = [self.tokenizer.encode(part) for of_text in parts for part in of_text]
        found: dict[int, list[Hypothesis]] = {}
        for batch in batches_by_length([len(source) + 1 for source in sources], _BATCH_TOKENS // beam):
            for i, hypotheses in zip(batch, self.search([sources[i] for i in batch], beam, alpha), strict=True):
                found[i] = hypotheses[:n_best]
            if on_progress:
                on_progress(len(batch))
        in_order = (found[i] for i in range(len(sources)))
        return [
            Translated(text, self._join(of_text, in_order), max(1, len(of_text)))
            for text, of_text in zip(texts, parts, strict=True)
        ]

    def _join(self, parts: list[str], found: Iterator[list[Hypothesis]]) -> list[Translation]:
        """Put the translations of one text's parts together, the best with the best."""
        if not parts:
            return [Translation("", 0.0, 0.0, complete=True)]
        ranks = zip(*(next(found) for _ in parts), strict=False)
        return [
            Translation(
                text=normalise(" ".join(self.tokenizer.decode(hypothesis.ids) for hypothesis in rank)),
                log_prob=sum(hypothesis.log_prob for hypothesis in rank),
                score=sum(hypothesis.score for hypothesis in rank) / len(rank),
                complete=all(hypothesis.complete for hypothesis in rank),
            )
            for rank in ranks
        ]
