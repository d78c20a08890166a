from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mtattn.config import TrainingConfig
from mtattn.corpus.batches import Batch, make_batch
from mtattn.training.optimizer import Muon, Optimizer, learning_rate_factor, orthogonalized
from mtattn.training.workers import emission_loss
from mtattn.transformer import Transformer

NewModel = Callable[..., Transformer]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return make_batch([[4, 5, 6], [7, 8]], [[8, 7], [6, 5, 4]])


def a_step(model: Transformer, optimizer: Optimizer, batch: Batch, position: float) -> float:
    loss = emission_loss(model, batch)
    loss.backward()
    optimizer.step(position)
    return loss.item()


def spread(n: int, rows: int, columns: int, smallest: float = 0.1) -> Tensor:
    """Make matrices whose singular values lie evenly between `smallest` and 1."""
    u, _, v = torch.linalg.svd(torch.randn(n, rows, columns), full_matrices=False)
    return u @ torch.diag(torch.linspace(smallest, 1, min(rows, columns))) @ v


@given(warmup=st.floats(0, 0.99), position=st.floats(0, 1))
def test_the_learning_rate_rises_to_its_peak_and_falls_to_0(warmup: float, position: float) -> None:
    factor = learning_rate_factor(position, warmup)
    assert 0 <= factor <= 1
    if position < warmup:
        assert factor == pytest.approx(position / warmup)
    else:
        assert factor == pytest.approx((1 - position) / (1 - warmup))
    assert learning_rate_factor(warmup, warmup) == 1
    assert learning_rate_factor(1.0, warmup) == 0
    assert learning_rate_factor(1.5, warmup) == 0
    if warmup:
        assert learning_rate_factor(0.0, warmup) == 0


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (16, 48), (48, 16), (1, 8), (8, 1)])
def test_an_orthogonalized_matrix_has_singular_values_near_1(rows: int, columns: int) -> None:
    matrices = spread(3, rows, columns)
    values = torch.linalg.svdvals(orthogonalized(matrices))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_orthogonalizing_keeps_the_singular_vectors() -> None:
    matrices = spread(1, 12, 20, smallest=0.3)
    u, _, v = torch.linalg.svd(matrices[0], full_matrices=False)
    core = u.T @ orthogonalized(matrices)[0] @ v.T
    assert (core - torch.diag(core.diag())).abs().max() < 1e-3
    assert (core.diag() > 0.6).all()


@given(scale=st.sampled_from([1e-4, 1.0, 1e4]))
def test_the_size_of_a_matrix_does_not_matter(scale: float) -> None:
    matrices = spread(2, 10, 14)
    torch.testing.assert_close(orthogonalized(scale * matrices), orthogonalized(matrices), atol=1e-3, rtol=0)


def test_matrices_are_orthogonalized_each_by_itself() -> None:
    matrices = torch.randn(4, 12, 20) * torch.tensor([1.0, 100.0, 0.01, 5.0])[:, None, None]
    together = orthogonalized(matrices)
    for one, alone in zip(together, (orthogonalized(matrix[None])[0] for matrix in matrices), strict=True):
        torch.testing.assert_close(one, alone, atol=1e-4, rtol=0)


def test_a_tall_matrix_is_a_wide_one_on_its_side() -> None:
    matrices = torch.randn(2, 24, 8)
    torch.testing.assert_close(orthogonalized(matrices), orthogonalized(matrices.mT).mT)


@pytest.mark.parametrize("smallest", [0.0, 1e-8, 1e-4])
def test_a_matrix_of_nearly_no_rank_gives_a_step_of_usual_size(smallest: float) -> None:
    matrices = torch.randn(2, 24, 1) @ torch.randn(2, 1, 96) + smallest * torch.randn(2, 24, 96)
    values = torch.linalg.svdvals(orthogonalized(matrices))
    assert ((values[:, 0] > 0.6) & (values[:, 0] < 1.3)).all()
    assert values.max() < 1.3


def test_no_gradient_is_no_step() -> None:
    assert torch.equal(orthogonalized(torch.zeros(2, 4, 6)), torch.zeros(2, 4, 6))


