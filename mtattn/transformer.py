"""Encoder and decoder layers, and the encoder–decoder Transformer that they build.

Vaswani et al. 2017, §3, with the layer normalisation before each sub-layer (pre-norm, Xiong et al. 2020)
and one embedding matrix for source, target and output (Press and Wolf 2017).

Shapes: B sentences, T_src and T_tgt positions, H heads, L layers, V vocabulary. Batch first.
"""

import math
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from mtattn.attention import MultiHeadAttention, causal_mask, padding_mask
from mtattn.dropout import Dropout


def sinusoids(n_positions: int, d_model: int) -> Tensor:
    """Give each position a vector of sines and cosines of falling frequency.

    PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), PE(pos, 2i+1) = cos(the same), Vaswani et al. 2017, §3.5.

    Args:
        n_positions: number of positions.
        d_model: size of each vector; even.

    Returns:
        float32 (n_positions, d_model).

    Example:
        >>> sinusoids(2, 2).round(decimals=2).tolist()
        [[0.0, 1.0], [0.8399999737739563, 0.5400000214576721]]
    """
    position = torch.arange(n_positions)[:, None]
    frequency = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10_000) / d_model))
    return torch.stack([torch.sin(position * frequency), torch.cos(position * frequency)], dim=-1).flatten(1)


class FeedForward(nn.Module):
    """FFN(x) = max(0, x W_1 + b_1) W_2 + b_2, Vaswani et al. 2017, §3.3: each position by itself."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(d_model, d_ff)
        self.w_2 = nn.Linear(d_ff, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position: (B, T, d_model) to the same shape."""
        out: Tensor = self.w_2(torch.relu(self.w_1(x)))
        return out


