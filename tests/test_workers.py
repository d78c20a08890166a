"""Laws of working side by side: as one, and the same each time."""

import numpy as np
import pytest
import torch

from mtattn.config import config_from
from mtattn.corpus.batches import EncodedPairs
from mtattn.training.optimizer import Muon, orthogonalized
from mtattn.training.workers import Workers, emission_loss
from mtattn.transformer import Transformer
from mtattn.weights import new_model

V = 500
N_PAIRS = 7


@pytest.fixture
def pairs() -> EncodedPairs:
    rng = np.random.default_rng(1)
    lengths = rng.integers(2, 12, (N_PAIRS, 2))
    return EncodedPairs(([rng.integers(4, V, n).tolist() for n in pair] for pair in lengths), V)


def model(dropout: float) -> Transformer:
    torch.manual_seed(1)
    return new_model(config_from({"model": {"dropout": dropout}}), V).train()


def gradients(
    net: Transformer, pairs: EncodedPairs, workers: Workers, dtype: torch.dtype = torch.float32, step: int = 0
) -> tuple[float, int, list[torch.Tensor]]:
    indices = np.arange(len(pairs))
    loss = workers.gradients(net, pairs, indices, label_smoothing=0.1, dtype=dtype, seed=(1, step))
    return loss.emission, loss.n_tokens, [parameter.grad.clone() for parameter in net.parameters()]


@pytest.mark.parametrize("n", [1, 2, 3, N_PAIRS + 2])
def test_any_number_of_workers_gives_the_gradient_of_the_whole_batch(pairs: EncodedPairs, n: int) -> None:
    net, batch = model(0.0), pairs.batch(range(N_PAIRS))
    expected = emission_loss(net, batch, 0.1)
    expected.backward()
    whole = [parameter.grad.clone() for parameter in net.parameters()]
    loss, n_tokens, together = gradients(net, pairs, Workers(n))
    assert loss == pytest.approx(expected.item(), abs=1e-5)
    assert n_tokens == batch.n_tokens
    for one, other in zip(together, whole, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_same_seed_gives_the_same_gradients_whichever_thread_is_the_faster(
    pairs: EncodedPairs, dtype: torch.dtype
) -> None:
    results = []
    for _ in range(6):
        net, workers = model(0.3), Workers(2)
        results.append([gradients(net, pairs, workers, dtype, step) for step in range(3)])
    for result in results[1:]:
        for (loss, _, one), (other_loss, _, other) in zip(result, results[0], strict=True):
            assert loss == other_loss
            assert all(map(torch.equal, one, other))
    assert results[0][0][0] != results[0][1][0]  # dropout goes on


def test_no_two_parts_drop_the_same() -> None:
    net, same = model(0.5), EncodedPairs([([5, 6, 7], [8, 9])] * 2, V)
    losses = {round(gradients(net, same, Workers(n))[0], 6) for n in (1, 2)}
    halves = [gradients(net, EncodedPairs([([5, 6, 7], [8, 9])], V), Workers(1))[0]]
    assert len(losses | set(halves)) == 3


@pytest.mark.parametrize("n", [2, 5])
def test_workers_change_no_step_of_muon(n: int) -> None:
    shapes = [(16, 16)] * 3 + [(8, 16), (16, 8)]
    torch.manual_seed(2)
    start = [torch.randn(shape) for shape in shapes]
    outcomes = []
    for workers in (None, Workers(n), Workers(n)):
        parameters = [torch.nn.Parameter(one.clone()) for one in start]
        muon = Muon(parameters, lr=0.1, workers=workers)
        for _ in range(3):
            for parameter in parameters:
                parameter.grad = parameter.detach().sin()
            muon.step()
        outcomes.append(parameters)
    for alone, shared, again, before in zip(*outcomes, start, strict=True):
        torch.testing.assert_close(alone, shared, atol=1e-4, rtol=0)
        assert torch.equal(shared, again)
        assert not torch.equal(alone, before)


def test_bfloat16_orthogonalizes_nearly_as_well() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(2, 24, 40)
    exact, rough = orthogonalized(matrices), orthogonalized(matrices, torch.bfloat16)
    assert rough.dtype == torch.float32
    assert (exact - rough).norm() < 0.05 * exact.norm()


def test_what_goes_wrong_in_a_worker_is_told(pairs: EncodedPairs) -> None:
    with pytest.raises(IndexError):
        Workers(2).gradients(
            model(0.0), pairs, np.array([0, N_PAIRS + 5]), label_smoothing=0.0, dtype=torch.float32, seed=(1,)
        )
