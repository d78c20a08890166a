import copy
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from mtattn.corpus.batches import pad
from mtattn.errors import InputError
from mtattn.heads.attribution import attribute, gradient_times_input
from mtattn.heads.capture import Labels, capture
from mtattn.heads.ranks import kendall_tau
from mtattn.heads.row import MEASURES, Attribution
from mtattn.tokenizer import BOS, EOS, Tokenizer, split_words
from mtattn.transformer import Transformer

SOURCE, TARGET = "¿Dónde está el gato negro de Ella?", "Where's the penguin?"
WORDS = split_words(TARGET)  # Where's, the, penguin, ?
Ids = tuple[list[int], list[int]]


@pytest.fixture(scope="module")
def ids(tokenizer: Tokenizer) -> Ids:
    return tokenizer.encode(SOURCE), tokenizer.encode(TARGET)


def log_probs(model: Transformer, source: list[int], target: list[int]) -> Tensor:
    """Compute the log-probability of each token of a given output and of </s>."""
    hidden = model(pad([source], last=EOS), torch.tensor([len(source) + 1]), pad([target], first=BOS))
    emitted = torch.tensor([*target, EOS])
    return model.logits(hidden)[0].log_softmax(-1).gather(1, emitted[:, None])[:, 0]


def members(tokenizer: Tokenizer, ids: list[int], word: int) -> list[int]:
    return [i for i, member in enumerate(tokenizer.spell(ids).word_of_piece) if member == word]


@pytest.mark.parametrize(("layer", "head"), [(None, None), (2, None), (None, 3), (1, 4)])
def test_attention_is_the_row_of_the_map(
    text_model: Transformer, tokenizer: Tokenizer, ids: Ids, layer: int | None, head: int | None
) -> None:
    selection = capture(text_model, tokenizer, *ids, forced=True).words["cross"].select(layer, head)
    for word in range(len(selection.rows)):
        found = attribute(text_model, tokenizer, *ids, word, layer=layer, head=head, forced=True)
        assert (found.word, found.position) == (selection.rows[word], word + 1)
        assert found.columns == selection.columns
        np.testing.assert_array_equal(found.attention, selection.weights[word])


@torch.no_grad()
@pytest.mark.parametrize(("layer", "head"), [(None, None), (2, None), (None, 3), (1, 4)])
@pytest.mark.parametrize("word", [0, 2, 4])
def test_norms_are_those_of_the_weighted_and_transformed_vectors(
    text_model: Transformer, tokenizer: Tokenizer, ids: Ids, word: int, layer: int | None, head: int | None
) -> None:
    """By another route: from the memory and the weight matrices, head by head and piece by piece."""
    source, target = ids
    weights = capture(text_model, tokenizer, source, target, forced=True).pieces["cross"].weights
    memory, _ = text_model.encode(pad([source], last=EOS), torch.tensor([len(source) + 1]))
    steps = members(tokenizer, target, word) or [len(target)]
    expected = np.zeros(len(split_words(SOURCE)) + 1)
    layers = [layer - 1] if layer else [0, 1]
    for n in layers:
        block = text_model.decoder[n].cross_attention
        for t in steps:
            for s in range(len(expected)):
                pieces = members(tokenizer, source, s) or [len(source)]
                added = torch.zeros(text_model.d_model)
                for i in [head - 1] if head else range(4):
                    own = slice(4 * i, 4 * i + 4)
                    for j in pieces:
                        value = memory[0, j] @ block.w_v.weight[own].T
                        added += float(weights[n, i, t, j]) * (value @ block.w_o.weight[:, own].T)
                expected[s] += float(added.norm()) / len(steps) / len(layers)
    found = attribute(text_model, tokenizer, source, target, word, layer=layer, head=head, forced=True)
    np.testing.assert_allclose(found.norm, expected, rtol=1e-4)


@torch.no_grad()
def test_leave_one_out_is_the_difference_of_two_forced_passes(
    text_model: Transformer, tokenizer: Tokenizer, ids: Ids
) -> None:
    source, target = ids
    for word in range(len(WORDS) + 1):
        steps = members(tokenizer, target, word) or [len(target)]
        found = attribute(text_model, tokenizer, source, target, word, forced=True)
        whole = float(log_probs(text_model, source, target)[steps].sum())
        assert found.log_prob == pytest.approx(whole, abs=1e-4)
        assert found.pieces == tuple(Labels.until_eos(tokenizer, target).pieces[t] for t in steps)
        for s, left_out in enumerate(split_words(SOURCE)):
            rest = [i for n, i in enumerate(source) if n not in members(tokenizer, source, s)]
            assert left_out not in split_words(tokenizer.decode(rest))
            without = float(log_probs(text_model, rest, target)[steps].sum())
            assert found.leave_one_out[s] == pytest.approx(whole - without, abs=1e-4)


