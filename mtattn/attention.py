"""The heart: masks, scaled dot-product attention and multi-head attention.

    Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V                          (Vaswani et al. 2017, eq. 1)
    MultiHead(Q, K, V) = Concat(head_1 … head_h) W^O,
                         head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)   (§3.2.2)

A query stands for a position that asks, a key is the label under which a position is found, a value is
what it answers. In cross-attention the queries are positions of the output sentence, the keys and values
positions of the source. Every mask is bool and True means *may attend*.

Shapes: B sentences, H heads, T_q query and T_k key positions, d_model = H · d_head. Batch first.
"""

import math

import torch
from torch import Tensor, nn

from mtattn.dropout import Dropout


def padding_mask(lengths: Tensor, size: int) -> Tensor:
    """Let every query attend to the real positions of its sentence, not to padding.

    Args:
        lengths: int (B,), the number of real positions of each sentence, at least 1.
        size: T_k, the padded length.

    Returns:
        bool (B, 1, 1, T_k), True = may attend; broadcasts over heads and queries.

    Example:
        >>> padding_mask(torch.tensor([1, 3]), 3).int().tolist()
        [[[[1, 0, 0]]], [[[1, 1, 1]]]]
    """
    positions = torch.arange(size, device=lengths.device)
    return (positions < lengths[:, None])[:, None, None, :]


