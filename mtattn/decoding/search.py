"""Greedy and beam search, and the score of a given output, over token ids alone.

Keys and values are cached: no prefix is computed twice. A sentence that is finished leaves the batch, so
that the time goes to those that are not.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtattn.corpus.batches import pad
from mtattn.decoding.hypothesis import DEFAULT_LENGTH_PENALTY, Hypothesis, length_penalty, longest_output
from mtattn.tokenizer import BOS, EOS, PAD, UNK
from mtattn.transformer import Transformer


def _next_log_probs(model: Transformer, hidden: Tensor) -> Tensor:
    """Log-probabilities of each next token, float32 (…, V); those that no text holds are ruled out."""
    log_probs = model.logits(hidden).float().log_softmax(dim=-1)
    log_probs[..., [PAD, BOS, UNK]] = -torch.inf
    return log_probs


class TorchSearch:
    """The searches of this file as a `Translator` takes them.

    Args:
        model: a trained Transformer; put into eval mode.
    """

    def __init__(self, model: Transformer) -> None:
        self.model = model.eval()

    @property
    def max_positions(self) -> int:
        """Longest source, in tokens, </s> included."""
        return self.model.max_positions

    def __call__(
        self, sources: Sequence[Sequence[int]], beam: int, alpha: float = DEFAULT_LENGTH_PENALTY
    ) -> list[list[Hypothesis]]:
        """Find each source's hypotheses, see `Search`."""
        if beam == 1:
            return [[hypothesis] for hypothesis in greedy_search(self.model, sources, alpha)]
        return beam_search(self.model, sources, beam, alpha)


@torch.inference_mode()
def greedy_search(
    model: Transformer, sources: Sequence[Sequence[int]], alpha: float = DEFAULT_LENGTH_PENALTY
) -> list[Hypothesis]:
    """Take the likeliest token at each step.

    Args:
        model: in eval mode.
        sources: B sources' token ids, without </s>.
        alpha: length penalty of the score; it does not change what is found.

    Returns:
        A hypothesis for each source, in order.
    """
    src_lengths = torch.tensor([len(source) + 1 for source in sources])
    limits = torch.tensor([longest_output(n, model.max_positions) for n in src_lengths.tolist()])
    state = model.start(*model.encode(pad(sources, last=EOS), src_lengths))
    live = torch.arange(len(sources))
    last = torch.full((len(sources), 1), BOS)
    totals = torch.zeros(len(sources))
    outputs: list[list[int]] = [[] for _ in sources]
    found: dict[int, Hypothesis] = {}
    while len(live):
        log_probs = _next_log_probs(model, model.decode(last, state)[:, -1])  # (live, V)
        best, last = log_probs.max(dim=-1, keepdim=True)  # (live, 1)
        totals = totals + best[:, 0]
        complete = last[:, 0] == EOS
        ended = complete | (state.n_positions >= limits[live])
        for row, (i, token) in enumerate(zip(live.tolist(), last[:, 0].tolist(), strict=True)):
            if token != EOS:
                outputs[i].append(token)
            if ended[row]:
                total = float(totals[row])
                score = total / length_penalty(state.n_positions, alpha)
                found[i] = Hypothesis(outputs[i], total, score, bool(complete[row]))
        if ended.any():
            rows = (~ended).nonzero()[:, 0]
            live, last, totals = live[rows], last[rows], totals[rows]
            state.select(rows)
    return [found[i] for i in range(len(sources))]


