"""Laws of the averaged weights."""

import pytest
import torch

from mtattn.config import config_from
from mtattn.training.averaging import averaged
from mtattn.weights import new_model


def average_of(values: list[float], share: float) -> float:
    """Average a model whose weights are one number, which takes these values."""
    model = new_model(config_from({}), 300)
    average = averaged(model, share)
    with torch.no_grad():
        for value in values:
            for parameter in model.parameters():
                parameter.fill_(value)
            average.update_parameters(model)
    (result,) = {round(parameter.flatten()[0].item(), 5) for parameter in average.parameters()}
    return result


def test_share_0_is_the_last_and_share_1_the_mean() -> None:
    assert average_of([3, 1, 8], 0) == 8
    assert average_of([3, 1, 8], 1) == 4


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_the_mean_age_of_the_weights_is_about_the_share_of_all(share: float) -> None:
    n = 400
    age = n - average_of([float(t) for t in range(n)], share)
    assert age == pytest.approx(share / (1 + share) * n, rel=0.05)


def test_the_copy_stays_when_the_model_moves_on() -> None:
    model = new_model(config_from({}), 300)
    average = averaged(model, 0.1)
    before = average.module.embedding.weight.clone()
    with torch.no_grad():
        model.embedding.weight.zero_()
    assert torch.equal(average.module.embedding.weight, before)
    assert not average.module.training
    assert model.training
