from collections.abc import Callable

import pytest
import torch

from mtattn.decoding.hypothesis import Hypothesis, length_penalty, longest_output
from mtattn.decoding.search import beam_search, forced_log_probs, greedy_search
from mtattn.tokenizer import BOS, EOS, PAD, UNK
from mtattn.transformer import Transformer

NewModel = Callable[..., Transformer]

SOURCES = [[5, 6, 7, 8, 4], [4], [7, 7], [], [8, 5, 6, 4], [6, 5, 8]]
SEEDS = range(5)


@pytest.fixture(scope="module")
def models(new_model: NewModel) -> list[Transformer]:
    """Make models that end after a few tokens or never, and two that are always about to end."""
    models = [new_model(10, seed, n_encoder_layers=1, n_decoder_layers=2) for seed in SEEDS]
    for model in models[-2:]:
        with torch.no_grad():
            model.decoder_norm.bias += model.embedding.weight[EOS] / model.embedding.weight[EOS].norm()
    return models


@torch.inference_mode()
def next_log_probs(model: Transformer, source: list[int], prefixes: list[list[int]]) -> list[list[float]]:
    """Compute everything anew for prefixes of one length."""
    src = torch.tensor([[*source, EOS]] * len(prefixes))
    read = torch.tensor([[BOS, *prefix] for prefix in prefixes])
    hidden = model(src, torch.full((len(prefixes),), src.shape[1]), read)
    return model.logits(hidden[:, -1]).log_softmax(-1).tolist()


