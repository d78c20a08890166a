import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.errors import InputError
from mtattn.heads.alignment import align, links, pharaoh
from mtattn.heads.record import Selection
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


def selected(weights: list[list[float]]) -> Selection:
    matrix = np.array(weights)
    rows, columns = ((*"abcdef"[: n - 1], "</s>") for n in matrix.shape)
    return Selection("cross.1.1", rows, columns, matrix)


def test_links_are_read_off_a_hand_made_model(cat_model: Transformer, tokenizer: Tokenizer) -> None:
    """The row of a word is that of the step that writes it; "hoy" is attended to by none."""
    (found,) = align(cat_model, tokenizer, [CAT])
    assert found == [(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)]
    assert align(cat_model, tokenizer, [CAT], layer=1, head=1) == [found]
    reordered = ("El negro gato hoy puede dormir", CAT[1])
    assert align(cat_model, tokenizer, [reordered]) == [[(0, 0), (1, 1), (2, 2), (4, 3), (5, 4)]]


def test_a_word_is_linked_to_the_word_that_it_attends_to_most() -> None:
    """Three output words and five source words, in a permutation made by hand."""
    weights = [
        [0.1, 0.1, 0.1, 0.1, 0.5, 0.1],
        [0.4, 0.1, 0.2, 0.1, 0.1, 0.1],
        [0.1, 0.2, 0.3, 0.1, 0.2, 0.1],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    ]
    assert links(selected(weights)) == [(0, 1), (2, 2), (4, 0)]


def test_the_end_of_a_sentence_is_never_linked() -> None:
    """Most weight on </s> as a key is left out, and so is </s> as a query."""
    assert links(selected([[0.0, 0.1, 0.9], [0.2, 0.1, 0.7], [0.9, 0.1, 0.0]])) == [(0, 1), (1, 0)]
    assert links(selected([[1.0]])) == []
    assert links(selected([[0.5, 0.5]])) == []
    assert links(selected([[1.0], [1.0]])) == []


@given(n_src=st.integers(1, 6), n_tgt=st.integers(1, 6), seed=st.integers(0, 99))
def test_each_output_word_has_one_link_and_links_are_sorted(n_src: int, n_tgt: int, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(n_src + 1), size=n_tgt + 1)
    found = links(Selection("x", ("t",) * (n_tgt + 1), ("s",) * (n_src + 1), weights))
    assert found == sorted(found)
    assert sorted(t for _, t in found) == list(range(n_tgt))
    for s, t in found:
        assert weights[t, s] == weights[t, :n_src].max()


def test_the_pharaoh_format_names_the_source_word_first() -> None:
    assert pharaoh([(0, 2), (10, 1)]) == "0-2 10-1"
    assert pharaoh([]) == ""


def test_each_pair_has_its_links_in_order(text_model: Transformer, tokenizer: Tokenizer) -> None:
    found = align(text_model, tokenizer, PAIRS)
    assert len(found) == len(PAIRS)
    for (src, tgt), of_pair in zip(PAIRS, found, strict=True):
        n_src, n_tgt = len(split_words(src)), len(split_words(tgt))
        if max(len(tokenizer.encode(text)) for text in (src, tgt)) >= text_model.max_positions:
            assert of_pair is None
        else:
            assert of_pair is not None
            assert len(of_pair) == (n_tgt if n_src else 0)
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
        str(align(text_model, tokenizer, [pair], layer, head)) for layer in (None, 1, 2) for head in (None, 1, 2, 3, 4)
    }
    assert len(found) > 3
    for layer, head in ((3, 1), (1, 5), (0, 1), (None, 9)):
        with pytest.raises(InputError, match="there is no"):
            align(text_model, tokenizer, [pair], layer, head)
