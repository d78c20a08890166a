"""Takes from a pass through the model what the projections of its attention blocks gave."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mtattn.attention import MultiHeadAttention
from mtattn.heads.capture import forced_weights
from mtattn.heads.record import Kind
from mtattn.heads.switches import attentions
from mtattn.transformer import Transformer

Array = NDArray[np.float64]
_Seen = dict[str, tuple[Tensor, Tensor]]
"""Of each projection: what went in and what came out."""


@dataclass(frozen=True)
class Projections:
    """One attention block's vectors for one sentence, head by head, with its switches as they are.

    Attributes:
        query: Q W_i^Q, (H, T_q, d_head); 0 where a head attends evenly.
        key: K W_i^K, (H, T_k, d_head).
        value: V W_i^V, (H, T_k, d_head).
        answer: head_i, (H, T_q, d_head); 0 where a head is muted.
        w_o: W_i^O, (H, d_head, d_model); 0 where a head is muted.
    """

    query: Array
    key: Array
    value: Array
    answer: Array
    w_o: Array


def _keep(seen: _Seen, name: str, module: nn.Module, args: tuple[Tensor], output: Tensor) -> None:
    seen[name] = args[0], output


def forced_projections(
    model: Transformer, source: Sequence[int], target: Sequence[int], kind: Kind
) -> list[Projections]:
    """Have the model write a given output, and keep the queries, keys, values and answers of all heads.

    Args:
        model: put into eval mode.
        source: token ids, without </s>.
        target: token ids, without <s> and </s>.
        kind: which attention.

    Returns:
        A block for each layer.
    """
    blocks = attentions(model)[kind]
    all_seen: list[_Seen] = [{} for _ in blocks]
    with ExitStack() as hooks:
        for block, seen in zip(blocks, all_seen, strict=True):
            for name in ("w_q", "w_k", "w_v", "w_o"):
                hooks.enter_context(getattr(block, name).register_forward_hook(partial(_keep, seen, name)))
        forced_weights(model, [source], [target])
    return [_of_block(block, seen) for block, seen in zip(blocks, all_seen, strict=True)]


def _of_block(block: MultiHeadAttention, seen: _Seen) -> Projections:
    def by_head(x: Tensor) -> Array:
        """(1, T, d_model) to (H, T, d_head)."""
        return block.split_heads(x)[0].double().numpy()

    query = by_head(seen["w_q"][1])
    if block.uniform is not None:
        query[block.uniform.numpy()] = 0
    w_o = block.w_o.weight.detach().T.reshape(block.n_heads, -1, block.w_o.out_features)  # (H, d_head, d_model)
    if block.gate is not None:
        w_o = w_o * block.gate[:, None, None]
    return Projections(
        query=query,
        key=by_head(seen["w_k"][1]),
        value=by_head(seen["w_v"][1]),
        answer=by_head(seen["w_o"][0]),
        w_o=w_o.double().numpy(),
    )
