"""Laws of guided alignment: what heads are taught, and that they learn it."""

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO

import numpy as np
import pytest
import torch

from mtattn.config import ModelConfig
from mtattn.corpus.batches import EncodedPairs
from mtattn.corpus.pairs import Pair
from mtattn.heads.record import HeadName
from mtattn.tokenizer import PAD, Spelling, Tokenizer
from mtattn.training.guidance import (
    Guidance,
    Lesson,
    PieceLinks,
    fit_aligner,
    lessons_for,
    piece_links,
    silver_links,
    write_links,
)
from mtattn.training.workers import StepLoss, Workers, emission_loss
from mtattn.transformer import AttentionWeights, Transformer

HEAD = HeadName("cross", 2, 3)
EMITTED, READ = Lesson(HEAD, "emitted"), Lesson(HEAD, "read")
TEXTS = [
    ("El gato negro bebe leche.", "The black cat drinks milk."),
    ("Los niños juegan", "The children play"),
    ("¿Qué?", "No!"),
]


@pytest.fixture
def pairs(tokenizer: Tokenizer) -> EncodedPairs:
    return EncodedPairs(((tokenizer.encode(src), tokenizer.encode(tgt)) for src, tgt in TEXTS), tokenizer.vocab_size)


def gradients(model: Transformer, pairs: EncodedPairs, workers: Workers, guidance: Guidance | None) -> StepLoss:
    indices = np.arange(len(pairs))
    return workers.gradients(
        model, pairs, indices, label_smoothing=0.1, dtype=torch.float32, seed=(1,), guidance=guidance
    )


def guided(lessons: Sequence[Lesson], links: Iterable[PieceLinks], n_pairs: int, weight: float = 0.3) -> Guidance:
    """Guide by the links of so many pairs."""
    file = BytesIO()
    write_links(links, range(n_pairs), n_pairs, file)
    return Guidance(lessons, weight, np.frombuffer(file.getbuffer(), np.uint8), n_pairs)


def three_links(*lessons: Lesson, weight: float = 0.3) -> Guidance:
    """Pair 0: target piece 0 to source pieces 0 and 1, piece 2 to 3; pair 1: nothing; pair 2: 0 to 1."""
    links = ([[0, 0], [0, 1], [2, 3]], np.zeros((0, 2)), [[0, 1]])
    return guided(lessons or (EMITTED,), (np.array(of_pair, dtype=np.uint16) for of_pair in links), 3, weight)


def weights_with(rows: torch.Tensor) -> AttentionWeights:
    """Give the taught head these rows (B, T_tgt, T_src), and all others noise."""
    cross = [torch.rand(len(rows), 4, *rows.shape[1:]) for _ in range(2)]
    cross[1][:, 2] = rows
    return AttentionWeights(cross=cross)


def test_words_are_linked_by_all_their_pieces() -> None:
    """Source: words of 2 and 1 pieces; target: words of 1, 2 and 1 pieces."""
    src, tgt = Spelling("", ["a", "b"], [0, 0, 1]), Spelling("", ["x", "y", "z"], [0, 1, 1, 2])
    found = piece_links([(0, 0), (0, 1), (1, 1)], src, tgt)
    assert found.tolist() == [[0, 0], [0, 1], *([row, column] for row in (1, 2) for column in (0, 1, 2))]
    assert piece_links([], src, tgt).shape == (0, 2)


def test_a_head_that_looks_where_it_should_has_no_loss() -> None:
    rows = torch.full((2, 3, 4), 0.25)
    rows[0, 0] = torch.tensor([0.5, 0.5, 0, 0])
    rows[0, 2] = torch.tensor([0, 0, 0, 1.0])
    assert three_links().loss(weights_with(rows), [0, 1]).item() == 0


def test_the_loss_of_a_hand_example() -> None:
    """Each row is uniform over 4: log(0.5 / 0.25) for the first one, log(1 / 0.25) for the others."""
    uniform = torch.full((3, 3, 4), 0.25)
    expected = np.log(2) + np.log(4) + np.log(4)
    assert three_links().loss(weights_with(uniform), [2, 0, 1]).item() == pytest.approx(expected)
    assert three_links().loss(weights_with(uniform), [1]).item() == 0


def test_the_step_that_reads_a_piece_is_the_one_behind_that_emits_it() -> None:
    rows = torch.full((2, 4, 4), 0.25)
    rows[0, 1] = torch.tensor([0.5, 0.5, 0, 0])
    rows[0, 3] = torch.tensor([0, 0, 0, 1.0])
    assert three_links(READ).loss(weights_with(rows), [0, 1]).item() == 0
    weights = weights_with(rows)
    of_both = three_links(EMITTED, READ).loss(weights, [0, 1])
    assert of_both > 0
    assert of_both == three_links(EMITTED).loss(weights, [0, 1])


