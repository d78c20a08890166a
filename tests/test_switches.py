from collections.abc import Callable

import numpy as np
import pytest
import torch

from mtattn.corpus.batches import pad
from mtattn.decoding.search import beam_search, forced_log_probs, greedy_search
from mtattn.errors import InputError
from mtattn.heads.capture import forced_weights
from mtattn.heads.record import KINDS, HeadName, Kind
from mtattn.heads.switches import Switches, attentions, head_names, switched
from mtattn.tokenizer import BOS, EOS
from mtattn.transformer import AttentionWeights, Transformer

SOURCES = [[5, 6, 7, 8], [9, 4], [12, 11, 10, 9, 8, 7, 6], [4]]
TARGETS = [[6, 5, 4], [7, 7, 8, 9, 10], [11], [5, 12]]
HEADS = [HeadName("cross", 2, 3), HeadName("encoder", 1, 4), HeadName("decoder", 2, 1)]


@pytest.fixture
def model(new_model: Callable[..., Transformer]) -> Transformer:
    return new_model()


def all_results(model: Transformer) -> list[object]:
    """Give what every way through the model finds: forced passes, greedy and beam search."""
    weights = forced_weights(model, SOURCES, TARGETS)
    return [
        forced_log_probs(model, SOURCES, TARGETS),
        *([layer.tolist() for layer in getattr(weights, kind)] for kind in KINDS),
        greedy_search(model, SOURCES),
        beam_search(model, SOURCES, 4),
    ]


def test_no_switch_changes_nothing(model: Transformer) -> None:
    before, keys = all_results(model), set(model.state_dict())
    with switched(model, Switches()):
        assert all_results(model) == before
    with switched(model, Switches(mute=tuple(HEADS), uniform=tuple(HEADS))):
        assert all_results(model) != before
        assert set(model.state_dict()) == keys
    assert all_results(model) == before


def test_switches_are_taken_back_whatever_happens(model: Transformer) -> None:
    before = all_results(model)
    with pytest.raises(RuntimeError), switched(model, Switches(mute=tuple(HEADS))):
        raise RuntimeError
    assert all_results(model) == before


def test_switches_within_switches_add_up_and_are_taken_back_one_by_one(model: Transformer) -> None:
    outer, inner = Switches(mute=(HEADS[0],)), Switches(mute=(HeadName("cross", 2, 1),), uniform=(HEADS[1],))
    with switched(model, Switches(mute=outer.mute + inner.mute, uniform=inner.uniform)):
        both = all_results(model)
    with switched(model, outer):
        before = all_results(model)
        with switched(model, inner):
            assert all_results(model) == both != before
        assert all_results(model) == before


@pytest.mark.parametrize("name", HEADS)
def test_a_muted_head_is_one_whose_columns_of_w_o_are_zero(
    new_model: Callable[..., Transformer], model: Transformer, name: HeadName
) -> None:
    zeroed = new_model()
    d_head = zeroed.d_model // zeroed.n_heads
    with torch.no_grad():
        w_o = attentions(zeroed)[name.kind][name.layer - 1].w_o.weight
        w_o[:, (name.head - 1) * d_head : name.head * d_head] = 0
    with switched(model, Switches(mute=(name,))):
        assert all_results(model) == all_results(zeroed)


@pytest.mark.parametrize("name", HEADS)
def test_a_uniform_head_has_even_rows_over_what_it_may_see(model: Transformer, name: HeadName) -> None:
    before = forced_weights(model, SOURCES, TARGETS)
    with switched(model, Switches(uniform=(name,))):
        after = forced_weights(model, SOURCES, TARGETS)
    changed = getattr(after, name.kind)[name.layer - 1][:, name.head - 1]
    others = [h for h in range(model.n_heads) if h != name.head - 1]
    assert torch.equal(
        getattr(after, name.kind)[name.layer - 1][:, others], getattr(before, name.kind)[name.layer - 1][:, others]
    )
    for i, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        n_rows = len(source) + 1 if name.kind == "encoder" else len(target) + 1
        for t in range(n_rows):
            n_seen = t + 1 if name.kind == "decoder" else len(source) + 1
            row = changed[i, t]
            assert torch.equal(row[:n_seen], torch.full((n_seen,), 1 / n_seen))
            assert not row[n_seen:].any()