@torch.inference_mode()
def beam_search(
    model: Transformer,
    sources: Sequence[Sequence[int]],
    beam: int,
    alpha: float = DEFAULT_LENGTH_PENALTY,
) -> list[list[Hypothesis]]:
    """Keep the `beam` likeliest beginnings at each step, until as many hypotheses have ended.

    Args:
        model: in eval mode.
        sources: B sources' token ids, without </s>.
        beam: K, beginnings kept; 1 finds what `greedy_search` finds.
        alpha: length penalty, see `length_penalty`.

    Returns:
        For each source, in order, its `beam` hypotheses, the best score first; fewer only where the
        vocabulary or the longest length does not give as many.
    """
    src_lengths = torch.tensor([len(source) + 1 for source in sources])
    limits = [longest_output(n, model.max_positions) for n in src_lengths.tolist()]
    state = model.start(*model.encode(pad(sources, last=EOS), src_lengths))
    live = list(range(len(sources)))
    found: list[list[Hypothesis]] = [[] for _ in sources]
    tokens = torch.full((len(live), 1, 1), BOS)  # (live, K, t): the beginnings, <s> first
    totals = torch.zeros(len(live), 1)  # (live, K)
    while live:
        n_live, width, length = tokens.shape  # width is 1 at the first step, then K
        hidden = model.decode(tokens[:, :, -1].reshape(-1, 1), state)[:, -1]
        log_probs = _next_log_probs(model, hidden).view(n_live, width, -1)  # (live, width, V)
        vocab_size = log_probs.shape[-1]
        # Of 2K continuations at most K end, at least K go on.
        n_candidates = min(2 * beam, width * vocab_size)
        candidates = (totals[:, :, None] + log_probs).flatten(1).topk(n_candidates)  # (live, 2K)
        parents, emitted = candidates.indices // vocab_size, candidates.indices % vocab_size
        ends = emitted == EOS
        for row, i in enumerate(live):
            for rank in ends[row, :beam].nonzero()[:, 0].tolist():
                total = float(candidates.values[row, rank])
                if total > -torch.inf and len(found[i]) < beam:
                    ids = tokens[row, parents[row, rank], 1:].tolist()
                    found[i].append(Hypothesis(ids, total, total / length_penalty(length, alpha)))
        # The K best that go on: among equals of `ends`, the order of the candidates stays.
        going = ends.int().sort(dim=-1, stable=True).indices[:, :beam]  # (live, K)
        totals = candidates.values.gather(1, going).masked_fill(ends.gather(1, going), -torch.inf)
        parents, emitted = parents.gather(1, going), emitted.gather(1, going)
        tokens = torch.cat([tokens.gather(1, parents[:, :, None].expand(-1, -1, length)), emitted[:, :, None]], dim=2)
        for row, i in enumerate(live):
            if length >= limits[i]:  # cut off what has not ended
                for k in range(min(beam - len(found[i]), going.shape[1])):
                    total = float(totals[row, k])
                    if total > -torch.inf:
                        score = total / length_penalty(length, alpha)
                        found[i].append(Hypothesis(tokens[row, k, 1:].tolist(), total, score, complete=False))
        rows = torch.tensor(
            [r for r, i in enumerate(live) if len(found[i]) < beam and length < limits[i]], dtype=torch.long
        )
        live = [live[r] for r in rows.tolist()]
        origin = torch.arange(n_live)[:, None] * width + parents  # (live, K) rows of the state
        if width == going.shape[1] and len(rows) == n_live:
            state.reorder(origin.flatten())
        else:
            state.select(origin[rows].flatten())
        tokens, totals = tokens[rows], totals[rows]
    return [sorted(hypotheses, key=lambda h: -h.score) for hypotheses in found]


@torch.inference_mode()
def forced_log_probs(
    model: Transformer, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[list[float]]:
    """Score given outputs token by token.

    Args:
        model: in eval mode.
        sources: B sources' token ids, without </s>.
        targets: B outputs' token ids, without <s> and </s>.

    Returns:
        For each output the log-probability of each of its tokens and of </s>.
    """
    src_lengths = torch.tensor([len(source) + 1 for source in sources])
    hidden = model(pad(sources, last=EOS), src_lengths, pad(targets, first=BOS))
    log_probs = model.logits(hidden).float().log_softmax(dim=-1)
    emitted = log_probs.gather(-1, pad(targets, last=EOS)[:, :, None])[:, :, 0]  # (B, T_tgt)
    return [emitted[i, : len(target) + 1].tolist() for i, target in enumerate(targets)]
