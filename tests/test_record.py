from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.errors import InputError
from mtattn.heads.record import AttentionMap, Groups, HeadName

ROWS, COLUMNS = ("a", "b", "</s>"), ("x", "y", "z", "</s>")


def distributions(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1])


def a_map(seed: int = 0) -> AttentionMap:
    return AttentionMap("cross", ROWS, COLUMNS, distributions(2, 4, 3, 4, seed=seed))


@pytest.mark.parametrize("shape", [(2, 4, 4, 3), (2, 4, 3, 3), (2, 4, 2, 4), (4, 3, 4), (3, 4), (1, 2, 4, 3, 4)])
def test_weights_that_do_not_fit_their_labels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit 3 rows and 4 columns"):
        AttentionMap("cross", ROWS, COLUMNS, distributions(*shape))


@pytest.mark.parametrize("wrong", [-0.1, np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_share_is_refused(wrong: float) -> None:
    weights = distributions(2, 4, 3, 4)
    weights[1, 2, 0, 3] = wrong
    if np.isfinite(wrong):
        weights[1, 2, 0, 0] += 1 - weights[1, 2, 0].sum()  # the row still sums to 1
    with pytest.raises(ValueError, match="negative or not finite"):
        AttentionMap("cross", ROWS, COLUMNS, weights)


@pytest.mark.parametrize("total", [0.0, 0.9, 1.01, 2.0])
def test_a_row_that_is_no_distribution_is_refused(total: float) -> None:
    weights = distributions(2, 4, 3, 4)
    weights[0, 3, 1] *= total
    with pytest.raises(ValueError, match="a row does not sum to 1"):
        AttentionMap("cross", ROWS, COLUMNS, weights)


def test_columns_that_sum_to_1_are_no_rows_that_do() -> None:
    weights = distributions(1, 1, 3, 3)
    labels = ("a", "b", "c")
    AttentionMap("encoder", labels, labels, weights)
    with pytest.raises(ValueError, match="a row does not sum to 1"):
        AttentionMap("encoder", labels, labels, weights.swapaxes(2, 3))


def test_one_head_is_taken_as_it_is() -> None:
    attention = a_map()
    assert (attention.n_layers, attention.n_heads) == (2, 4)
    for layer in (1, 2):
        for head in (1, 2, 3, 4):
            selection = attention.select(layer, head)
            assert selection.name == f"cross.{layer}.{head}"
            assert (selection.rows, selection.columns) == (ROWS, COLUMNS)
            np.testing.assert_array_equal(selection.weights, attention.weights[layer - 1, head - 1])


def test_what_is_not_named_is_averaged_and_that_is_said() -> None:
    attention = a_map()
    for layer, head, axes, name in (
        (None, None, (0, 1), "mean of all 2 × 4 heads of cross"),
        (2, None, (0,), "mean of the 4 heads of cross.2"),
        (None, 3, (0,), "mean of head 3 over the 2 layers of cross"),
    ):
        selection = attention.select(layer, head)
        weights = attention.weights
        if layer:
            weights = weights[layer - 1]
        if head:
            weights = weights[:, head - 1]
        np.testing.assert_allclose(selection.weights, weights.mean(axis=axes))
        np.testing.assert_allclose(selection.weights.sum(axis=-1), 1)
        assert selection.name == name


def test_a_mean_leaves_muted_heads_out_and_says_so() -> None:
    names = [HeadName.parse(name) for name in ("cross.1.2", "cross.2.3", "cross.2.4")]
    attention = replace(a_map(), muted=frozenset(names))
    weights = attention.weights
    heard = [weights[name.layer - 1, name.head - 1] for name in attention.heads if name not in names]
    for layer, head, expected, told in (
        (None, None, np.mean(heard, axis=0), "mean of all 2 × 4 heads of cross, 3 muted left out"),
        (2, None, weights[1, :2].mean(axis=0), "mean of the 4 heads of cross.2, 2 muted left out"),
        (None, 1, weights[:, 0].mean(axis=0), "mean of head 1 over the 2 layers of cross"),
        (None, 3, weights[0, 2], "mean of head 3 over the 2 layers of cross, 1 muted left out"),
        (2, 3, weights[1, 2], "cross.2.3, muted"),
    ):
        selection = attention.select(layer, head)
        np.testing.assert_allclose(selection.weights, expected)
        assert selection.name == told
    silent = replace(attention, muted=frozenset(attention.heads)).select(1)
    np.testing.assert_allclose(silent.weights, weights[0].mean(axis=0))
    assert silent.name == "mean of the 4 heads of cross.1, all muted"
    merged = attention.merged(Groups(ROWS, (0, 1, 2)), Groups(COLUMNS, (0, 1, 2, 3)))
    assert merged.muted == attention.muted


@pytest.mark.parametrize(("layer", "head"), [(0, None), (3, 1), (-1, 1), (1, 0), (None, 5), (2, -1)])
def test_a_head_that_is_not_there_is_told_with_those_that_are(layer: int | None, head: int | None) -> None:
    with pytest.raises(InputError, match=r"^--(layer|head) .*there is no (layer|head) .*name one of 1 to [24]$"):
        a_map().select(layer, head)


def test_pieces_become_words_columns_summed_and_rows_averaged() -> None:
    """By hand: "a" + "b" make the first row word, "x" + "y" the first column word."""
    weights = np.array([[[[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.4, 0.0], [0.0, 0.0, 0.25, 0.75]]]])
    merged = AttentionMap("cross", ROWS, COLUMNS, weights).merged(
        Groups(("ab", "</s>"), (0, 0, 1)), Groups(("xy", "z", "</s>"), (0, 0, 1, 2))
    )
    assert (merged.rows, merged.columns) == (("ab", "</s>"), ("xy", "z", "</s>"))
    np.testing.assert_allclose(merged.weights, [[[[0.45, 0.35, 0.2], [0.0, 0.25, 0.75]]]])


@given(data=st.data(), seed=st.integers(0, 99))
def test_merged_rows_still_sum_to_1(data: st.DataObject, seed: int) -> None:
    def groups(n: int) -> Groups:
        starts = [1, *data.draw(st.lists(st.integers(0, 1), min_size=n - 1, max_size=n - 1))]
        members = np.cumsum(starts) - 1
        return Groups(tuple(f"w{i}" for i in range(members[-1] + 1)), tuple(int(m) for m in members))

    attention = a_map(seed)
    rows, columns = groups(3), groups(4)
    merged = attention.merged(rows, columns)
    assert merged.kind == attention.kind
    assert merged.weights.shape == (2, 4, len(rows.labels), len(columns.labels))
    np.testing.assert_allclose(merged.weights.sum(axis=-1), 1)
    for row in range(len(rows.labels)):
        for column in range(len(columns.labels)):
            own_rows = [i for i, member in enumerate(rows.members) if member == row]
            own_columns = [i for i, member in enumerate(columns.members) if member == column]
            block = attention.weights[:, :, own_rows][:, :, :, own_columns]
            np.testing.assert_allclose(merged.weights[:, :, row, column], block.sum(axis=3).mean(axis=2))


def test_words_of_one_piece_each_change_nothing() -> None:
    attention = a_map()
    merged = attention.merged(Groups(ROWS, (0, 1, 2)), Groups(COLUMNS, (0, 1, 2, 3)))
    np.testing.assert_allclose(merged.weights, attention.weights)


def test_averaging_heads_and_merging_pieces_may_change_places() -> None:
    attention = a_map()
    rows, columns = Groups(("ab", "</s>"), (0, 0, 1)), Groups(("x", "yz", "</s>"), (0, 1, 1, 2))
    merged_first = attention.merged(rows, columns).select(None, None).weights
    mean = attention.select(None, None).weights[None, None]
    mean_first = AttentionMap("cross", ROWS, COLUMNS, mean).merged(rows, columns).weights[0, 0]
    np.testing.assert_allclose(merged_first, mean_first)


def test_special_tokens_are_groups_of_their_own() -> None:
    words, members = ["don't", "go"], [0, 0, 1]
    assert Groups.of(words, members) == Groups(("don't", "go"), (0, 0, 1))
    assert Groups.of(words, members, last="</s>") == Groups(("don't", "go", "</s>"), (0, 0, 1, 2))
    assert Groups.of(words, members, first="<s>") == Groups(("<s>", "don't", "go"), (0, 1, 1, 2))
    assert Groups.of(words, members, first="<s>", last="</s>").members == (0, 1, 1, 2, 3)
    assert Groups.of([""], [], last="</s>") == Groups(("</s>",), (0,))
    assert Groups.of([""], [0, 0], last="</s>") == Groups(("▁", "</s>"), (0, 0, 1))