def reference(model: Transformer, source: list[int], beam: int, alpha: float) -> list[Hypothesis]:
    """Search one source by the book: no cache, plain lists."""
    limit = min(2 * (len(source) + 1) + 10, model.max_positions)
    going: list[tuple[float, list[int]]] = [(0.0, [])]
    found: list[Hypothesis] = []
    for length in range(1, limit + 1):
        penalty = ((5 + length) / 6) ** alpha
        log_probs = next_log_probs(model, source, [prefix for _, prefix in going])
        candidates = [
            (total + log_prob, prefix, token)
            for (total, prefix), of_prefix in zip(going, log_probs, strict=True)
            for token, log_prob in enumerate(of_prefix)
            if token not in (PAD, BOS, UNK)
        ]
        candidates.sort(key=lambda candidate: -candidate[0])
        for total, prefix, token in candidates[:beam]:
            if token == EOS and len(found) < beam:
                found.append(Hypothesis(prefix, total, total / penalty))
        going = [(total, [*prefix, token]) for total, prefix, token in candidates if token != EOS][:beam]
        if len(found) == beam:
            break
        if length == limit:
            for total, prefix in going[: beam - len(found)]:
                found.append(Hypothesis(prefix, total, total / penalty, complete=False))
    return sorted(found, key=lambda hypothesis: -hypothesis.score)


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [(h.ids, h.complete) for h in found] == [(h.ids, h.complete) for h in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.log_prob == pytest.approx(b.log_prob, abs=1e-4)
        assert a.score == pytest.approx(b.score, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_beam_of_1_is_greedy(models: list[Transformer], seed: int) -> None:
    greedy = greedy_search(models[seed], SOURCES)
    beams = beam_search(models[seed], SOURCES, beam=1)
    assert all(len(beam) == 1 for beam in beams)
    assert_same([beam[0] for beam in beams], greedy)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("beam", "alpha"), [(1, 1.0), (3, 1.0), (4, 0.0)])
def test_beam_search_finds_what_a_search_by_the_book_finds(
    models: list[Transformer], seed: int, beam: int, alpha: float
) -> None:
    found = beam_search(models[seed], SOURCES, beam, alpha)
    for source, hypotheses in zip(SOURCES, found, strict=True):
        assert_same(hypotheses, reference(models[seed], source, beam, alpha))


def test_these_searches_meet_ends_and_limits(models: list[Transformer]) -> None:
    """What the other tests compare holds outputs that ended and some that were cut off."""
    found = [h for model in models for hypotheses in beam_search(model, SOURCES, 3) for h in hypotheses]
    n_complete = sum(h.complete for h in found)
    assert 0.1 * len(found) < n_complete < 0.95 * len(found)
    assert len({len(h.ids) for h in found if h.complete}) > 3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("beam", [1, 4])
def test_a_batch_finds_what_single_sentences_find(models: list[Transformer], seed: int, beam: int) -> None:
    """Sentences that are finished leave the batch; the others do not notice."""
    model = models[seed]
    together = beam_search(model, SOURCES, beam)
    for i, source in enumerate(SOURCES):
        (alone,) = beam_search(model, [source], beam)
        assert_same(together[i], alone)
    assert_same(greedy_search(model, SOURCES), [greedy_search(model, [source])[0] for source in SOURCES])


def test_the_order_of_the_batch_does_not_matter(models: list[Transformer]) -> None:
    forwards = beam_search(models[1], SOURCES, 3)
    backwards = beam_search(models[1], SOURCES[::-1], 3)
    for one, other in zip(forwards, backwards[::-1], strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_probability_is_that_of_the_output_when_forced(models: list[Transformer], seed: int) -> None:
    model = models[seed]
    searched = [[greedy] for greedy in greedy_search(model, SOURCES)]
    searched += beam_search(model, SOURCES, 4)
    for source, of_source in zip(SOURCES * 2, searched, strict=True):
        forced = forced_log_probs(model, [source] * len(of_source), [h.ids for h in of_source])
        for hypothesis, log_probs in zip(of_source, forced, strict=True):
            assert len(log_probs) == len(hypothesis.ids) + 1
            counted = log_probs if hypothesis.complete else log_probs[:-1]
            assert hypothesis.log_prob == pytest.approx(sum(counted), abs=1e-4)
            assert hypothesis.score == pytest.approx(hypothesis.log_prob / length_penalty(len(counted), 1.0), abs=1e-6)


def test_a_given_output_has_the_probability_of_its_steps(models: list[Transformer]) -> None:
    targets = [[4, 5], [], [6, 6, 6], [7], [8, 4], [5]]
    forced = forced_log_probs(models[0], SOURCES, targets)
    for source, target, log_probs in zip(SOURCES, targets, forced, strict=True):
        steps = [next_log_probs(models[0], source, [target[:t]])[0][token] for t, token in enumerate([*target, EOS])]
        assert log_probs == pytest.approx(steps, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_hypotheses_come_the_best_first_and_each_once(models: list[Transformer], seed: int, alpha: float) -> None:
    for hypotheses in beam_search(models[seed], SOURCES, 4, alpha):
        assert len(hypotheses) == 4
        scores = [h.score for h in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert len({(*h.ids, h.complete) for h in hypotheses}) == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_keep_their_length_and_hold_no_special_token(models: list[Transformer], seed: int) -> None:
    limits = [longest_output(len(source) + 1, models[seed].max_positions) for source in SOURCES]
    greedy = greedy_search(models[seed], SOURCES)
    for i, hypotheses in enumerate(beam_search(models[seed], SOURCES, 3)):
        for h in (*hypotheses, greedy[i]):
            assert len(h.ids) + h.complete <= limits[i]
            assert h.complete or len(h.ids) == limits[i]
            assert not {PAD, BOS, EOS, UNK} & set(h.ids)
            assert -float("inf") < h.log_prob <= 0


@pytest.mark.parametrize("beam", [1, 3])
def test_special_tokens_are_not_emitted_however_likely(new_model: NewModel, beam: int) -> None:
    model = new_model(10, seed=4)
    with torch.no_grad():  # outputs beyond all others, of either sign of the hidden state
        direction = torch.randn(16)
        model.decoder_norm.weight.zero_()
        model.decoder_norm.bias.copy_(direction)
        model.embedding.weight[[PAD, BOS, UNK]] = 5 * direction
    for hypotheses in beam_search(model, SOURCES, beam):
        for h in hypotheses:
            assert not {PAD, BOS, UNK} & set(h.ids)
    assert all(not {PAD, BOS, UNK} & set(h.ids) for h in greedy_search(model, SOURCES))


@pytest.mark.parametrize("max_positions", [8, 9])
def test_the_models_positions_bound_the_output(new_model: NewModel, max_positions: int) -> None:
    sources = [[5, 6, 7, 8, 4, 4, 6], [4]]
    for seed in SEEDS:
        model = new_model(10, seed, max_positions=max_positions)
        for i, source in enumerate(sources):
            for h in (greedy_search(model, sources)[i], *beam_search(model, sources, 3)[i]):
                assert len(h.ids) + h.complete <= max_positions
                assert h.complete or len(h.ids) >= min(max_positions - 1, 2 * len(source) + 12)
                # The model can read again what it wrote.
                (forced,) = forced_log_probs(model, [source], [h.ids])
                assert h.log_prob == pytest.approx(sum(forced if h.complete else forced[:-1]), abs=1e-4)


def test_a_beam_wider_than_the_vocabulary_finds_what_there_is(new_model: NewModel) -> None:
    model = new_model(7, seed=1, max_positions=8)
    for source, hypotheses in zip([[4, 5], [6]], beam_search(model, [[4, 5], [6]], 20), strict=True):
        assert 0 < len(hypotheses) <= 20
        assert len({(*h.ids, h.complete) for h in hypotheses}) == len(hypotheses)
        for h in hypotheses:
            assert not {PAD, BOS, EOS, UNK} & set(h.ids)
            (forced,) = forced_log_probs(model, [source], [h.ids])
            assert h.log_prob == pytest.approx(sum(forced if h.complete else forced[:-1]), abs=1e-4)


def test_a_model_written_by_hand_writes_what_it_attends_to(written_model: Callable[..., Transformer]) -> None:
    model = written_model(12, {BOS: 6, 8: 4, 9: EOS}, {6: 8, 4: 9, EOS: EOS})
    for found in (greedy_search(model, [[4, 5, 6]])[0], beam_search(model, [[4, 5, 6]], 2)[0][0]):
        assert (found.ids, found.complete) == ([8, 9], True)


def test_the_length_penalty_favours_longer_outputs() -> None:
    assert length_penalty(3, 0.0) == length_penalty(30, 0.0) == 1
    assert -10 / length_penalty(20, 1.0) > -10 / length_penalty(10, 1.0)
