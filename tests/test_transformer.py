import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mtattn.config import TrainingConfig
from mtattn.corpus.batches import make_batch, pad
from mtattn.decoding.search import greedy_search
from mtattn.tokenizer import BOS, EOS, PAD
from mtattn.training.optimizer import Optimizer
from mtattn.training.workers import emission_loss
from mtattn.transformer import AttentionWeights, Transformer, sinusoids

NewModel = Callable[..., Transformer]

SRC = [[5, 6, 7, 8, 9], [10, 4], [7]]
TGT = [[4, 5], [6, 7, 8, 9], [11, 12, 4]]


@pytest.fixture(scope="module")
def model(new_model: NewModel) -> Transformer:
    return new_model()


def lengths(rows: list[list[int]]) -> Tensor:
    return torch.tensor([len(row) + 1 for row in rows])


@torch.inference_mode()
def run(
    model: Transformer, src: list[list[int]], tgt: list[list[int]], extra: int = 0
) -> tuple[Tensor, AttentionWeights]:
    """Give logits and weights of a padded batch, with `extra` columns of padding on both sides."""
    weights = AttentionWeights()
    src_ids = torch.nn.functional.pad(pad(src, last=EOS), (0, extra), value=PAD)
    tgt_ids = torch.nn.functional.pad(pad(tgt, first=BOS), (0, extra), value=PAD)
    return model.logits(model(src_ids, lengths(src), tgt_ids, weights)), weights


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("changed", range(1, 5))
def test_a_future_token_does_not_change_the_past(model: Transformer, changed: int) -> None:
    before, weights = run(model, [[5, 6, 7]], [[8, 9, 10, 11]])
    tgt = [8, 9, 10, 11]
    tgt[changed - 1] = 4  # the token read at step `changed`
    after, new_weights = run(model, [[5, 6, 7]], [tgt])
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert (before[:, changed:] != after[:, changed:]).any(dim=-1).all()
    for old, new in zip(weights.decoder + weights.cross, new_weights.decoder + new_weights.cross, strict=True):
        assert torch.equal(old[:, :, :changed], new[:, :, :changed])


def test_each_source_token_counts(model: Transformer) -> None:
    before, _ = run(model, [[5, 6, 7]], [[8, 9]])
    for i in range(3):
        src = [5, 6, 7]
        src[i] = 11
        after, _ = run(model, [src], [[8, 9]])
        assert (before != after).any(dim=-1).all()


def test_the_order_of_the_source_counts(model: Transformer) -> None:
    assert not torch.allclose(run(model, [[5, 6]], [[8]])[0], run(model, [[6, 5]], [[8]])[0], atol=1e-3)


def test_padding_changes_nothing(model: Transformer) -> None:
    logits, weights = run(model, SRC, TGT)
    padded, padded_weights = run(model, SRC, TGT, extra=3)
    n_tgt, n_src = logits.shape[1], weights.cross[0].shape[3]
    for i, tgt in enumerate(TGT):
        close(logits[i, : len(tgt) + 1], padded[i, : len(tgt) + 1])
    for plain, wide in zip(weights.cross, padded_weights.cross, strict=True):
        close(plain, wide[:, :, :n_tgt, :n_src])
        assert (wide[:, :, :, n_src:] == 0).all()
    for plain, wide in zip(weights.encoder, padded_weights.encoder, strict=True):
        close(plain, wide[:, :, :n_src, :n_src])
        assert (wide[:, :, :, n_src:] == 0).all()


def test_a_batch_gives_what_single_sentences_give(model: Transformer) -> None:
    logits, weights = run(model, SRC, TGT)
    for i, (src, tgt) in enumerate(zip(SRC, TGT, strict=True)):
        alone, alone_weights = run(model, [src], [tgt])
        n_src, n_tgt = len(src) + 1, len(tgt) + 1
        close(logits[i, :n_tgt], alone[0])
        for kind, n_rows, n_columns in (
            ("encoder", n_src, n_src),
            ("decoder", n_tgt, n_tgt),
            ("cross", n_tgt, n_src),
        ):
            for together, single in zip(getattr(weights, kind), getattr(alone_weights, kind), strict=True):
                close(together[i, :, :n_rows, :n_columns], single[0])