def test_the_gradient_is_the_slope_of_the_log_probability(
    text_model: Transformer, tokenizer: Tokenizer, ids: Ids
) -> None:
    """Gradient times input is how log p changes where the components of one embedding are stretched."""
    source, target = ids
    model = copy.deepcopy(text_model).double()
    steps = members(tokenizer, target, 2)
    assert len(steps) > 1
    found = gradient_times_input(model, source, target, steps)
    assert found.shape == (len(source) + 1, model.d_model)
    assert all(parameter.grad is None for parameter in model.parameters())

    def log_prob(place: int, factors: Tensor) -> float:
        of_source = True

        def stretch(module: object, args: object, output: Tensor) -> Tensor:
            nonlocal of_source
            if of_source:
                output = output.clone()
                output[0, place] *= factors
            of_source = False
            return output

        with torch.inference_mode(), model.embedding.register_forward_hook(stretch):
            return float(log_probs(model, source, target)[steps].sum())

    directions = torch.randn(len(source) + 1, model.d_model, generator=torch.Generator().manual_seed(0)).double()
    for place, direction in enumerate(directions):
        step = 1e-5 * direction
        slope = (log_prob(place, 1 + step) - log_prob(place, 1 - step)) / 2e-5
        assert float(found[place] @ direction.numpy()) == pytest.approx(slope, rel=1e-4, abs=1e-6)
    of_words = attribute(text_model, tokenizer, source, target, 2, forced=True).gradient
    for word in range(len(split_words(SOURCE))):
        product = found[members(tokenizer, source, word)].sum(axis=0)
        assert of_words[word] == pytest.approx(np.abs(product).sum(), rel=1e-3)


@pytest.fixture(scope="module")
def copying_model(tokenizer: Tokenizer) -> tuple[Transformer, list[int], list[int]]:
    """Train a model to write the one word of its source that is no filler; the fillers vary in number.

    Its encoder mixes no words: else the copied one may be found, and attended to, in a filler's place.
    """
    fillers, words = tokenizer.encode("El la The a"), tokenizer.encode("gato negro puede dormir black cat may")
    n_steps, n_pairs = 80, 64
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(
            tokenizer.vocab_size,
            d_model=32,
            n_heads=2,
            n_encoder_layers=1,
            n_decoder_layers=1,
            d_ff=64,
            dropout=0.0,
            max_positions=16,
        )
        torch.nn.init.zeros_(model.encoder[0].self_attention.w_o.weight).requires_grad_(False)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(n_steps):
            copied = torch.tensor(words)[torch.randint(len(words), (n_pairs,))]
            sources = torch.tensor(fillers)[torch.randint(len(fillers), (n_pairs, 5))]
            lengths = torch.randint(1, 6, (n_pairs,))
            sources[torch.arange(n_pairs), (torch.rand(n_pairs) * lengths).long()] = copied
            rows = [[*source[:n].tolist(), EOS] for source, n in zip(sources, lengths, strict=True)]
            read, emitted = pad([[BOS, i] for i in copied.tolist()]), pad([[i, EOS] for i in copied.tolist()])
            logits = model.logits(model(pad(rows), lengths + 1, read))
            loss = cross_entropy(logits.flatten(0, 1), emitted.flatten(), label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval(), fillers, words


def test_where_a_word_is_copied_all_measures_name_it(
    copying_model: tuple[Transformer, list[int], list[int]], tokenizer: Tokenizer
) -> None:
    model, fillers, words = copying_model
    for word in words:
        for place in range(4):
            source = fillers[:3]
            source.insert(place, word)
            found = attribute(model, tokenizer, source, [word], 0, forced=True)
            assert found.log_prob > -0.5
            for measure in MEASURES:
                assert int(np.argmax(found.of(measure)[:4])) == place, measure


def test_a_head_that_is_not_there_is_refused(text_model: Transformer, tokenizer: Tokenizer, ids: Ids) -> None:
    with pytest.raises(InputError, match="there is no head 5"):
        attribute(text_model, tokenizer, *ids, 0, head=5, forced=True)


def test_numbers_that_do_not_fit_the_words_are_refused() -> None:
    four, three = np.full(4, 0.25), np.zeros(3)
    labels = ("a", "b", "c", "</s>")
    told = ("a b c", "x", False, "x", 1, ("▁x",), -1.0, None, None, 2, 4, 0, labels)
    Attribution(*told, four, four, four, three)
    with pytest.raises(ValueError, match="leave_one_out"):
        Attribution(*told, four, four, four, four)
    with pytest.raises(ValueError, match="norm"):
        Attribution(*told, four, three, four, three)


NUMBERS = st.lists(st.integers(-3, 3), min_size=2, max_size=8)


@given(NUMBERS, st.randoms())
@settings(max_examples=40)
def test_rank_agreement_counts_pairs(x: list[int], random: st.DrawFn) -> None:
    y = random.sample(x, len(x))
    pairs = list(combinations(range(len(x)), 2))
    signs = [np.sign((x[i] - x[j]) * (y[i] - y[j])) for i, j in pairs]
    untied_x = sum(x[i] != x[j] for i, j in pairs)
    untied_y = sum(y[i] != y[j] for i, j in pairs)
    tau = kendall_tau(np.array(x, dtype=float), np.array(y, dtype=float))
    if untied_x and untied_y:
        assert tau == pytest.approx(sum(signs) / (untied_x * untied_y) ** 0.5)
        assert kendall_tau(np.array(x), np.array(x)) == pytest.approx(1)
        assert kendall_tau(np.array(x), -3.0 * np.array(x)) == pytest.approx(-1)
    else:
        assert tau is None


def test_agreement_is_of_each_two_measures_over_the_words() -> None:
    rising = np.array([1.0, 2, 3, 0])
    told = ("a b c", "x", False, "x", 1, ("▁x",), -1.0, None, None, 2, 4, 0, ("a", "b", "c", "</s>"))
    agreement = Attribution(*told, rising / 6, rising, 4 - rising, np.zeros(3)).agreement()
    assert list(agreement) == list(combinations(MEASURES, 2))
    assert agreement["attention", "norm"] == 1
    assert agreement["attention", "gradient"] == -1
    assert agreement["attention", "leave_one_out"] is None
