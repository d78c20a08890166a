import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from mtattn.corpus.batches import pad
from mtattn.errors import InputError
from mtattn.heads.attribution import attribute
from mtattn.heads.capture import capture
from mtattn.heads.microscope import look, most_sure
from mtattn.heads.record import KINDS, AttentionMap, HeadName, Kind
from mtattn.heads.row import RowInHead
from mtattn.heads.switches import Switches, switched
from mtattn.tokenizer import BOS, EOS, Tokenizer
from mtattn.transformer import Transformer

SOURCE, TARGET = "¿Dónde está el gato negro de Ella?", "Where's the penguin?"
Ids = tuple[list[int], list[int]]


@pytest.fixture(scope="module")
def ids(tokenizer: Tokenizer) -> Ids:
    return tokenizer.encode(SOURCE), tokenizer.encode(TARGET)


@pytest.fixture(scope="module")
def row_in(text_model: Transformer, tokenizer: Tokenizer, ids: Ids) -> Callable[[HeadName, int], RowInHead]:
    return lambda head, row: look(text_model, tokenizer, *ids, head, row, n_considered=1, forced=True)


def block_of(model: Transformer, head: HeadName) -> torch.nn.Module:
    if head.kind == "encoder":
        return model.encoder[head.layer - 1].self_attention
    layer = model.decoder[head.layer - 1]
    return layer.cross_attention if head.kind == "cross" else layer.self_attention


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_of_the_map(
    text_model: Transformer, tokenizer: Tokenizer, ids: Ids, row_in: Callable, kind: Kind
) -> None:
    attention = capture(text_model, tokenizer, *ids, forced=True).pieces[kind]
    for head in attention.heads:
        for row in (0, 3, len(attention.rows) - 1):
            shown = row_in(head, row)
            expected = attention.weights[head.layer - 1, head.head - 1, row]
            np.testing.assert_allclose(shown.weights, expected, atol=1e-6)
            assert (shown.row, shown.columns) == (attention.rows[row], attention.columns)


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_follows_from_the_one_before(row_in: Callable, kind: Kind) -> None:
    shown = row_in(HeadName(kind, 2, 3), 4)
    d_k = len(shown.query)
    assert d_k == shown.d_k == 4
    seen = [j for j in range(len(shown.columns)) if shown.may_attend[j]]
    exps = {}
    for j in seen:
        product = sum(shown.query[c] * shown.keys[j, c] for c in range(d_k))
        assert shown.products[j] == pytest.approx(product)
        assert shown.scores[j] == pytest.approx(product / math.sqrt(d_k))
        exps[j] = math.exp(product / math.sqrt(d_k))
    for j in range(len(shown.columns)):
        assert shown.weights[j] == pytest.approx(exps.get(j, 0) / sum(exps.values()))
    for c in range(d_k):
        assert shown.answer[c] == pytest.approx(sum(shown.weights[j] * shown.values[j, c] for j in seen))


@pytest.mark.parametrize("kind", KINDS)
def test_the_heads_answers_through_w_o_sum_to_the_layers_output(
    text_model: Transformer, ids: Ids, row_in: Callable, kind: Kind
) -> None:
    source, target = ids
    block = block_of(text_model, HeadName(kind, 1, 1))
    given: list[Tensor] = []
    with torch.inference_mode(), block.w_o.register_forward_hook(lambda module, args, output: given.append(output)):
        text_model(pad([source], last=EOS), torch.tensor([len(source) + 1]), pad([target], first=BOS))
    for row in (0, 5):
        rows = [row_in(HeadName(kind, 1, i), row) for i in range(1, 5)]
        by_head = []
        for i, shown in enumerate(rows):
            w_o = block.w_o.weight.detach().double().numpy()[:, 4 * i : 4 * i + 4]
            by_head.append(shown.weights @ shown.values @ w_o.T)
            np.testing.assert_allclose(shown.output, by_head[-1], atol=1e-5)
            np.testing.assert_allclose(shown.total, given[0][0, row], atol=1e-5)
        np.testing.assert_allclose(sum(by_head), given[0][0, row], atol=1e-5)
        assert sum(shown.share for shown in rows) == pytest.approx(1)


