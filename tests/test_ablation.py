from collections.abc import Callable

import numpy as np
import pytest
import torch
from sacrebleu import corpus_bleu

from mtattn.corpus.pairs import Pair
from mtattn.decoding.search import forced_log_probs
from mtattn.decoding.translator import Translator
from mtattn.evaluation import Bootstrap
from mtattn.heads.ablation import ablate, gradient_importance, mean_loss, normalised_by_layer
from mtattn.heads.record import HeadName
from mtattn.heads.switches import SwitchedSearch, Switches, attentions, head_names, switched
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

PAIRS = [([5, 6, 7, 8], [6, 5, 4]), ([9, 4], [7, 7, 8, 9, 10]), ([12, 11, 10, 9, 8, 7], [11]), ([4], [5, 12])]
REFERENCES = ["The cat is black.", "My sister lives here now.", "How cold it is today!", "I have no time."] * 5
BETTER = ["The cat is black.", "My sister lives here.", "How cold is it today!", "I have no time."] * 5
WORSE = ["The cat black.", "My sister lives here.", "It is hot today!", "I have no time now."] * 5


def nothing(_: int) -> None:
    pass


def test_the_loss_is_that_of_the_forced_output(new_model: Callable[..., Transformer]) -> None:
    model = new_model()
    log_probs = forced_log_probs(model, *zip(*PAIRS, strict=True))
    expected = -np.mean([one for of_pair in log_probs for one in of_pair])
    assert mean_loss(model, PAIRS) == pytest.approx(expected, abs=1e-6)


def test_importance_is_the_mean_size_of_each_sentences_gradient(new_model: Callable[..., Transformer]) -> None:
    """By finite differences of each sentence's loss, head by head."""
    model = new_model().double()
    done: list[int] = []
    importance = gradient_importance(model, PAIRS, done.append)
    assert sum(done) == len(PAIRS)
    assert all(attention.gate is None for layers in attentions(model).values() for attention in layers)
    mixed = 0
    for name in (HeadName("cross", 2, 3), HeadName("encoder", 1, 4), HeadName("decoder", 1, 1)):
        attention = attentions(model)[name.kind][name.layer - 1]
        slopes = []
        for pair in PAIRS:
            around = []
            for step in (1e-5, -1e-5):
                attention.gate = torch.ones(4, dtype=torch.float64)
                attention.gate[name.head - 1] += step
                around.append(mean_loss(model, [pair]))
            slopes.append((around[0] - around[1]) / 2e-5)
        attention.gate = None
        mixed += len({slope > 0 for slope in slopes}) == 2
        assert importance[name.kind][name.layer - 1, name.head - 1] == pytest.approx(np.abs(slopes).mean(), rel=1e-5)
    assert mixed  # of both signs: the size of their mean would be another


def test_each_layers_importances_have_length_one() -> None:
    importance = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 7.0]])
    np.testing.assert_allclose(normalised_by_layer(importance), [[0.6, 0.8], [0, 0], [0, 1]])


def test_what_is_lost_without_a_head_is_what_the_muted_model_lacks(
    text_model: Transformer, tokenizer: Tokenizer, sentences: list[str]
) -> None:
    texts = [Pair(src, tgt) for src, tgt in zip(sentences[0:6:2], sentences[1:6:2], strict=True)]
    pairs = [(tokenizer.encode(pair.src), tokenizer.encode(pair.tgt)) for pair in texts]
    done: list[int] = []
    whole, ablations = ablate(text_model, tokenizer, pairs, texts, done.append)
    assert [one.head for one in ablations] == head_names(text_model)
    assert len(done) == len(ablations)
    assert whole.loss == mean_loss(text_model, pairs)
    references = [[pair.tgt for pair in texts]]
    for one in ablations[::7]:
        switches = Switches(mute=(one.head,))
        with switched(text_model, switches):
            assert one.loss == mean_loss(text_model, pairs) - whole.loss
        translator = Translator(SwitchedSearch(text_model, switches), tokenizer)
        translated = translator.translate([pair.src for pair in texts], beam=1)
        bleu = corpus_bleu([result.translations[0].text for result in translated], references).score
        assert one.bleu is not None
        assert one.bleu.lost == pytest.approx(whole.bleu - bleu)
    without, ablations = ablate(text_model, tokenizer, pairs, [], nothing)
    assert without.bleu is None
    assert all(one.bleu is None for one in ablations)


def test_bleu_lost_is_the_difference_of_sacrebleus_scores() -> None:
    bootstrap = Bootstrap(BETTER, REFERENCES)
    assert bootstrap.bleu == pytest.approx(corpus_bleu(BETTER, [REFERENCES]).score)
    lost = bootstrap.lost(WORSE)
    assert lost.lost == pytest.approx(bootstrap.bleu - corpus_bleu(WORSE, [REFERENCES]).score)
    assert 0 < lost.low < lost.lost < lost.high
    assert lost == Bootstrap(BETTER, REFERENCES).lost(WORSE)  # the same each time
    gained = Bootstrap(WORSE, REFERENCES).lost(BETTER)
    assert (gained.lost, gained.low, gained.high) == pytest.approx((-lost.lost, -lost.high, -lost.low))


def test_the_same_translations_lose_nothing_for_certain() -> None:
    assert set(vars(Bootstrap(BETTER, REFERENCES).lost(BETTER)).values()) == {0.0}
    nonsense = ["x"] * len(REFERENCES)
    assert Bootstrap(nonsense, REFERENCES).bleu == 0
