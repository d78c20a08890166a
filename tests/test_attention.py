import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from mtattn.attention import MultiHeadAttention, attention, attention_weights, causal_mask, padding_mask

HEADS = [1, 2, 4, 8]
D_MODEL = 16


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def qkv(b: int = 3, h: int = 2, t_q: int = 5, t_k: int = 7, d_head: int = 4) -> list[Tensor]:
    return [torch.randn(b, h, t, d_head) for t in (t_q, t_k, t_k)]


def some_mask(b: int, t_q: int, t_k: int) -> Tensor:
    """Draw a mask that leaves each query a key."""
    mask = torch.rand(b, 1, t_q, t_k) < 0.6
    mask[..., 0] |= ~mask.any(dim=-1)
    return mask


def inputs(t_q: int = 5, t_k: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(3, t_q, D_MODEL), torch.randn(3, t_k, D_MODEL), torch.randn(3, t_k, D_MODEL)


@pytest.mark.parametrize("n_heads", HEADS)
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_torch_forward_and_backward(n_heads: int, masked: bool) -> None:
    mask = some_mask(3, 5, 7) if masked else None
    ours = [x.requires_grad_() for x in qkv(h=n_heads)]
    theirs = [x.detach().clone().requires_grad_() for x in ours]
    out, _ = attention(*ours, mask)
    expected = scaled_dot_product_attention(*theirs, attn_mask=mask)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    direction = torch.randn_like(out)
    out.backward(direction)
    expected.backward(direction)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_heads", HEADS)
@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention_is_that_of_torch_with_the_same_weights(n_heads: int, masked: bool) -> None:
    ours = MultiHeadAttention(D_MODEL, n_heads)
    theirs = nn.MultiheadAttention(D_MODEL, n_heads, bias=False, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.w_q.weight, ours.w_k.weight, ours.w_v.weight]))
        theirs.out_proj.weight.copy_(ours.w_o.weight)
    our_inputs = [x.requires_grad_() for x in inputs()]
    their_inputs = [x.detach().clone().requires_grad_() for x in our_inputs]
    mask = some_mask(3, 5, 7) if masked else None
    # There a True means masked, and each sentence's mask is repeated for its heads.
    their_mask = None if mask is None else (~mask[:, 0]).repeat_interleave(n_heads, dim=0)

    out, weights = ours(*our_inputs, mask)
    expected, expected_weights = theirs(*their_inputs, attn_mask=their_mask, average_attn_weights=False)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights, expected_weights, atol=1e-5, rtol=1e-5)

    direction = torch.randn_like(out)
    out.backward(direction)
    expected.backward(direction)
    our_gradients = [ours.w_q.weight.grad, ours.w_k.weight.grad, ours.w_v.weight.grad, ours.w_o.weight.grad]
    their_gradients = [*theirs.in_proj_weight.grad.chunk(3), theirs.out_proj.weight.grad]
    our_gradients += [x.grad for x in our_inputs]
    their_gradients += [x.grad for x in their_inputs]
    for a, b in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_the_weights_are_the_softmax_of_the_scaled_scores_entry_by_entry() -> None:
    query, key, _ = qkv(b=1, h=1, t_q=2, t_k=3)
    weights = attention_weights(query, key)[0, 0]
    for q in range(2):
        scores = [float(query[0, 0, q] @ key[0, 0, k]) / math.sqrt(4) for k in range(3)]
        total = sum(map(math.exp, scores))
        assert weights[q].tolist() == pytest.approx([math.exp(score) / total for score in scores], abs=1e-6)


@given(
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4]),
    sizes=st.tuples(*[st.integers(1, 6)] * 3),
    seed=st.integers(0, 2**16),
)
def test_a_row_is_a_distribution_and_what_is_masked_gets_nothing(
    scale: float, sizes: tuple[int, int, int], seed: int
) -> None:
    torch.manual_seed(seed)
    b, t_q, t_k = sizes
    query, key, _ = qkv(b=b, t_q=t_q, t_k=t_k)
    mask = some_mask(b, t_q, t_k)
    weights = attention_weights(scale * query, key, mask)
    assert weights.dtype == torch.float32
    assert weights.shape == (b, 2, t_q, t_k)
    assert (weights >= 0).all()
    assert (weights.sum(-1) - 1).abs().max() <= 1e-5
    assert (weights[~mask.expand_as(weights)] == 0).all()


def test_a_masked_position_is_as_if_it_were_not_there() -> None:
    query, key, value = inputs()
    keep = torch.tensor([0, 2, 3, 6])
    mask = torch.zeros(1, 1, 1, 7, dtype=torch.bool)
    mask[..., keep] = True
    block = MultiHeadAttention(D_MODEL, 4)
    out, weights = block(query, key, value, mask)
    removed, removed_weights = block(query, key[:, keep], value[:, keep])
    torch.testing.assert_close(out, removed, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weights[..., keep], removed_weights, atol=1e-6, rtol=1e-5)