def test_switched_heads_are_shown_as_they_are_switched(
    text_model: Transformer, tokenizer: Tokenizer, ids: Ids, row_in: Callable
) -> None:
    muted, even = HeadName("cross", 2, 1), HeadName("cross", 2, 3)
    with switched(text_model, Switches(mute=(muted,), uniform=(even,))):
        weights = capture(text_model, tokenizer, *ids, forced=True).pieces["cross"].weights
        for i in range(1, 5):
            shown = row_in(HeadName("cross", 2, i), 4)
            np.testing.assert_allclose(shown.weights, weights[1, i - 1, 4], atol=1e-6)
        assert (row_in(muted, 4).output == 0).all()
        assert row_in(muted, 4).share == 0
        np.testing.assert_allclose(row_in(even, 4).weights, 1 / len(shown.columns))
        norms = [
            attribute(text_model, tokenizer, *ids, 0, layer=2, head=head, forced=True).norm.sum() for head in (1, 2)
        ]
        assert norms[0] == 0 < norms[1]
    assert (row_in(muted, 4).output != 0).any()


def test_only_what_is_not_written_yet_is_masked(row_in: Callable) -> None:
    for row in range(5):
        assert row_in(HeadName("cross", 1, 1), row).may_attend.all()
        assert row_in(HeadName("encoder", 1, 1), row).may_attend.all()
        decoder = row_in(HeadName("decoder", 1, 1), row)
        assert decoder.may_attend.tolist() == [j <= row for j in range(len(decoder.columns))]
        assert (decoder.weights[row + 1 :] == 0).all()
        assert (decoder.scores[row + 1 :] == -math.inf).all()


def test_a_row_knows_its_words(tokenizer: Tokenizer, ids: Ids, row_in: Callable) -> None:
    source, target = ids
    spelling = tokenizer.spell(target)
    pieces = tokenizer.labels(target)
    for row, member in enumerate(spelling.word_of_piece):
        shown = row_in(HeadName("cross", 1, 1), row)
        same = [i for i, other in enumerate(spelling.word_of_piece) if other == member]
        assert shown.word == spelling.words[member]
        assert shown.word_pieces == tuple(pieces[i] for i in same)
        assert shown.word_pieces[shown.nth_piece - 1] == shown.row == pieces[row]
        assert shown.reads == ["<s>", *pieces][row]
    of_source = tokenizer.spell(source)
    words = tuple(of_source.words[member] for member in of_source.word_of_piece)
    assert shown.column_words == (*words, "</s>")
    assert row_in(HeadName("encoder", 1, 1), 0).reads == ""
    assert row_in(HeadName("cross", 1, 1), len(target)).word == "</s>"


def test_the_head_most_sure_of_a_real_token_is_chosen() -> None:
    weights = np.zeros((2, 2, 2, 3))
    weights[0, 0] = [[0.5, 0.2, 0.3], [0.1, 0.1, 0.8]]
    weights[0, 1] = [[0.0, 0.0, 1.0], [0.4, 0.5, 0.1]]
    weights[1, 0] = [[0.1, 0.7, 0.2], [0.2, 0.2, 0.6]]
    weights[1, 1] = [[0.3, 0.3, 0.4], [0.9, 0.1, 0.0]]
    attention = AttentionMap("cross", ("a", "</s>"), ("x", "y", "</s>"), weights)

    def chosen(row: int, layer: int | None = None, head: int | None = None) -> str:
        return str(most_sure(attention, row, attention.named(layer, head)))

    assert [chosen(0), chosen(1)] == ["cross.2.1", "cross.2.2"]
    assert [chosen(0, layer=1), chosen(1, layer=1)] == ["cross.1.1", "cross.1.2"]
    assert chosen(0, head=2) == "cross.2.2"
    assert chosen(0, layer=1, head=2) == "cross.1.2"
    with pytest.raises(InputError, match="there is no layer 3"):
        chosen(0, layer=3)


def test_a_row_that_sees_special_tokens_alone_has_a_head_too() -> None:
    weights = np.array([[[[1.0, 0.0]], [[1.0, 0.0]]]])
    attention = AttentionMap("decoder", ("a",), ("<s>", "x"), weights)
    assert str(most_sure(attention, 0, attention.heads)) == "decoder.1.1"


def test_where_the_layer_adds_nothing_no_head_has_a_share(cat_model: Transformer, tokenizer: Tokenizer) -> None:
    source = tokenizer.encode("El gato")
    shown = look(cat_model, tokenizer, source, [], HeadName("encoder", 1, 1), 0, n_considered=1, forced=True)
    assert shown.share == 0