class EncoderLayer(nn.Module):
    """Self-attention over the source, then a feed-forward network, each added to what it read."""

    def __init__(self, d_model: int, n_heads: int, d_ff: int, dropout: float) -> None:
        super().__init__()
        self.norm_self = nn.LayerNorm(d_model)
        self.self_attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.norm_ff = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Let each source position read the others.

        Args:
            x: (B, T_src, d_model).
            mask: bool, broadcastable to (B, H, T_src, T_src).

        Returns:
            The new x and the weights (B, H, T_src, T_src).
        """
        normed = self.norm_self(x)
        read, weights = self.self_attention(normed, normed, normed, mask)
        x = x + self.dropout(read)
        return x + self.dropout(self.feed_forward(self.norm_ff(x))), weights


class DecoderLayer(nn.Module):
    """Self-attention over the output so far, cross-attention to the source, a feed-forward network."""

    def __init__(self, d_model: int, n_heads: int, d_ff: int, dropout: float) -> None:
        super().__init__()
        self.norm_self = nn.LayerNorm(d_model)
        self.self_attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.norm_cross = nn.LayerNorm(d_model)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, dropout)
        self.norm_ff = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.dropout = Dropout(dropout)

    def start(self, memory: Tensor) -> "LayerCache":
        """Project the memory (B, T_src, d_model) to this layer's keys and values, once for all steps."""
        key, value = self.cross_attention.keys_and_values(memory, memory)
        return LayerCache(key, value, key[:, :, :0], value[:, :, :0])

    def forward(
        self, x: Tensor, cache: "LayerCache", mask: Tensor, memory_mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Let each output position read the output before it, then the source.

        Args:
            x: (B, T_new, d_model), the positions not decoded yet.
            cache: this layer's keys and values; the new positions' own are added to it.
            mask: bool, broadcastable to (B, H, T_new, T_tgt), T_tgt counting the cached positions too.
            memory_mask: bool, broadcastable to (B, H, T_new, T_src).

        Returns:
            The new x, the self-attention's weights (B, H, T_new, T_tgt) and the cross-attention's
            (B, H, T_new, T_src).
        """
        normed = self.norm_self(x)
        cache.append(*self.self_attention.keys_and_values(normed, normed))
        read, self_weights = self.self_attention.attend(normed, cache.key, cache.value, mask)
        x = x + self.dropout(read)
        normed = self.norm_cross(x)
        read, cross_weights = self.cross_attention.attend(normed, cache.memory_key, cache.memory_value, memory_mask)
        x = x + self.dropout(read)
        return x + self.dropout(self.feed_forward(self.norm_ff(x))), self_weights, cross_weights


@dataclass
class LayerCache:
    """One decoder layer's keys and values, (B, H, T, d_head) each, so that no prefix is computed twice."""

    memory_key: Tensor
    memory_value: Tensor
    key: Tensor
    value: Tensor

    def append(self, key: Tensor, value: Tensor) -> None:
        """Add new output positions' keys and values behind those of the positions before."""
        self.key = torch.cat([self.key, key], dim=2) if self.key.shape[2] else key
        self.value = torch.cat([self.value, value], dim=2) if self.value.shape[2] else value


@dataclass
class DecoderState:
    """What the decoder knows of B sentences: their source, and the outputs decoded so far.

    `memory_mask` is bool (B, 1, 1, T_src); `n_positions` counts the output positions decoded.
    """

    memory_mask: Tensor
    layers: list[LayerCache]
    n_positions: int = 0

    def select(self, rows: Tensor) -> None:
        """Keep only the given rows, in that order, sources included; a row may be repeated."""
        for layer in self.layers:
            layer.memory_key, layer.memory_value = layer.memory_key[rows], layer.memory_value[rows]
            layer.key, layer.value = layer.key[rows], layer.value[rows]
        self.memory_mask = self.memory_mask[rows]

    def keep(self, entries: Tensor) -> None:
        """Keep only the given cached entries of each row, int (B, n), in that order."""
        for layer in self.layers:
            _, n_heads, _, d_head = layer.key.shape
            index = entries[:, None, :, None].expand(-1, n_heads, -1, d_head)
            layer.key, layer.value = layer.key.gather(2, index), layer.value.gather(2, index)


@dataclass
class AttentionWeights:
    """The weights of a pass through the model, before dropout; each row sums to 1.

    Lists hold a layer each: `encoder` (B, H, T_src, T_src), `decoder` (B, H, T_tgt, T_tgt) and
    `cross` (B, H, T_tgt, T_src). Hand an empty one to `encode` and `decode` to have it filled.
    """

    encoder: list[Tensor] = field(default_factory=list)
    decoder: list[Tensor] = field(default_factory=list)
    cross: list[Tensor] = field(default_factory=list)


class Transformer(nn.Module):
    """An encoder–decoder Transformer over one joint vocabulary.

    Args:
        vocab_size: V.
        d_model: size of a position's vector; even, a multiple of n_heads.
        n_heads: heads of every attention.
        n_encoder_layers: layers of the encoder.
        n_decoder_layers: layers of the decoder.
        d_ff: hidden size of the feed-forward networks.
        dropout: probability of dropping, on embeddings, sub-layers' outputs and attention weights.
        max_positions: longest source or target, in tokens.

    Raises:
        ValueError: n_heads does not divide d_model.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        d_model: int,
        n_heads: int,
        n_encoder_layers: int,
        n_decoder_layers: int,
        d_ff: int,
        dropout: float,
        max_positions: int,
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.n_heads = n_heads
        self.max_positions = max_positions
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.encoder = nn.ModuleList(EncoderLayer(d_model, n_heads, d_ff, dropout) for _ in range(n_encoder_layers))
        self.encoder_norm = nn.LayerNorm(d_model)
        self.decoder = nn.ModuleList(DecoderLayer(d_model, n_heads, d_ff, dropout) for _ in range(n_decoder_layers))
        self.decoder_norm = nn.LayerNorm(d_model)
        self.dropout = Dropout(dropout)
        self.register_buffer("positions", sinusoids(max_positions, d_model), persistent=False)
        self.positions: Tensor
        for name, parameter in self.named_parameters():
            if name == "embedding.weight":
                nn.init.normal_(parameter, std=d_model**-0.5)  # unit vectors once scaled in `embed`
            elif parameter.dim() == 2:
                nn.init.xavier_uniform_(parameter)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.weight.device

    def embed(self, ids: Tensor, first_position: int = 0) -> Tensor:
        """Turn tokens into vectors: E[id] √d_model + PE(position), Vaswani et al. 2017, §3.4 and §3.5.

        Args:
            ids: int (B, T).
            first_position: position of the first column.

        Returns:
            (B, T, d_model).

        Raises:
            ValueError: the positions reach beyond max_positions.
        """
        end = first_position + ids.shape[1]
        if end > self.max_positions:
            raise ValueError(f"{end} positions, but the model has {self.max_positions}")
        x = self.embedding(ids) * math.sqrt(self.d_model) + self.positions[first_position:end]
        out: Tensor = self.dropout(x)
        return out

    def encode(
        self, src: Tensor, src_lengths: Tensor, weights: AttentionWeights | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read the source.

        Args:
            src: int (B, T_src), each row ending with </s>, padded behind it.
            src_lengths: int (B,), real tokens of each row.
            weights: filled with the encoder's attention weights where given.

        Returns:
            The memory (B, T_src, d_model), and its mask, bool (B, 1, 1, T_src).
        """
        mask = padding_mask(src_lengths, src.shape[1])
        x = self.embed(src)
        for layer in self.encoder:
            x, layer_weights = layer(x, mask)
            if weights is not None:
                weights.encoder.append(layer_weights)
        return self.encoder_norm(x), mask

    def start(self, memory: Tensor, memory_mask: Tensor) -> DecoderState:
        """Begin outputs for the encoded sources: the cross-attention's keys and values, computed once.

        Args:
            memory: (B, T_src, d_model), from `encode`.
            memory_mask: bool (B, 1, 1, T_src), from `encode`.

        Returns:
            A state with no output position yet.
        """
        layers = cast("list[DecoderLayer]", self.decoder)
        return DecoderState(memory_mask, [layer.start(memory) for layer in layers])

    def decode(self, tgt: Tensor, state: DecoderState, weights: AttentionWeights | None = None) -> Tensor:
        """Read output tokens on top of those that the state holds, and add them to it.

        All at once in training (the causal mask hides the future), one by one in translation: the
        same code and the same numbers.

        Args:
            tgt: int (B, T_new), the tokens *read*; the first token of an output is <s>. Padding, if
                any, stands behind the real tokens, which cannot see it.
            state: from `start`, and from the calls before.
            weights: filled with the decoder's and the cross-attention's weights where given.

        Returns:
            (B, T_new, d_model): position t is what the model knows when it emits the token after tgt[t].
        """
        past = state.n_positions
        state.n_positions = past + tgt.shape[1]
        mask = causal_mask(tgt.shape[1], past, tgt.device)  # (1, 1, T_new, T_tgt)
        return self._decode(self.embed(tgt, first_position=past), state, mask, weights)

    def decode_branches(self, tgt: Tensor, state: DecoderState, ancestry: Tensor) -> Tensor:
        """Read one more token of each of K outputs of each source, as the hypotheses of a beam are.

        Outputs that share a beginning share its cached keys and values: each token is one more entry of its
        source's cache, and a mask says which entries an output consists of. So nothing is copied where
        outputs branch.

        Args:
            tgt: int (B, K), the token that each output reads; all stand at the same position.
            state: from `start`, and from the calls before.
            ancestry: bool (B, K, n), True where an output has read the entry: those cached before, in their
                order, and last the K of this call, of which each output has read its own.

        Returns:
            (B, K, d_model): what the model knows when it emits each output's next token.
        """
        position = state.n_positions
        state.n_positions = position + 1
        x = self.embed(tgt.reshape(-1, 1), position).view(*tgt.shape, -1)  # (B, K, d_model)
        return self._decode(x, state, ancestry[:, None])

    def _decode(self, x: Tensor, state: DecoderState, mask: Tensor, weights: AttentionWeights | None = None) -> Tensor:
        for layer, cache in zip(self.decoder, state.layers, strict=True):
            x, self_weights, cross_weights = layer(x, cache, mask, state.memory_mask)
            if weights is not None:
                weights.decoder.append(self_weights)
                weights.cross.append(cross_weights)
        out: Tensor = self.decoder_norm(x)
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every token of the vocabulary with the embedding itself (tied): (…, d_model) to (…, V)."""
        scores: Tensor = hidden @ self.embedding.weight.T
        return scores

    def forward(
        self,
        src: Tensor,
        src_lengths: Tensor,
        tgt: Tensor,
        weights: AttentionWeights | None = None,
    ) -> Tensor:
        """Run the whole model over given outputs (teacher forcing).

        Args:
            src: int (B, T_src), each row ending with </s>.
            src_lengths: int (B,).
            tgt: int (B, T_tgt), each row beginning with <s>; padding behind.
            weights: filled with all attention weights where given.

        Returns:
            (B, T_tgt, d_model), to be handed to `logits`; row t emits token t of the output.
        """
        return self.decode(tgt, self.start(*self.encode(src, src_lengths, weights)), weights)