@torch.inference_mode()
def test_a_switched_model_writes_step_by_step_what_it_writes_at_once(model: Transformer) -> None:
    """Cached decoding and the branches of a beam know the switches too."""
    switches = Switches(mute=(HEADS[0],), uniform=(HeadName("cross", 1, 2), HeadName("decoder", 1, 1), HEADS[1]))
    with switched(model, switches):
        for source in SOURCES:
            (greedy,), (beams,) = greedy_search(model, [source]), beam_search(model, [source], 3)
            for found in (greedy, *beams):
                if found.complete:
                    (forced,) = forced_log_probs(model, [source], [found.ids])
                    assert sum(forced) == pytest.approx(found.log_prob, abs=1e-4)
            state = model.start(*model.encode(pad([source], last=EOS), torch.tensor([len(source) + 1])))
            whole = forced_weights(model, [source], [greedy.ids])
            for t, read in enumerate([BOS, *greedy.ids]):
                step = AttentionWeights()
                model.decode(torch.tensor([[read]]), state, step)
                for layer in range(2):
                    torch.testing.assert_close(step.cross[layer][0, :, 0], whole.cross[layer][0, :, t])
                    torch.testing.assert_close(step.decoder[layer][0, :, 0], whole.decoder[layer][0, :, t, : t + 1])


@pytest.mark.parametrize("kind", KINDS)
def test_only_mutes_all_others_of_its_kind(model: Transformer, kind: Kind) -> None:
    kept = (HeadName(kind, 1, 2), HeadName(kind, 2, 4))
    rest = tuple(name for name in head_names(model) if name.kind == kind and name not in kept)
    assert len(rest) == 6
    assert Switches(only=kept).muted(model) == list(rest)
    with switched(model, Switches(only=kept)):
        found = all_results(model)
    with switched(model, Switches(mute=rest)):
        assert all_results(model) == found


def test_a_gate_scales_a_head_and_its_gradient_is_a_finite_difference(new_model: Callable[..., Transformer]) -> None:
    model = new_model().double()
    attention = attentions(model)["cross"][1]
    src_lengths = torch.tensor([len(source) + 1 for source in SOURCES])

    def log_prob(gate: torch.Tensor) -> torch.Tensor:
        attention.gate = gate
        hidden = model(pad(SOURCES, last=EOS), src_lengths, pad(TARGETS, first=BOS))
        return model.logits(hidden).log_softmax(-1)[..., 5].sum()

    gate = torch.ones(4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(log_prob(gate), gate)
    for head in range(4):
        step = 1e-6 * torch.eye(4, dtype=torch.float64)[head]
        with torch.no_grad():
            difference = (log_prob(gate + step) - log_prob(gate - step)) / 2e-6
        np.testing.assert_allclose(gradient[head], difference, rtol=1e-5)
    attention.gate = None


@pytest.mark.parametrize("name", ["cross.3.1", "encoder.1.5", "decoder.9.9"])
@pytest.mark.parametrize("switch", ["mute", "only", "uniform"])
def test_a_head_that_is_not_there_is_refused_with_those_that_are(model: Transformer, name: str, switch: str) -> None:
    before = all_results(model)
    kind = name.split(".")[0]
    with (
        pytest.raises(InputError, match=f"{name}: .*{kind}.1.1 to {kind}.2.4"),
        switched(model, Switches(**{switch: (HeadName.parse(name),)})),
    ):
        pass
    assert all_results(model) == before


def test_a_head_is_not_muted_and_kept() -> None:
    with pytest.raises(InputError, match=r"cross\.2\.3: .*muted and kept"):
        Switches(mute=tuple(HEADS), only=(HEADS[0],))