def causal_mask(n_new: int, n_past: int = 0, device: torch.device | None = None) -> Tensor:
    """Let each output position see itself and those before it, not what the decoder has yet to write.

    Vaswani et al. 2017, §3.2.3.

    Args:
        n_new: T_q, the positions that ask.
        n_past: earlier positions, already decoded, that all of them may see.
        device: where the mask is made.

    Returns:
        bool (1, 1, n_new, n_past + n_new), True = may attend.

    Example:
        >>> causal_mask(3)[0, 0].int().tolist()
        [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
        >>> causal_mask(1, n_past=2)[0, 0].int().tolist()
        [[1, 1, 1]]
    """
    seen = torch.ones(n_new, n_past + n_new, dtype=torch.bool, device=device)
    return seen.tril(diagonal=n_past)[None, None]


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """Say how much each query position attends to each key position.

    softmax(Q Kᵀ / √d_k), the left factor of eq. 1 in Vaswani et al. 2017, §3.2.1.

    Args:
        query: (B, H, T_q, d_head), any float dtype.
        key: (B, H, T_k, d_head).
        mask: bool, broadcastable to (B, H, T_q, T_k); True = may attend. Each query needs one True key.

    Returns:
        float32 (float64 for float64 input) (B, H, T_q, T_k), before dropout: each row is one query's
        distribution over the keys, >= 0 and of sum 1 within 1e-5; a masked column is exactly 0.

    Raises:
        ValueError: d_head of query and key differ, or mask is not bool.

    Example:
        >>> one_key_fits = torch.tensor([[[[9.0, 0.0], [-9.0, 0.0]]]])
        >>> attention_weights(torch.tensor([[[[9.0, 0.0]]]]), one_key_fits).round().tolist()
        [[[[1.0, 0.0]]]]
    """
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"query has d_head {query.shape[-1]}, key {key.shape[-1]}")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"mask is {mask.dtype}; it must be bool, True = may attend")
    d_head = query.shape[-1]
    scores = query @ key.transpose(-2, -1) / math.sqrt(d_head)  # (B, H, T_q, T_k)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    # A softmax in half precision gives rows that do not sum to 1.
    return scores.softmax(dim=-1, dtype=torch.promote_types(scores.dtype, torch.float32))


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, dropout: Dropout | None = None
) -> tuple[Tensor, Tensor]:
    """Answer each query with the mean of the values, weighted by how well their keys fit.

    softmax(Q Kᵀ / √d_k) V, eq. 1 in Vaswani et al. 2017, §3.2.1.

    Args:
        query: (B, H, T_q, d_head).
        key: (B, H, T_k, d_head).
        value: (B, H, T_k, d_head).
        mask: bool, broadcastable to (B, H, T_q, T_k); True = may attend.
        dropout: applied to the weights that mix the values, in training.

    Returns:
        The answers (B, H, T_q, d_head), in the values' dtype, and the weights (B, H, T_q, T_k) before dropout.

    Raises:
        ValueError: as `attention_weights`.
    """
    dtype = torch.promote_types(value.dtype, torch.float32)
    # On a CPU in float32 even where matrices are multiplied in bfloat16: for products as small as a head's, and of so
    # many shapes, bfloat16 kernels take longer to make than they save.
    with torch.autocast("cpu", enabled=False):
        weights = attention_weights(query.to(dtype), key.to(dtype), mask)  # (B, H, T_q, T_k)
        mixing = weights if dropout is None else dropout(weights)
        heads = mixing @ value.to(dtype)  # (B, H, T_q, d_head)
    return heads.to(value.dtype), weights


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each with its own projections, each free to learn its own relation.

    MultiHead(Q, K, V) = Concat(head_1 … head_h) W^O with head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V),
    Vaswani et al. 2017, §3.2.2. The W_i of all heads are the rows of one matrix each: head i owns the
    rows i·d_head … (i+1)·d_head of `w_q`, `w_k`, `w_v` and the same columns of `w_o`.

    To see what a head is for, two switches change it; both are no weights, and None in a model as it was trained.

    Args:
        d_model: size of a position's vector.
        n_heads: number of heads h; divides d_model.
        dropout: probability with which a weight is dropped in training.

    Attributes:
        gate: float (H,), or (B, H) for a gate a sentence, multiplied onto each head's answers; 0 mutes a head.
        uniform: bool (H,), heads that attend evenly to all keys that they may see.

    Raises:
        ValueError: n_heads does not divide d_model.
    """

    gate: Tensor | None = None
    uniform: Tensor | None = None

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"n_heads={n_heads} does not divide d_model={d_model}")
        self.n_heads = n_heads
        self.w_q = nn.Linear(d_model, d_model, bias=False)
        self.w_k = nn.Linear(d_model, d_model, bias=False)
        self.w_v = nn.Linear(d_model, d_model, bias=False)
        self.w_o = nn.Linear(d_model, d_model, bias=False)
        self.dropout = Dropout(dropout)

    def split_heads(self, x: Tensor) -> Tensor:
        """Give each head its slice of every vector: (B, T, d_model) to (B, H, T, d_head)."""
        batch, length, d_model = x.shape
        return x.view(batch, length, self.n_heads, d_model // self.n_heads).transpose(1, 2)

    def keys_and_values(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Project keys and values for all heads; a decoder computes these once and keeps them.

        Args:
            key: (B, T_k, d_model).
            value: (B, T_k, d_model).

        Returns:
            K W^K and V W^V, each (B, H, T_k, d_head).
        """
        return self.split_heads(self.w_k(key)), self.split_heads(self.w_v(value))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attend with keys and values that are projected already.

        Args:
            query: (B, T_q, d_model), not projected yet.
            key: (B, H, T_k, d_head), from `keys_and_values`.
            value: (B, H, T_k, d_head), from `keys_and_values`.
            mask: bool, broadcastable to (B, H, T_q, T_k); True = may attend.

        Returns:
            As `forward`.
        """
        query = self.split_heads(self.w_q(query))  # (B, H, T_q, d_head)
        if self.uniform is not None:  # a query of zeros scores every key alike
            query = query.masked_fill(self.uniform[:, None, None], 0)
        heads, weights = attention(query, key, value, mask, self.dropout)  # (B, H, T_q, d_head)
        if self.gate is not None:
            heads = heads * self.gate[..., None, None]
        concat = heads.transpose(1, 2).flatten(-2)  # (B, T_q, d_model)
        return self.w_o(concat), weights

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Attend from each query position to the key positions, once a head.

        Args:
            query: (B, T_q, d_model), what asks.
            key: (B, T_k, d_model), by what is found.
            value: (B, T_k, d_model), what is answered.
            mask: bool, broadcastable to (B, H, T_q, T_k); True = may attend. Each query needs one True key.

        Returns:
            The answers (B, T_q, d_model) and the weights (B, H, T_q, T_k), before dropout, one map a head.

        Raises:
            ValueError: mask is not bool.
        """
        return self.attend(query, *self.keys_and_values(key, value), mask)
