"""What a search finds, what it may find, and how it ranks that, whatever engine computes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

DEFAULT_LENGTH_PENALTY = 1.0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output of a search.

    Attributes:
        ids: its tokens, without <s> and </s>.
        log_prob: sum of its tokens' log-probabilities, </s> included, natural logarithm.
        score: log_prob by the length penalty; what the search ranks by.
        complete: False where the longest length allowed cut it off before </s>.
    """

    ids: list[int]
    log_prob: float
    score: float
    complete: bool = True


class Search(Protocol):
    """What a `Translator` needs of an engine."""

    @property
    def max_positions(self) -> int:
        """Longest source, in tokens, </s> included."""

    def __call__(
        self, sources: Sequence[Sequence[int]], beam: int, alpha: float = DEFAULT_LENGTH_PENALTY
    ) -> list[list[Hypothesis]]:
        """Find each source's hypotheses: greedily for a beam of 1, else by beam search.

        Args:
            sources: B sources' token ids, without </s>.
            beam: width of the beam.
            alpha: length penalty, see `length_penalty`.

        Returns:
            For each source, in order, at most `beam` hypotheses, the best score first.
        """


def length_penalty(n_tokens: int, alpha: float) -> float:
    """((5 + n) / 6)^alpha, Wu et al. 2016, eq. 14: 0 compares plain sums, larger favours longer outputs.

    Example:
        >>> length_penalty(1, 1.0), length_penalty(7, 1.0)
        (1.0, 2.0)
    """
    return float(((5 + n_tokens) / 6) ** alpha)


def longest_output(n_src_tokens: int, max_positions: int) -> int:
    """Bound the tokens of an output, </s> included: twice its source and 10 more, within the positions.

    One position is left for <s>, so that what was found can be read again.

    Example:
        >>> longest_output(4, 256), longest_output(200, 256)
        (18, 255)
    """
    return min(2 * n_src_tokens + 10, max_positions - 1)
