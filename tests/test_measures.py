import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.heads.card import NO_ROLE, ROLES, role_of
from mtattn.heads.measures import (
    Behaviour,
    DiversityMeter,
    Meter,
    jensen_shannon_distance,
)
from mtattn.heads.ranks import rank_correlation
from mtattn.heads.record import KINDS, AttentionMap, Kind

SOURCE, TARGET = ("▁El", "▁gato", ",", "▁negro", "."), ("▁The", "▁bl", "ack", "▁cat")


def shape(kind: Kind) -> tuple[int, int]:
    n_src, n_tgt = len(SOURCE) + 1, len(TARGET) + 1
    return {"cross": (n_tgt, n_src), "encoder": (n_src, n_src), "decoder": (n_tgt, n_tgt)}[kind]


def attention_map(kind: Kind, *heads: np.ndarray) -> AttentionMap:
    """Make a map of one layer from each head's weights (T_q, T_k)."""
    src, emitted, read = (*SOURCE, "</s>"), (*TARGET, "</s>"), ("<s>", *TARGET)
    rows = src if kind == "encoder" else emitted
    return AttentionMap(kind, rows, read if kind == "decoder" else src, np.stack(heads)[None])


def at(kind: Kind, places: list[int]) -> np.ndarray:
    """Give each row one column."""
    n_rows, n_columns = shape(kind)
    assert len(places) == n_rows
    return np.eye(n_columns)[places]


def even(kind: Kind) -> np.ndarray:
    """Give each row even weights over all that it may see."""
    weights = np.ones(shape(kind))
    weights = np.tril(weights) if kind == "decoder" else weights
    return weights / weights.sum(axis=1, keepdims=True)


