"""Greedy and beam search, and the score of a given output, over token ids alone.

Keys and values are cached: no prefix is computed twice, and the hypotheses of a beam share those of the
beginnings that they have in common. A sentence that is finished leaves the batch, so that the time goes to
those that are not.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtattn.corpus.batches import pad
from mtattn.decoding.hypothesis import DEFAULT_LENGTH_PENALTY, Hypothesis, length_penalty, longest_output
from mtattn.tokenizer import BOS, EOS, PAD, UNK
from mtattn.transformer import DecoderState, Transformer


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
    state, limits = _begin(model, sources)
    device = model.device
    live = torch.arange(len(sources), device=device)  # the source of each row
    tokens = torch.full((len(sources), 1), BOS, device=device)  # (live, t)
    totals = torch.zeros(len(sources), device=device)
    found: dict[int, Hypothesis] = {}
    while len(live):
        length = tokens.shape[1]
        log_probs = _next_log_probs(model, model.decode(tokens[:, -1:], state)[:, -1])  # (live, V)
        best, emitted = log_probs.max(dim=-1)  # (live,)
        totals = totals + best
        ends = (emitted == EOS) | (length >= limits[live])
        for row in ends.nonzero()[:, 0].tolist():
            ids, total = tokens[row, 1:].tolist(), float(totals[row])
            complete = emitted[row].item() == EOS
            if not complete:
                ids.append(int(emitted[row]))
            found[int(live[row])] = Hypothesis(ids, total, total / length_penalty(length, alpha), complete)
        tokens = torch.cat([tokens, emitted[:, None]], dim=1)
        if ends.any():
            rows = (~ends).nonzero()[:, 0]
            live, tokens, totals = live[rows], tokens[rows], totals[rows]
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
    state, limits = _begin(model, sources)
    found: list[list[Hypothesis]] = [[] for _ in sources]
    device = model.device
    live = torch.arange(len(sources), device=device)  # the source of each row
    tokens = torch.full((len(sources), 1, 1), BOS, device=device)  # (live, K, t): the beginnings, <s> first
    totals = torch.zeros(len(sources), 1, device=device)  # (live, K)
    # (live, K, n), see `decode_branches`
    ancestry = torch.ones(len(sources), 1, 1, dtype=torch.bool, device=device)
    while len(live):
        length = tokens.shape[2]
        log_probs = _next_log_probs(model, model.decode_branches(tokens[:, :, -1], state, ancestry))  # (live, K, V)
        # Of 2K continuations at most K end, at least K go on.
        best = log_probs.topk(min(2 * beam, log_probs.shape[-1]))  # (live, K, 2K)
        n_best = best.values.shape[-1]
        sums = (totals[:, :, None] + best.values).flatten(1)  # (live, K * 2K)
        candidates = sums.topk(min(2 * beam, sums.shape[1]))  # (live, 2K)
        parents, emitted = candidates.indices // n_best, best.indices.flatten(1).gather(1, candidates.indices)
        ends = emitted == EOS
        for row, rank in ends[:, :beam].nonzero().tolist():
            total, hypotheses = float(candidates.values[row, rank]), found[live[row]]
            if total > -torch.inf and len(hypotheses) < beam:
                ids = tokens[row, parents[row, rank], 1:].tolist()
                hypotheses.append(Hypothesis(ids, total, total / length_penalty(length, alpha)))
        # The K best that go on: among equals of `ends`, the order of the candidates stays.
        going = ends.int().sort(dim=-1, stable=True).indices[:, :beam]  # (live, K)
        totals = candidates.values.gather(1, going).masked_fill(ends.gather(1, going), -torch.inf)
        parents, emitted = parents.gather(1, going), emitted.gather(1, going)
        tokens = torch.cat([_of_parents(tokens, parents), emitted[:, :, None]], dim=2)
        at_limit = length >= limits[live]
        for row in at_limit.nonzero()[:, 0].tolist():  # cut off what has not ended
            hypotheses = found[live[row]]
            for total, ids in zip(totals[row].tolist(), tokens[row, :, 1:].tolist(), strict=True):
                if total > -torch.inf and len(hypotheses) < beam:
                    score = total / length_penalty(length, alpha)
                    hypotheses.append(Hypothesis(ids, total, score, complete=False))
        ancestry = _of_parents(ancestry, parents)
        ended = at_limit | torch.tensor([len(found[i]) == beam for i in live.tolist()], device=device)
        if ended.any():
            rows = (~ended).nonzero()[:, 0]
            live, tokens, totals, ancestry = live[rows], tokens[rows], totals[rows], ancestry[rows]
            state.select(rows)
        ancestry = _forget_dead_branches(ancestry, state)
        own = torch.eye(ancestry.shape[1], dtype=torch.bool, device=device).expand(len(live), -1, -1)
        ancestry = torch.cat([ancestry, own], dim=2)
    return [sorted(hypotheses, key=lambda h: -h.score) for hypotheses in found]


def _begin(model: Transformer, sources: Sequence[Sequence[int]]) -> tuple[DecoderState, Tensor]:
    """Read the sources; the decoder's state, and the longest output of each, int64 (B,)."""
    device = model.device
    lengths = [len(source) + 1 for source in sources]
    limits = torch.tensor([longest_output(n, model.max_positions) for n in lengths], device=device)
    memory, mask = model.encode(pad(sources, last=EOS).to(device), torch.tensor(lengths, device=device))
    return model.start(memory, mask), limits


def _of_parents(of_beams: Tensor, parents: Tensor) -> Tensor:
    """Give each hypothesis what its parent has: (live, K, n), (live, K') to (live, K', n)."""
    return of_beams.gather(1, parents[:, :, None].expand(-1, -1, of_beams.shape[2]))


def _forget_dead_branches(ancestry: Tensor, state: DecoderState) -> Tensor:
    """Drop cached entries that no hypothesis descends from, once they are the larger part.

    Args:
        ancestry: bool (live, K, n).
        state: has the n entries of each row; those kept stay in their order.

    Returns:
        The ancestry of the entries that were kept.
    """
    used = ancestry.any(dim=1)  # (live, n)
    n_kept = int(used.sum(dim=1).max()) if len(used) else 0
    if 2 * n_kept > used.shape[1]:
        return ancestry
    entries = used.int().argsort(dim=1, descending=True, stable=True)[:, :n_kept]
    state.keep(entries)
    return ancestry.gather(2, entries[:, None].expand(-1, ancestry.shape[1], -1))


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