def test_two_heads_are_taught_where_there_are_two() -> None:
    model = ModelConfig(n_heads=8, n_decoder_layers=3)
    assert [(str(head), reading) for head, reading in lessons_for(model)] == [
        ("cross.3.1", "emitted"),
        ("cross.1.8", "read"),
    ]
    alone = model.model_copy(update={"n_heads": 1, "n_decoder_layers": 1})
    assert [str(head) for head, _ in lessons_for(alone)] == ["cross.1.1"]


def test_rows_without_a_link_and_other_heads_are_left_alone() -> None:
    weights = weights_with(torch.rand(2, 3, 4).softmax(dim=-1))
    for layer in weights.cross:
        layer.requires_grad_()
    three_links().loss(weights, [1, 0]).backward()
    assert weights.cross[0].grad is None
    touched = weights.cross[1].grad.nonzero().tolist()
    assert touched == [[1, 2, 0, 0], [1, 2, 0, 1], [1, 2, 2, 3]]


def test_pairs_that_were_not_aligned_have_no_links() -> None:
    links = [np.array(of_pair, dtype=np.uint16) for of_pair in ([[0, 0], [0, 1], [2, 3]], [[0, 1]])]
    file = BytesIO()
    write_links(links, [1, 3], 5, file)
    guidance = Guidance([EMITTED], 1.0, np.frombuffer(file.getbuffer(), np.uint8), 5)
    assert [guidance.target([i]).tgt.tolist() for i in range(5)] == [[], [0, 0, 2], [], [0], []]
    assert [guidance.target([i]).src.tolist() for i in range(5)] == [[], [0, 1, 3], [], [1], []]


def test_a_weight_of_nothing_gives_no_infinite_loss() -> None:
    rows = torch.zeros(1, 3, 4, requires_grad=True)
    loss = three_links().loss(weights_with(rows), [2])
    assert torch.isfinite(loss)
    assert torch.isfinite(torch.autograd.grad(loss, rows)[0]).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_workers_teaches_the_same(
    pairs: EncodedPairs, text_model: Transformer, tokenizer: Tokenizer, n: int
) -> None:
    guidance = three_links(EMITTED, READ)
    whole, weights = pairs.batch([0, 1, 2]), AttentionWeights()
    n_emitted = int((whole.tgt_emit != PAD).sum())
    emission = emission_loss(text_model, whole, 0.1, weights)
    alignment = guidance.loss(weights, [0, 1, 2]) / n_emitted
    expected = torch.autograd.grad(emission + 0.3 * alignment, list(text_model.parameters()))
    loss = gradients(text_model, pairs, Workers(n), guidance)
    assert loss.emission == pytest.approx(emission.item(), rel=1e-5)
    assert loss.alignment == pytest.approx(alignment.item(), rel=1e-5)
    for parameter, right in zip(text_model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, right, atol=1e-5, rtol=1e-3)
        parameter.grad = None


def test_without_guidance_nothing_is_taught(pairs: EncodedPairs, text_model: Transformer) -> None:
    assert gradients(text_model, pairs, Workers(1), None).alignment == 0
    plain = [parameter.grad.clone() for parameter in text_model.parameters()]
    gradients(text_model, pairs, Workers(1), three_links(weight=0.0))
    for parameter, before in zip(text_model.parameters(), plain, strict=True):
        assert torch.equal(parameter.grad, before)
        parameter.grad = None


def test_pairs_are_not_counted_anew_for_each_pair():
    class Counted(list[Pair]):
        n_counts = 0

        def __len__(self) -> int:
            Counted.n_counts += 1
            return super().__len__()

    fit_aligner(Counted(Pair(*texts) for texts in TEXTS * 10), n_pairs=10)
    assert Counted.n_counts == 1


def test_a_head_learns_what_it_is_taught(
    pairs: EncodedPairs, tokenizer: Tokenizer, new_model: Callable[..., Transformer]
) -> None:
    texts = [Pair(*texts) for texts in TEXTS]
    aligner = fit_aligner(texts, n_pairs=10)
    links = silver_links(pairs, tokenizer, aligner, range(len(pairs)))
    guidance = guided([EMITTED, Lesson(HeadName("cross", 1, 1), "read")], links, len(pairs), weight=1.0)
    model = new_model(tokenizer.vocab_size, dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        losses.append(gradients(model, pairs, Workers(1), guidance).alignment)
        optimizer.step()
    assert losses[0] > 0.5
    assert losses[-1] < 0.1 * losses[0]
