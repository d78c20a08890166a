import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.alignment.links import Symmetrisation
from mtattn.errors import InputError
from mtattn.heads.alignment import MEAN, Scope, align, best_scope, column_links, error_rates, read_links, row_links
from mtattn.heads.record import AttentionMap
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.transformer import Transformer

CAT = ("El gato negro puede dormir hoy", "The black cat may sleep")
PAIRS = [
    CAT,
    ("", "The cat"),
    ("¿Dónde está el perro?", "Where's the dog? It doesn't play..."),
    ("Hola", " "),
    ("No.", "No, no, no!"),
    ("gato " * 32, "cat"),
    ("", ""),
    ('Ella dijo que "no"', 'She said "no"'),
    ("gato", "cat " * 40),
    ("gato " * 31, "cat " * 31),
    ("日本 pingüinólogo", "x"),
]


def between_words(weights: list[list[float]]) -> AttentionMap:
    """A map of one head, with rows and columns named."""
    matrix = np.array(weights)
    rows, columns = ((*"abcdef"[: n - 1], "</s>") for n in matrix.shape)
    return AttentionMap("cross", rows, columns, matrix[None, None])


def test_links_are_read_off_a_hand_made_model(cat_model: Transformer, tokenizer: Tokenizer) -> None:
    """The row of a word is that of the step that writes it; "hoy" is attended to by none."""
    (found,) = align(cat_model, tokenizer, [CAT])
    assert found == [(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)]
    assert align(cat_model, tokenizer, [CAT], Scope(1, 1)) == [found]
    reordered = ("El negro gato hoy puede dormir", CAT[1])
    assert align(cat_model, tokenizer, [reordered]) == [[(0, 0), (1, 1), (2, 2), (4, 3), (5, 4)]]


def test_a_word_is_linked_to_the_word_that_it_attends_to_most() -> None:
    """Three output words and five source words, in a permutation made by hand."""
    weights = [
        [0.1, 0.1, 0.1, 0.1, 0.5],
        [0.4, 0.1, 0.2, 0.1, 0.1],
        [0.1, 0.2, 0.3, 0.1, 0.2],
    ]
    assert row_links(np.array(weights)) == [(0, 1), (2, 2), (4, 0)]


def test_a_source_word_is_linked_to_the_word_that_attends_to_it_most_if_at_all() -> None:
    """The second source word gets less than a tenth of any row; the first and third share an output word."""
    weights = [[0.5, 0.09, 0.4, 0.01], [0.1, 0.05, 0.3, 0.55], [0.0, 0.0, 0.0, 1.0]]
    words = np.array(weights)[:-1, :-1]
    assert column_links(words) == [(0, 0), (2, 0)]
    assert row_links(words) == [(0, 0), (2, 1)]
    assert read_links(between_words(weights), MEAN, Symmetrisation.union) == [(0, 0), (2, 0), (2, 1)]
    assert read_links(between_words(weights), MEAN, Symmetrisation.intersection) == [(0, 0)]


