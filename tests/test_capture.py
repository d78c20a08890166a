from collections.abc import Callable

import numpy as np
import pytest
import torch

from mtattn.corpus.batches import pad
from mtattn.decoding.search import beam_search, greedy_search
from mtattn.heads.capture import capture, forced_weights
from mtattn.heads.record import KINDS
from mtattn.tokenizer import BOS, EOS, Tokenizer, split_words
from mtattn.transformer import AttentionWeights, Transformer

SOURCE, TARGET = "¿Dónde está el gato negro de Ella?", "Where's the cat?"
CAT = ("El gato negro puede dormir hoy", "The black cat may sleep")


@pytest.fixture(scope="module")
def ids(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    return tokenizer.encode(SOURCE), tokenizer.encode(TARGET)


def test_a_row_is_the_step_that_emits_its_token(cat_model: Transformer, tokenizer: Tokenizer) -> None:
    """The model is written to attend, when it writes a word, to the word that this one translates."""
    source = tokenizer.encode(CAT[0])
    (found,) = greedy_search(cat_model, [source])
    assert tokenizer.decode(found.ids) == CAT[1]
    record = capture(cat_model, tokenizer, source, found.ids, forced=False)
    cross = record.words["cross"].select(1, 1)
    assert cross.rows == (*CAT[1].split(), "</s>")
    assert cross.columns == (*CAT[0].split(), "</s>")
    attended = {row: cross.columns[s] for row, s in zip(cross.rows, cross.weights.argmax(1), strict=True)}
    assert attended == {
        "The": "El",
        "black": "negro",
        "cat": "gato",
        "may": "puede",
        "sleep": "dormir",
        "</s>": "</s>",
    }
    assert cross.weights.max(axis=1).min() > 0.99
    pieces = record.pieces["cross"]
    assert pieces.rows == ("▁The", "▁black", "▁cat", "▁may", "▁sleep", "</s>")
    np.testing.assert_array_equal(pieces.weights[0, 0].argmax(1), [0, 2, 1, 3, 4, len(source)])


def test_the_weights_are_those_of_the_model(
    text_model: Transformer, tokenizer: Tokenizer, ids: tuple[list[int], list[int]]
) -> None:
    source, target = ids
    record = capture(text_model, tokenizer, source, target, forced=True)
    weights = AttentionWeights()
    with torch.inference_mode():
        text_model(pad([source], last=EOS), torch.tensor([len(source) + 1]), pad([target], first=BOS), weights)
    for kind in KINDS:
        direct = torch.stack(getattr(weights, kind))[:, 0].numpy()
        np.testing.assert_array_equal(record.pieces[kind].weights, direct)
        assert record.pieces[kind].weights.dtype == np.float32
        np.testing.assert_allclose(record.pieces[kind].weights.sum(-1), 1, atol=1e-5)
        np.testing.assert_allclose(record.words[kind].weights.sum(-1), 1, atol=1e-5)


@torch.inference_mode()
def test_the_weights_are_those_of_writing_step_by_step(
    new_model: Callable[..., Transformer], tokenizer: Tokenizer
) -> None:
    model = new_model(tokenizer.vocab_size, seed=5, max_positions=64)
    source = tokenizer.encode(SOURCE)
    (found,) = greedy_search(model, [source])
    assert len(found.ids) > 20
    record = capture(model, tokenizer, source, found.ids, forced=False)
    state = model.start(*model.encode(pad([source], last=EOS), torch.tensor([len(source) + 1])))
    read = [BOS, *found.ids]
    for t in range(len(read)):
        step = AttentionWeights()
        logits = model.logits(model.decode(torch.tensor([[read[t]]]), state, step))[0, 0]
        logits[[0, 1, 3]] = -torch.inf
        if t < len(found.ids):  # the row's label is what this very step emitted
            assert logits.argmax() == found.ids[t]
            assert record.pieces["cross"].rows[t] == tokenizer.labels([int(logits.argmax())])[0]
        cross = torch.stack(step.cross)[:, 0, :, 0].numpy()
        np.testing.assert_allclose(record.pieces["cross"].weights[:, :, t], cross, atol=1e-5)
        decoder = torch.stack(step.decoder)[:, 0, :, 0].numpy()
        np.testing.assert_allclose(record.pieces["decoder"].weights[:, :, t, : t + 1], decoder, atol=1e-5)
        assert (record.pieces["decoder"].weights[:, :, t, t + 1 :] == 0).all()


def test_labels_name_what_was_emitted_and_what_was_read(
    text_model: Transformer, tokenizer: Tokenizer, ids: tuple[list[int], list[int]]
) -> None:
    source, target = ids
    record = capture(text_model, tokenizer, source, target, forced=True)
    assert (record.source, record.target, record.forced) == (SOURCE, TARGET, True)
    for maps, src, tgt in (
        (record.pieces, tokenizer.labels(source), tokenizer.labels(target)),
        (record.words, split_words(SOURCE), split_words(TARGET)),
    ):
        assert (maps["cross"].rows, maps["cross"].columns) == ((*tgt, "</s>"), (*src, "</s>"))
        assert (maps["encoder"].rows, maps["encoder"].columns) == ((*src, "</s>"), (*src, "</s>"))
        assert (maps["decoder"].rows, maps["decoder"].columns) == ((*tgt, "</s>"), ("<s>", *tgt))
        for kind in KINDS:
            assert maps[kind].kind == kind
            assert (maps[kind].n_layers, maps[kind].n_heads) == (2, 4)


def test_words_get_what_their_pieces_get(
    text_model: Transformer, tokenizer: Tokenizer, ids: tuple[list[int], list[int]]
) -> None:
    source, target = ids
    record = capture(text_model, tokenizer, source, target, forced=True)
    of_source = [*tokenizer.spell(source).word_of_piece, len(split_words(SOURCE))]
    of_target = [*tokenizer.spell(target).word_of_piece, len(split_words(TARGET))]
    pieces, words = record.pieces["cross"].weights, record.words["cross"].weights
    assert pieces.shape != words.shape
    for t in set(of_target):
        for s in set(of_source):
            rows = [i for i, word in enumerate(of_target) if word == t]
            columns = [i for i, word in enumerate(of_source) if word == s]
            expected = pieces[:, :, rows][:, :, :, columns].sum(axis=3).mean(axis=2)
            np.testing.assert_allclose(words[:, :, t, s], expected, atol=1e-6)


def test_a_model_in_training_is_shown_without_dropout(
    new_model: Callable[..., Transformer], tokenizer: Tokenizer, ids: tuple[list[int], list[int]]
) -> None:
    model = new_model(tokenizer.vocab_size, dropout=0.9)
    still = capture(model, tokenizer, *ids, forced=True)
    again = capture(model.train(), tokenizer, *ids, forced=True)
    assert not model.training
    for kind in KINDS:
        np.testing.assert_array_equal(still.pieces[kind].weights, again.pieces[kind].weights)


def test_an_empty_side_leaves_the_special_tokens(text_model: Transformer, tokenizer: Tokenizer) -> None:
    record = capture(text_model, tokenizer, [], [], forced=True)
    for maps in (record.pieces, record.words):
        assert (maps["cross"].rows, maps["cross"].columns) == (("</s>",), ("</s>",))
        assert maps["decoder"].columns == ("<s>",)
    assert (record.source, record.target) == ("", "")


@pytest.mark.parametrize("beam", [1, 3])
def test_an_output_that_fills_all_positions_can_be_recorded(
    text_model: Transformer, tokenizer: Tokenizer, beam: int
) -> None:
    source = tokenizer.encode(SOURCE)
    found = beam_search(text_model, [source], beam)[0]
    assert max(len(hypothesis.ids) for hypothesis in found) >= text_model.max_positions - 1
    for hypothesis in found:
        record = capture(text_model, tokenizer, source, hypothesis.ids, forced=False)
        assert record.pieces["cross"].rows[:-1] == tuple(tokenizer.labels(hypothesis.ids))


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_model_writes_can_be_recorded(text_model: Transformer, tokenizer: Tokenizer, seed: int) -> None:
    target = np.random.default_rng(seed).integers(2, tokenizer.vocab_size, 20).tolist()
    record = capture(text_model, tokenizer, tokenizer.encode(SOURCE), target, forced=False)
    assert record.words["cross"].rows[:-1] == tuple(split_words(record.target) or [""])


def test_a_batch_is_forced_sentence_by_sentence(text_model: Transformer, tokenizer: Tokenizer) -> None:
    pairs = [(SOURCE, TARGET), CAT, ("No", "They sleep today!")]
    sources, targets = ([tokenizer.encode(pair[side]) for pair in pairs] for side in (0, 1))
    weights = forced_weights(text_model, sources, targets)
    for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
        alone = capture(text_model, tokenizer, source, target, forced=True).pieces["cross"].weights
        together = torch.stack(weights.cross)[:, i, :, : len(target) + 1, : len(source) + 1]
        np.testing.assert_allclose(together.numpy(), alone, atol=1e-5)
