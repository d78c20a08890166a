"""Word alignment learned from sentence pairs alone: two hidden Markov models, one a direction, that learn to agree.

In one direction each target word j comes from a source word a_j, or with probability p_0 from none (Vogel et al. 1996):

    P(tgt, a | src) = Π_j p(a_j - a_{j-1}) t(tgt_j | src_{a_j})

A word that comes from none leaves the place a_{j-1} as it was (Och and Ney 2003). The other direction is the same with
the sides swapped. Both are trained by expectation maximisation, and a link counts for as much as both believe in it:
the product of their posteriors (Liang et al. 2006). The first rounds have no memory of a_{j-1} but prefer the diagonal:
IBM model 1 as in Dyer et al. 2013.

Shapes: n pairs of I source and J target words; pairs of one shape are computed together.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Counts = NDArray[np.float64]
Ids = NDArray[np.int64]
Cells = NDArray[np.int32]

_FROM_NONE = np.float32(0.07)  # p_0
_DIAGONAL = 4.0  # λ of Dyer et al.
_FARTHEST = 100  # jumps beyond count as this one
UNKNOWN = 0  # id of each word that is not in the training pairs
_LEAST = 1e-7  # probability of two words that never stood in a pair
_TINY = 1e-12


def diagonal_posterior(emission: Floats, null: Floats) -> Floats:
    """Say how probably each target word comes from each source word, by IBM model 1 with the diagonal preferred.

    Args:
        emission: (n, I, J), the probability of each target word if it comes from the source word.
        null: (n, J), if it comes from none.

    Returns:
        (n, I, J); what is missing in a column's sum to 1 is the probability of none.
    """
    _, n_src, n_tgt = emission.shape
    place = [(np.arange(size, dtype=np.float32) + 1) / (size + 1) for size in (n_src, n_tgt)]
    prior = np.exp(-_DIAGONAL * np.abs(place[0][:, None] - place[1]))
    joint = emission * ((1 - _FROM_NONE) * prior / prior.sum(axis=0))
    posterior: Floats = joint / (joint.sum(axis=1, keepdims=True) + _FROM_NONE * null[:, None])
    return posterior


def hmm_posterior(emission: Floats, null: Floats, jumps: Floats) -> tuple[Floats, Floats]:
    """Say how probably each target word comes from each source word, by the forward-backward algorithm.

    A state is the last source word that a target word came from; the first one is the start, before the first word.

    Args:
        emission: (n, I, J), as for `diagonal_posterior`.
        null: (n, J), likewise.
        jumps: (I + 1, I), the probability of each next source word, for each state.

    Returns:
        The posterior (n, I, J), as from `diagonal_posterior`, and how often each jump is to be expected, (I + 1, I).
    """
    n, n_src, n_tgt = emission.shape
    from_word = (1 - _FROM_NONE) * np.ascontiguousarray(emission.transpose(2, 0, 1))  # (J, n, I)
    from_none = (_FROM_NONE * null.T)[:, :, None]  # (J, n, 1)
    before = np.zeros((n_tgt, n, n_src + 1), dtype=np.float32)  # the states before each target word
    reached = np.empty_like(from_word)
    scale = np.empty_like(from_none)
    state = np.zeros((n, n_src + 1), dtype=np.float32)
    state[:, 0] = 1
    for j in range(n_tgt):
        before[j] = state
        reached[j] = _product(state, jumps) * from_word[j]
        state = state * from_none[j]
        state[:, 1:] += reached[j]
        scale[j] = state.sum(axis=1, keepdims=True)
        state /= scale[j]
    from_word /= scale
    from_none = from_none / scale
    behind = np.ones_like(state)  # how probable the rest is, from each state after the target word
    for j in reversed(range(n_tgt)):
        reached[j] *= behind[:, 1:] / scale[j]
        from_word[j] *= behind[:, 1:]
        behind = _product(from_word[j], jumps.T) + behind * from_none[j]
    expected = jumps * _product(before.reshape(-1, n_src + 1).T, from_word.reshape(-1, n_src))
    return reached.transpose(1, 2, 0), expected


def _product(a: Floats, b: Floats) -> Floats:
    """Multiply matrices; some BLAS kernels warn of an invalid number among what they read beyond a matrix's end."""
    with np.errstate(invalid="ignore"):
        product: Floats = a @ b
    assert np.isfinite(product).all()
    return product


class Direction:
    """The model of one direction: what it produces are words of one side, from words of the other.

    Attributes:
        translation: (K + 1,), the probability of the one word, given the other, of each of the K pairs of words that
            stood in a sentence pair; last, of any other.
        null: the probability of each produced word where it comes from none.
        jumps: (2 · _FARTHEST + 1,), weights of the jumps from -_FARTHEST.
    """

    def __init__(self, n_pairs: int, n_produced: int) -> None:
        self.translation = np.ones(n_pairs + 1, dtype=np.float32)
        self.null = np.ones(n_produced, dtype=np.float32)
        self.jumps = np.ones(2 * _FARTHEST + 1)

    def posterior(self, cells: Cells, produced: Ids, jump_counts: Counts | None) -> Floats:
        """Say how probably each produced word comes from each of the others.

        Args:
            cells: (n, I, J), which pair of words each is, of I given and J produced words.
            produced: (n, J), the produced words.
            jump_counts: like `jumps`; expected jumps are added. None: the diagonal is preferred instead.

        Returns:
            (n, I, J); what is missing in a column's sum to 1 is the probability of none.
        """
        emission, null = self.translation[cells], self.null[produced]
        if jump_counts is None:
            return diagonal_posterior(emission, null)
        n_given = cells.shape[1]
        jump = np.arange(n_given) - np.arange(-1, n_given)[:, None]  # (I + 1, I)
        index = jump.clip(-_FARTHEST, _FARTHEST) + _FARTHEST
        probability = self.jumps[index] / self.jumps[index].sum(axis=1, keepdims=True)
        posterior, expected = hmm_posterior(emission, null, probability.astype(np.float32))
        jump_counts += np.bincount(index.ravel(), expected.ravel(), len(jump_counts))
        return posterior

    def learn(self, counts: Counts, given: Ids, nulls: Counts, jump_counts: Counts | None) -> None:
        """Take the parameters under which what was counted is most probable.

        Args:
            counts: (K,), of the pairs of words.
            given: (K,), the given word of each.
            nulls: of the produced words, where they came from none.
            jump_counts: of the jumps; None where they were not looked at.
        """
        totals = np.bincount(given, counts)[given]
        self.translation[:-1] = np.maximum(counts / np.maximum(totals, _TINY), _TINY)
        self.translation[-1] = _LEAST
        self.null[:] = np.maximum(nulls / np.maximum(nulls.sum(), _TINY), _TINY)
        self.null[UNKNOWN] = _LEAST
        if jump_counts is not None:
            self.jumps = jump_counts + 1