def measured(kind: Kind, head: np.ndarray) -> dict[str, float]:
    meter = Meter()
    meter.add(attention_map(kind, head))
    return {name: float(values[0, 0]) for name, values in vars(meter.behaviour()).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_even_weights_have_all_entropy_and_a_single_weight_has_none(kind: Kind) -> None:
    n_rows, n_columns = shape(kind)
    assert measured(kind, even(kind))["entropy"] == pytest.approx(1)
    one_key = measured(kind, at(kind, [min(t, n_columns - 1) for t in range(n_rows)]))
    assert one_key["entropy"] == pytest.approx(0)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize(("name", "step"), [("previous", -1), ("same", 0), ("next", 1)])
def test_a_head_with_a_fixed_offset_has_all_its_weight_there(kind: Kind, name: str, step: int) -> None:
    if kind == "decoder" and step == 1:
        return  # it cannot look ahead
    n_rows, n_columns = shape(kind)
    numbers = measured(kind, at(kind, [min(max(t + step, 0), n_columns - 1) for t in range(n_rows)]))
    there = {"previous": 0.0, "same": 0.0, "next": 0.0} | {name: 1.0}
    if kind == "encoder" and step == -1:  # the first position has none before it
        there = {"previous": 0.8, "same": 0.2, "next": 0.0}
    assert {one: numbers[one] for one in there} == pytest.approx(there)
    assert numbers["near"] == pytest.approx(1)
    assert numbers["distance"] == pytest.approx(abs(numbers["offset"]))
    assert math.copysign(1, numbers["offset"]) == (step or 1)


def test_the_own_position_of_cross_attention_is_on_the_diagonal() -> None:
    """Five rows and six columns: from the first to the first, from </s> to </s>."""
    diagonal = measured("cross", at("cross", [0, 1, 2, 4, 5]))
    assert diagonal["same"] == 1
    assert diagonal["distance"] == pytest.approx((0 + 0.25 + 0.5 + 0.25) / 4)
    assert diagonal["offset"] == pytest.approx((0 - 0.25 - 0.5 + 0.25) / 4)
    assert measured("cross", at("cross", [1, 2, 3, 3, 0]))["next"] == 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_what_rests_on_the_special_token_is_told_apart(kind: Kind) -> None:
    n_rows, n_columns = shape(kind)
    special = 0 if kind == "decoder" else n_columns - 1
    numbers = measured(kind, at(kind, [special] * n_rows))
    assert numbers["special"] == 1
    assert numbers["confidence"] == 0
    assert math.isnan(numbers["distance"])
    halved = (at(kind, [special] * n_rows) + at(kind, [1 if kind == "decoder" else 0] * n_rows)) / 2
    halved = np.tril(halved) if kind == "decoder" else halved
    halved /= halved.sum(axis=1, keepdims=True)
    assert measured(kind, halved)["confidence"] == pytest.approx(0.5)
    assert measured(kind, halved)["special"] == pytest.approx(0.5)


def test_punctuation_is_a_piece_without_letter_or_digit() -> None:
    numbers = measured("encoder", at("encoder", [2, 2, 4, 4, 0, 1]))
    assert numbers["punctuation"] == pytest.approx(4 / 5)
    assert measured("cross", at("cross", [0, 1, 3, 5, 2]))["punctuation"] == 0


def test_rows_without_a_choice_and_those_of_the_end_do_not_count() -> None:
    """The decoder's first step sees <s> alone; a row of </s> may hold anything."""
    for kind in KINDS:
        usual, other = even(kind), even(kind)
        other[-1] = np.eye(shape(kind)[1])[1]
        assert measured(kind, usual) == measured(kind, other)
    assert measured("decoder", at("decoder", [0, 1, 2, 3, 4]))["special"] == 0


def test_many_maps_give_the_mean_over_their_rows() -> None:
    rng = np.random.default_rng(0)
    long, short = (rng.dirichlet(np.ones(n), size=(1, 2, n)) for n in (6, 3))
    meters = [Meter() for _ in range(3)]
    maps = [AttentionMap("encoder", ("▁a",) * len(w[0, 0]), ("▁a",) * len(w[0, 0]), w) for w in (long, short)]
    for meter, some in zip(meters, (maps, maps[:1], maps[1:]), strict=True):
        for one in some:
            meter.add(one)
    both, first, second = (meter.behaviour() for meter in meters)
    for name in ("entropy", "confidence", "special", "same", "near"):
        mean = (5 * getattr(first, name) + 2 * getattr(second, name)) / 7
        np.testing.assert_allclose(getattr(both, name), mean)
        assert getattr(both, name).shape == (1, 2)


def test_known_weights_get_their_roles() -> None:
    expected = {
        "sink": [5, 5, 5, 5, 5, 5],
        "previous": [0, 0, 1, 2, 3, 4],
        "same": [0, 1, 2, 3, 4, 5],
        "next": [1, 2, 3, 4, 5, 5],
        "local": [0, 0, 3, 4, 4, 5],
        "punctuation": [4, 4, 2, 2, 0, 5],
        "focused": [3, 4, 0, 0, 0, 5],
    }
    for role, places in expected.items():
        numbers = measured("encoder", at("encoder", places))
        if role == "focused":
            numbers |= {"punctuation": 0.0}
        assert role_of(dict(numbers)) == role, role
    assert role_of(dict(measured("encoder", even("encoder")))) == "broad"
    assert role_of({"aer": 0.1, "special": 0.9}) == "aligner"
    assert role_of({"aer": 0.7, "aer_read": 0.2}) == "reader"
    assert role_of({"entropy": 0.5, "aer": None}) == NO_ROLE
    assert {rule.column for rule in ROLES} <= {*Behaviour.__dataclass_fields__, "aer", "aer_read"}


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_the_distance_of_distributions_is_a_metric_between_0_and_1(seed: int, n: int) -> None:
    p, q, r = np.random.default_rng(seed).dirichlet(np.full(n, 0.3), size=3)
    distance = jensen_shannon_distance
    assert distance(p, p) == 0
    assert distance(p, q) == distance(q, p)
    assert 0 <= distance(p, q) <= 1
    assert distance(p, r) <= distance(p, q) + distance(q, r) + 1e-12
    zeros = np.zeros(n)
    assert distance(np.concatenate([p, zeros]), np.concatenate([zeros, q])) == pytest.approx(1)


def diversity(kind: Kind, *heads: np.ndarray) -> float:
    meter = DiversityMeter()
    meter.add(attention_map(kind, *heads))
    return meter.diversity()


@pytest.mark.parametrize("kind", KINDS)
def test_heads_that_look_alike_have_no_diversity_and_those_with_nothing_in_common_have_all(kind: Kind) -> None:
    n_rows, n_columns = shape(kind)
    first = at(kind, [0] * n_rows)
    second = at(kind, [min(1, t) if kind == "decoder" else 1 for t in range(n_rows)])
    assert diversity(kind, even(kind), even(kind), even(kind)) == 0
    assert diversity(kind, first, second) == pytest.approx(1)  # in the decoder's first row there is no choice
    assert diversity(kind, first, first, second) == pytest.approx(2 / 3)
    assert diversity(kind, second, first, first) == pytest.approx(2 / 3)
    assert math.isnan(diversity(kind, first))
    other_end = first.copy()
    other_end[-1] = np.eye(n_columns)[1]
    assert diversity(kind, first, other_end) == 0


def test_the_diversity_of_many_maps_is_the_mean_over_their_rows_and_layers() -> None:
    rng = np.random.default_rng(0)
    meter, distances = DiversityMeter(), []
    for n in (6, 3):
        weights = rng.dirichlet(np.ones(n), size=(2, 3, n))  # (L, H, T_q, T_k)
        meter.add(AttentionMap("encoder", ("▁a",) * n, ("▁a",) * n, weights))
        for layer in weights:
            for i, j in ((0, 1), (0, 2), (1, 2)):
                distances += [jensen_shannon_distance(layer[i, t], layer[j, t]) for t in range(n - 1)]
    assert meter.diversity() == pytest.approx(np.mean(distances))


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9))
def test_rank_correlation_asks_for_the_order_alone(values: list[int]) -> None:
    cubes, turned = [value**3 for value in values], [-value for value in values]
    if len(set(values)) == 1:
        assert math.isnan(rank_correlation(values, cubes))
    else:
        assert rank_correlation(values, cubes) == pytest.approx(1)
        assert rank_correlation(values, turned) == pytest.approx(-1)