@pytest.mark.parametrize("shape", [(16, 16), (48, 16), (16, 48)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_muon_steps_as_that_of_torch_does(shape: tuple[int, int], weight_decay: float) -> None:
    start = torch.randn(shape)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Muon([ours], lr=0.02, weight_decay=weight_decay)
    reference = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=weight_decay, adjust_lr_fn="original")
    for _ in range(4):
        gradient = spread(1, *shape)[0]
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        reference.step()
        # Theirs computes in bfloat16, with 8 bits; a step's entries are at most about 0.02 · √3.
        moved = (theirs - start).norm()
        assert moved > 0.05
        assert (ours - theirs).norm() < 0.05 * moved


def test_muon_moves_matrices_of_different_shapes_as_if_each_were_alone() -> None:
    shapes = [(8, 8), (8, 16), (8, 8), (16, 8), (8, 16)]
    together = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    alone = [nn.Parameter(parameter.detach().clone()) for parameter in together]
    one, several = Muon(together, lr=0.1), [Muon([parameter], lr=0.1) for parameter in alone]
    for _ in range(2):
        for a, b in zip(together, alone, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        one.step()
        for optimizer in several:
            optimizer.step()
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_each_optimizer_reduces_a_loss(name: str, new_model: NewModel, batch: Batch) -> None:
    model = new_model(seed=1)
    optimizer = Optimizer(model, TrainingConfig(steps=30, optimizer=name))
    losses = [a_step(model, optimizer, batch, step / 30) for step in range(30)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_every_parameter_is_trained_and_no_gradient_is_left(name: str, new_model: NewModel, batch: Batch) -> None:
    model = new_model(seed=1)
    before = {key: value.clone() for key, value in model.named_parameters()}
    a_step(model, Optimizer(model, TrainingConfig(steps=9, optimizer=name, warmup=0.0)), batch, 0.0)
    for key, value in model.named_parameters():
        assert not torch.equal(value, before[key]), key
        assert value.grad is None or not value.grad.any(), key


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_at_the_ends_of_the_schedule_nothing_moves(name: str, new_model: NewModel, batch: Batch) -> None:
    model = new_model(seed=1)
    before = [value.clone() for value in model.parameters()]
    optimizer = Optimizer(model, TrainingConfig(steps=9, optimizer=name, warmup=0.5))
    for position in (0.0, 1.0):
        a_step(model, optimizer, batch, position)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_the_learning_rate_of_a_step_is_told(new_model: NewModel, batch: Batch) -> None:
    model = new_model(seed=1)
    optimizer = Optimizer(model, TrainingConfig(steps=9, learning_rate=0.01, warmup=0.2))
    emission_loss(model, batch).backward()
    assert optimizer.step(0.1) == pytest.approx(0.005)
    emission_loss(model, batch).backward()
    assert optimizer.step(0.6) == pytest.approx(0.005)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_norms_and_biases_are_not_pulled_towards_0(name: str, new_model: NewModel) -> None:
    model = new_model(seed=1)
    before = {key: value.clone() for key, value in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    config = TrainingConfig(steps=9, optimizer=name, weight_decay=0.5, warmup=0.0)
    Optimizer(model, config).step(0.0)
    for key, value in model.named_parameters():
        if value.dim() < 2:
            assert torch.equal(value, before[key]), key
        else:
            muon = name == "muon" and key != "embedding.weight"
            rate = config.muon_learning_rate if muon else config.learning_rate
            torch.testing.assert_close(value, before[key] * (1 - 0.5 * rate))


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_a_restored_optimizer_goes_on_with_the_same_bits(name: str, new_model: NewModel, batch: Batch) -> None:
    config = TrainingConfig(steps=10, optimizer=name)
    model = new_model(seed=1)
    optimizer = Optimizer(model, config)
    for step in range(4):
        a_step(model, optimizer, batch, step / 10)
    state = {key: value.clone() for key, value in optimizer.state().items()}
    assert all(isinstance(value, Tensor) for value in state.values())

    other = new_model(seed=2)
    other.load_state_dict(model.state_dict())
    restored = Optimizer(other, config)
    restored.load_state({key: value.clone() for key, value in state.items()})
    assert restored.state().keys() == state.keys()
    for step in range(4, 7):
        assert a_step(model, optimizer, batch, step / 10) == a_step(other, restored, batch, step / 10)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)

    # Without the state it would go on otherwise.
    third = new_model(seed=1)
    fresh = Optimizer(third, config)
    for step in range(4):
        a_step(third, fresh, batch, step / 10)
    forgetful = Optimizer(third, config)
    for step in range(4, 7):
        a_step(third, forgetful, batch, step / 10)
    assert not all(torch.equal(a, b) for a, b in zip(model.parameters(), third.parameters(), strict=True))


def test_the_state_of_another_model_is_refused(new_model: NewModel, batch: Batch) -> None:
    config = TrainingConfig(steps=10)
    deep, flat = new_model(n_encoder_layers=2), new_model(n_encoder_layers=1)
    optimizer = Optimizer(deep, config)
    a_step(deep, optimizer, batch, 0.1)
    for other in (flat, new_model(n_encoder_layers=3), new_model(n_encoder_layers=2, d_ff=48)):
        with pytest.raises(ValueError, match=r"encoder\.\d"):
            Optimizer(other, config).load_state(optimizer.state())