@pytest.mark.parametrize("cuts", [(1, 2, 3, 4), (2,), (1, 4), ()])
@torch.inference_mode()
def test_decoding_in_steps_gives_what_decoding_at_once_gives(model: Transformer, cuts: tuple[int, ...]) -> None:
    tgt = pad(TGT, first=BOS)
    logits, weights = run(model, SRC, TGT)
    state = model.start(*model.encode(pad(SRC, last=EOS), lengths(SRC)))
    for start, end in zip((0, *cuts), (*cuts, tgt.shape[1]), strict=True):
        step = AttentionWeights()
        close(model.logits(model.decode(tgt[:, start:end], state, step)), logits[:, start:end])
        assert state.n_positions == end
        for layer in range(2):
            close(step.cross[layer], weights.cross[layer][:, :, start:end])
            close(step.decoder[layer], weights.decoder[layer][:, :, start:end, :end])
            assert (weights.decoder[layer][:, :, start:end, end:] == 0).all()


@pytest.mark.parametrize("forgets", [False, True])
@torch.inference_mode()
def test_branches_of_an_output_know_what_outputs_by_themselves_know(model: Transformer, forgets: bool) -> None:
    """Each source's outputs: <s> 4 | <s> 5 | <s> 6, then <s> 6 7 | <s> 4 8 | <s> 6 9, and so on."""
    state = model.start(*model.encode(pad(SRC, last=EOS), lengths(SRC)))
    outputs = [[BOS]]
    ancestry = torch.ones(1, 1, dtype=torch.bool)  # (K, n)
    for tokens, parents in ([], []), ([4, 5, 6], [0, 0, 0]), ([7, 8, 9], [2, 0, 2]), ([10, 11], [0, 1]):
        if tokens:
            outputs = [[*outputs[parent], token] for parent, token in zip(parents, tokens, strict=True)]
            ancestry = ancestry[parents]
            if forgets:  # what no output goes on from
                entries = ancestry.any(dim=0).nonzero()[:, 0]
                ancestry = ancestry[:, entries]
                state.keep(entries.expand(len(SRC), -1))
            ancestry = torch.cat([ancestry, torch.eye(len(tokens), dtype=torch.bool)], dim=1)
        read = torch.tensor([output[-1] for output in outputs])
        known = model.decode_branches(read.expand(len(SRC), -1), state, ancestry.expand(len(SRC), -1, -1))
        for k, output in enumerate(outputs):
            anew, _ = run(model, SRC, [output[1:]] * len(SRC))
            close(model.logits(known[:, k]), anew[:, -1])
    assert state.layers[0].key.shape[2] == (7 if forgets else 9)


@pytest.mark.parametrize("rows", [[1, 0, 2], [2], [1, 1, 0], []])
@torch.inference_mode()
def test_a_selected_state_takes_its_sources_along(model: Transformer, rows: list[int]) -> None:
    read = torch.tensor([[BOS, 4], [BOS, 5], [BOS, 6]])
    state = model.start(*model.encode(pad(SRC, last=EOS), lengths(SRC)))
    model.decode(read, state)
    state.select(torch.tensor(rows, dtype=torch.long))
    then = torch.arange(7, 7 + len(rows))[:, None]
    logits = model.logits(model.decode(then, state))
    assert len(logits) == len(rows)
    for i, row in enumerate(rows):
        anew, _ = run(model, [SRC[row]], [[int(read[row, 1]), int(then[i, 0])]])
        close(logits[i, 0], anew[0, -1])


def test_all_weights_are_collected_on_request(new_model: NewModel) -> None:
    model = new_model(n_encoder_layers=3, n_decoder_layers=2, n_heads=8)
    logits, weights = run(model, SRC, TGT)
    assert [tuple(w.shape) for w in weights.encoder] == [(3, 8, 6, 6)] * 3
    assert [tuple(w.shape) for w in weights.decoder] == [(3, 8, 5, 5)] * 2
    assert [tuple(w.shape) for w in weights.cross] == [(3, 8, 5, 6)] * 2
    for layer in weights.encoder + weights.decoder + weights.cross:
        assert (layer.sum(-1) - 1).abs().max() <= 1e-5
    for i, src in enumerate(SRC):
        for layer in weights.encoder + weights.cross:
            assert (layer[i, :, :, len(src) + 1 :] == 0).all()
    with torch.inference_mode():
        unasked = model.logits(model(pad(SRC, last=EOS), lengths(SRC), pad(TGT, first=BOS)))
    assert torch.equal(logits, unasked)


def test_no_weights_are_left_lying_on_a_module(model: Transformer) -> None:
    before = {name: set(vars(module)) for name, module in model.named_modules()}
    run(model, SRC, TGT)
    assert {name: set(vars(module)) for name, module in model.named_modules()} == before