def test_a_masked_position_gets_no_gradient() -> None:
    query, key, value = (x.requires_grad_() for x in inputs())
    out, _ = MultiHeadAttention(D_MODEL, 4)(query, key, value, padding_mask(torch.tensor([7, 4, 1]), 7))
    out.square().sum().backward()
    assert (key.grad[1, 4:] == 0).all()
    assert (value.grad[2, 1:] == 0).all()
    assert (key.grad[1, :4] != 0).any()


def test_rows_sum_to_1_under_bfloat16_autocast() -> None:
    block = MultiHeadAttention(D_MODEL, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, weights = block(*inputs(t_q=40, t_k=60))
    assert out.dtype == torch.bfloat16  # matrices are multiplied in it
    assert weights.dtype == torch.float32
    assert (weights.sum(-1) - 1).abs().max() <= 1e-5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_gets_float32_weights_and_answers_of_its_own_type(dtype: torch.dtype) -> None:
    query, key, value = (x.to(dtype) for x in qkv())
    out, weights = attention(query, key, value)
    assert (out.dtype, weights.dtype) == (dtype, torch.float32)
    for seen in (weights, attention_weights(query, key)):
        assert seen.dtype == torch.float32
        assert (seen.sum(-1) - 1).abs().max() <= 1e-5


def test_heads_attend_in_float32_on_a_cpu() -> None:
    inputs = qkv()
    exact = attention(*inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert all(map(torch.equal, attention(*inputs), exact))


def test_the_gradient_is_the_slope() -> None:
    block = MultiHeadAttention(4, 2).double()
    x = [torch.randn(2, t, 4, dtype=torch.float64, requires_grad=True) for t in (2, 3, 3)]
    mask = padding_mask(torch.tensor([3, 2]), 3)
    weights = [block.w_q.weight, block.w_k.weight, block.w_v.weight, block.w_o.weight]
    assert block(*x, mask)[1].dtype == torch.float64

    def run(*tensors: Tensor) -> tuple[Tensor, Tensor]:
        return block(*tensors[:3], mask)

    assert torch.autograd.gradcheck(run, (*x, *weights))


def test_weights_are_taken_before_dropout() -> None:
    block = MultiHeadAttention(D_MODEL, 4, dropout=0.9).train()
    x = inputs()
    out, weights = block(*x)
    assert (weights.sum(-1) - 1).abs().max() <= 1e-5
    still, still_weights = block.eval()(*x)
    torch.testing.assert_close(weights, still_weights)
    assert not torch.allclose(out, still)  # but the answers had dropout


@given(order=st.permutations(range(4)))
def test_heads_may_change_places(order: list[int]) -> None:
    block, permuted = MultiHeadAttention(D_MODEL, 4), MultiHeadAttention(D_MODEL, 4)
    rows = torch.tensor([4 * head + i for head in order for i in range(4)])
    with torch.no_grad():
        for name in ("w_q", "w_k", "w_v"):
            getattr(permuted, name).weight.copy_(getattr(block, name).weight[rows])
        permuted.w_o.weight.copy_(block.w_o.weight[:, rows])
    x = inputs()
    out, weights = block(*x)
    same, permuted_weights = permuted(*x)
    torch.testing.assert_close(out, same, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weights[:, order], permuted_weights)


def test_each_head_has_an_attention_of_its_own() -> None:
    _, weights = MultiHeadAttention(D_MODEL, 8)(*inputs())
    assert weights.shape == (3, 8, 5, 7)
    for a in range(8):
        for b in range(a):
            assert not torch.allclose(weights[:, a], weights[:, b])


def test_keys_and_values_may_be_projected_beforehand() -> None:
    block = MultiHeadAttention(D_MODEL, 4)
    query, key, value = inputs()
    torch.testing.assert_close(block.attend(query, *block.keys_and_values(key, value), None), block(query, key, value))


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), extra=st.integers(0, 3))
def test_the_padding_mask_lets_each_sentence_see_its_own_length(lengths: list[int], extra: int) -> None:
    size = max(lengths) + extra
    mask = padding_mask(torch.tensor(lengths), size)
    assert mask.dtype == torch.bool
    expected = [[[[position < length for position in range(size)]]] for length in lengths]
    assert mask.tolist() == expected


@given(n_new=st.integers(1, 6), n_past=st.integers(0, 6))
def test_the_causal_mask_hides_the_future_alone(n_new: int, n_past: int) -> None:
    mask = causal_mask(n_new, n_past)
    assert mask.dtype == torch.bool
    assert mask[0, 0].tolist() == [[k <= n_past + q for k in range(n_past + n_new)] for q in range(n_new)]


def test_what_does_not_fit_is_refused() -> None:
    query, key, value = qkv()
    for mask in (torch.ones(5, 7), torch.ones(5, 7, dtype=torch.int64)):
        with pytest.raises(ValueError, match="must be bool, True = may attend"):
            attention_weights(query, key, mask)
    with pytest.raises(ValueError, match="must be bool"):
        MultiHeadAttention(D_MODEL, 4)(*inputs(), mask=torch.zeros(5, 7))
    with pytest.raises(ValueError, match="query has d_head 4, key 3"):
        attention(query, key[..., :3], value)
    with pytest.raises(ValueError, match="n_heads=3 does not divide d_model=16"):
        MultiHeadAttention(D_MODEL, 3)
