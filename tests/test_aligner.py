"""Laws of the statistical aligner: it finds what translates what, from pairs alone, and the same each time."""

from random import Random

import numpy as np
import pytest

from mtattn.alignment.aligner import WordAligner
from mtattn.alignment.hmm import diagonal_posterior, hmm_posterior
from mtattn.alignment.links import Gold, Links, alignment_score
from mtattn.corpus.grammar import load_grammar
from mtattn.tokenizer import split_words


def artificial_pairs(n: int, seed: int = 0) -> tuple[list[tuple[list[str], list[str]]], list[Links]]:
    """Write sentences of a language whose words are those of another, spelled backwards, neighbours often swapped."""
    random = Random(seed)
    pairs, right = [], []
    for _ in range(n):
        src = [f"x{random.randrange(40)}" for _ in range(random.randint(1, 8))]
        order = sorted(range(len(src)), key=lambda i: i + random.choice((0, 1.5)))
        pairs.append((src, [src[i][::-1] for i in order]))
        right.append(sorted((i, j) for j, i in enumerate(order)))
    return pairs, right


@pytest.fixture(scope="module")
def artificial() -> WordAligner:
    return WordAligner.fit(artificial_pairs(500)[0])


def test_it_learns_an_artificial_language(artificial):
    pairs, right = artificial_pairs(200, seed=1)  # unseen sentences
    gold = [Gold(frozenset(links), frozenset(links)) for links in right]
    assert alignment_score(artificial.align(pairs), gold).aer < 0.04


def test_its_error_on_the_grammars_gold_is_small_after_few_pairs():
    def words(seed, n):
        aligned = list(load_grammar().generate(n, seed))
        return [(split_words(one.pair.src), split_words(one.pair.tgt)) for one in aligned], aligned

    aligner = WordAligner.fit(words(0, 3000)[0])
    pairs, aligned = words(1, 200)
    score = alignment_score(aligner.align(pairs), [Gold.parse(one.pharaoh()) for one in aligned])
    assert score.aer < 0.12
    assert score.precision > 0.9


def test_the_same_pairs_give_the_same_links():
    pairs, _ = artificial_pairs(100)
    one, other = (list(WordAligner.fit(pairs).align(pairs)) for _ in range(2))
    assert one == other


def test_what_is_aligned_with_a_pair_changes_nothing(artificial):
    pairs, _ = artificial_pairs(60, seed=2)
    alone = [next(artificial.align([pair])) for pair in pairs]
    assert list(artificial.align(pairs)) == alone


def test_the_other_direction_has_the_same_links():
    pairs, _ = artificial_pairs(200)
    turned = [(tgt, src) for src, tgt in pairs]
    there = WordAligner.fit(pairs).align(pairs)
    back = WordAligner.fit(turned).align(turned)
    for one, other in zip(there, back, strict=True):
        assert one == sorted((src, tgt) for tgt, src in other)


def test_blank_sides_unknown_words_and_long_sentences_are_no_trouble(artificial):
    pairs = [([], []), (["x1"], []), ([], ["1x"]), (["new"], ["wen"]), (["x1", "new"], ["1x", "wen"])]
    found = list(artificial.align(pairs))
    assert found[:3] == [[], [], []]
    assert found[3:] == [[(0, 0)], [(0, 0), (1, 1)]]
    (links,) = artificial.align([(["x1"] * 300, ["1x"] * 250)])
    assert all(0 <= src < 300 and 0 <= tgt < 250 for src, tgt in links)
    assert list(artificial.align([])) == []


def test_case_does_not_matter(artificial):
    pairs, _ = artificial_pairs(20, seed=3)
    shouted = [([word.upper() for word in src], tgt) for src, tgt in pairs]
    assert list(artificial.align(shouted)) == list(artificial.align(pairs))


def test_posteriors_are_those_of_all_alignments_counted_out():
    """Three target words, two source words: 27 alignments with those from none among them."""
    rng = np.random.default_rng(0)
    emission, null = rng.random((1, 2, 3), dtype=np.float32), rng.random((1, 3), dtype=np.float32)
    jumps = rng.dirichlet(np.ones(2), size=3).astype(np.float32)
    from_none = 0.07
    total, expected, expected_jumps = 0.0, np.zeros((2, 3)), np.zeros((3, 2))
    for alignment in np.ndindex(3, 3, 3):
        state, probability, jumped = 0, 1.0, np.zeros((3, 2))
        for j, a in enumerate(alignment):
            if a == 2:
                probability *= from_none * null[0, j]
            else:
                probability *= (1 - from_none) * jumps[state, a] * emission[0, a, j]
                jumped[state, a] += 1
                state = a + 1
        total += probability
        expected_jumps += probability * jumped
        for j, a in enumerate(alignment):
            if a < 2:
                expected[a, j] += probability
    posterior, counted = hmm_posterior(emission, null, jumps)
    np.testing.assert_allclose(posterior[0], expected / total, rtol=1e-4)
    np.testing.assert_allclose(counted, expected_jumps / total, rtol=1e-4)


def test_model_1_prefers_the_diagonal():
    posterior = diagonal_posterior(np.ones((1, 5, 5), dtype=np.float32), np.ones((1, 5), dtype=np.float32))
    assert posterior[0].argmax(axis=0).tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(posterior.sum(axis=1), 0.93, rtol=1e-5)