def test_weights_of_a_training_pass_are_before_dropout(new_model: NewModel) -> None:
    model = new_model(dropout=0.9).train()
    weights = AttentionWeights()
    model(pad(SRC, last=EOS), lengths(SRC), pad(TGT, first=BOS), weights)
    for layer in weights.encoder + weights.decoder + weights.cross:
        assert (layer.sum(-1) - 1).abs().max() <= 1e-5


def test_positions_are_sines_and_cosines() -> None:
    vectors = sinusoids(50, 12)
    assert vectors.shape == (50, 12)
    for position in range(50):
        for i in range(6):
            angle = position / 10_000 ** (2 * i / 12)
            assert vectors[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-4)
            assert vectors[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-4)


def test_source_target_and_output_share_one_embedding(model: Transformer) -> None:
    with_vocabulary = [name for name, parameter in model.named_parameters() if 13 in parameter.shape]
    assert with_vocabulary == ["embedding.weight"]
    hidden = torch.randn(2, 16)
    torch.testing.assert_close(model.logits(hidden), hidden @ model.embedding.weight.T)
    embedded = model.embed(torch.tensor([[7, 7]]), first_position=3)[0]
    torch.testing.assert_close(embedded, 4 * model.embedding.weight[7] + sinusoids(5, 16)[3:])


def test_beyond_the_last_position_nothing_is_computed(new_model: NewModel) -> None:
    model = new_model(max_positions=8)
    logits, _ = run(model, [[5] * 7], [[6] * 7])
    assert logits.shape == (1, 8, 13)
    for src, tgt in (([5] * 8, [6]), ([5], [6] * 8)):
        with pytest.raises(ValueError, match="9 positions, but the model has 8"):
            run(model, [src], [tgt])
    state = model.start(*model.encode(torch.tensor([[5, EOS]]), torch.tensor([2])))
    model.decode(torch.full((1, 8), 6), state)
    with pytest.raises(ValueError, match="9 positions, but the model has 8"):
        model.decode(torch.tensor([[6]]), state)


def test_heads_that_do_not_divide_are_refused(new_model: NewModel) -> None:
    with pytest.raises(ValueError, match="n_heads=5 does not divide d_model=16"):
        new_model(n_heads=5)


def test_a_seed_decides_all_weights(new_model: NewModel) -> None:
    one, same, other = (list(new_model(seed=seed).parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_fresh_model_begins_near_a_uniform_guess() -> None:
    torch.manual_seed(0)
    model = Transformer(
        200,
        d_model=64,
        n_heads=8,
        n_encoder_layers=2,
        n_decoder_layers=2,
        d_ff=128,
        dropout=0.1,
        max_positions=32,
    ).eval()
    torch.manual_seed(1)
    src, tgt = (torch.randint(4, 200, (20, 10)).tolist() for _ in range(2))
    assert emission_loss(model, make_batch(src, tgt)).item() == pytest.approx(math.log(200), abs=1.0)


def test_padding_has_no_part_in_the_loss(model: Transformer) -> None:
    """The loss of a batch is the mean over its real tokens, each as in its pair alone."""
    together = emission_loss(model, make_batch(SRC, TGT))
    total, n_tokens = 0.0, 0
    for src, tgt in zip(SRC, TGT, strict=True):
        logits, _ = run(model, [src], [tgt])
        log_probs = logits[0].log_softmax(-1)
        total -= sum(float(log_probs[t, token]) for t, token in enumerate([*tgt, EOS]))
        n_tokens += len(tgt) + 1
    assert together.item() == pytest.approx(total / n_tokens, abs=1e-5)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_batch_can_be_learned_to_exact_translation(optimizer: str) -> None:
    torch.manual_seed(0)
    model = Transformer(
        24,
        d_model=32,
        n_heads=4,
        n_encoder_layers=1,
        n_decoder_layers=2,
        d_ff=64,
        dropout=0.0,
        max_positions=32,
    )
    src = [[4, 5, 6, 7, 8], [8, 7, 6, 5, 4], [9, 10], [11, 12, 13, 14], [4], [5, 5, 5]]
    tgt = [[20, 19, 18], [4, 18, 19, 20, 21, 22], [23, 9, 9, 9], [15], [16, 17], [17, 16, 15, 15, 15]]
    config = TrainingConfig(steps=150, optimizer=optimizer, learning_rate=0.01)
    steps, batch = Optimizer(model, config), make_batch(src, tgt)
    for step in range(config.steps):
        loss = emission_loss(model.train(), batch, config.label_smoothing)
        loss.backward()
        steps.step(step / config.steps)
    assert [found.ids for found in greedy_search(model.eval(), src)] == tgt