def test_where_rows_belong_to_the_word_read_the_first_row_is_no_word_s() -> None:
    """The rows of <s>, "a" and "b": "a" looks at the second source word, "b" at the first."""
    weights = [[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]
    assert read_links(between_words(weights), Scope(1, 1, "read")) == [(0, 1), (1, 0)]
    assert read_links(between_words(weights), Scope(1, 1)) == [(0, 0), (1, 1)]


def test_the_end_of_a_sentence_is_never_linked() -> None:
    """Most weight on </s> as a key is left out, and so is </s> as a query."""
    resting = [[0.0, 0.1, 0.9], [0.2, 0.1, 0.7], [0.9, 0.1, 0.0]]
    assert read_links(between_words(resting), MEAN, Symmetrisation.union) == [(0, 1), (1, 0)]
    for nothing in ([[1.0]], [[0.5, 0.5]], [[1.0], [1.0]]):
        assert read_links(between_words(nothing), MEAN) == []


@given(n_src=st.integers(1, 6), n_tgt=st.integers(1, 6), seed=st.integers(0, 99))
def test_each_output_word_has_one_link_and_links_are_sorted(n_src: int, n_tgt: int, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(n_src + 1), size=n_tgt)[:, :-1]
    found = row_links(weights)
    assert found == sorted(found)
    assert sorted(t for _, t in found) == list(range(n_tgt))
    for s, t in found:
        assert weights[t, s] == weights[t].max()


def test_each_pair_has_its_links_in_order(text_model: Transformer, tokenizer: Tokenizer) -> None:
    found = align(text_model, tokenizer, PAIRS)
    assert len(found) == len(PAIRS)
    for (src, tgt), of_pair in zip(PAIRS, found, strict=True):
        n_src, n_tgt = len(split_words(src)), len(split_words(tgt))
        if max(len(tokenizer.encode(text)) for text in (src, tgt)) >= text_model.max_positions:
            assert of_pair is None
        else:
            assert of_pair is not None
            assert bool(of_pair) == bool(n_src and n_tgt)
            assert all(0 <= s < n_src and 0 <= t < n_tgt for s, t in of_pair)
    assert [i for i, of_pair in enumerate(found) if of_pair is None] == [5, 8]
    assert [i for i, of_pair in enumerate(found) if of_pair == []] == [1, 3, 6]
    assert align(text_model, tokenizer, []) == []


@given(order=st.permutations(range(len(PAIRS))))
def test_the_pairs_around_it_change_no_alignment(
    text_model: Transformer, tokenizer: Tokenizer, order: list[int]
) -> None:
    alone = [align(text_model, tokenizer, [PAIRS[i]])[0] for i in order[:3]]
    together = align(text_model, tokenizer, [PAIRS[i] for i in order])
    assert together[:3] == alone


def test_many_pairs_are_aligned_as_one_by_one(cat_model: Transformer, tokenizer: Tokenizer) -> None:
    """More than one batch holds, blank and too long pairs among them."""
    pairs = [CAT, ("gato", "cat"), ("", "x"), ("gato " * 70, "cat")] * 250
    found = align(cat_model, tokenizer, pairs)
    assert found == [[(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)], [(0, 0)], [], None] * 250


def test_one_head_or_the_mean_is_asked(text_model: Transformer, tokenizer: Tokenizer) -> None:
    pair = PAIRS[2]
    found = {
        str(align(text_model, tokenizer, [pair], Scope(layer, head)))
        for layer in (None, 1, 2)
        for head in (None, 1, 2, 3, 4)
    }
    assert len(found) > 3
    for layer, head in ((3, 1), (1, 5), (0, 1), (None, 9)):
        with pytest.raises(InputError, match="there is no"):
            align(text_model, tokenizer, [pair], Scope(layer, head))


def test_a_reading_is_what_its_name_says() -> None:
    for scope in (MEAN, Scope(2), Scope(1, 3), Scope(1, 3, "read")):
        assert Scope.parse(str(scope), scope.reading) == scope
    assert Scope.recorded({"alignment": {"scope": "cross.1.3"}}) == Scope(1, 3)
    assert Scope.recorded({"alignment": {"scope": "cross.1.3", "reading": "read"}}) == Scope(1, 3, "read")
    for nothing in ({}, {"alignment": {}}, {"alignment": 7}):
        assert Scope.recorded(nothing) == MEAN
    for wrong in ("", "encoder.1.2", "cross.", "cross.0", "cross.1.2.3", "cross.x.1"):
        with pytest.raises(InputError, match="names no part"):
            Scope.parse(wrong)


@pytest.mark.parametrize("place", [Scope(2, 3), Scope(1, 4, "read")])
def test_the_one_head_that_aligns_is_found(text_model: Transformer, tokenizer: Tokenizer, place: Scope) -> None:
    """What one head says is taken for right: it has no error, and no other is chosen."""
    pairs = [pair for pair in PAIRS if pair[0].strip() and pair[1].strip()] * 2
    said = align(text_model, tokenizer, pairs, place)
    rates = error_rates(text_model, tokenizer, pairs, [links or [] for links in said])
    assert len(rates) == 2 * (1 + 2 + 2 * 4)
    assert [scope for scope, rate in rates.items() if rate == 0] == [place]
    best = best_scope(text_model, tokenizer, pairs, [links or [] for links in said])
    assert best["scope"] == best["head"] == str(place)
    assert best["reading"] == best["head_reading"] == place.reading
    assert best["error_rate"] == best["head_error_rate"] == 0
    assert best_scope(text_model, tokenizer, pairs[:1], [[(0, 0)]]) == {}
