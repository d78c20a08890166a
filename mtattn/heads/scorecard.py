"""Measures all heads of a model: where they look, how well they align, how much they matter."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from mtattn.alignment.links import AlignmentScore, Gold, alignment_score
from mtattn.corpus.pairs import Pair, evenly
from mtattn.heads.ablation import OnProgress, ablate, gradient_importance, normalised_by_layer
from mtattn.heads.alignment import between_words, word_maps
from mtattn.heads.capture import forced_weights, labels_of, piece_map
from mtattn.heads.card import BestAligner, HeadCard, Scorecard
from mtattn.heads.measures import Behaviour, Meter
from mtattn.heads.ranks import rank_correlation
from mtattn.heads.record import KINDS, READINGS, AttentionMap, HeadName, Kind, Reading
from mtattn.heads.samples import Encoded, encoded, encoded_batches
from mtattn.heads.switches import head_names
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

OnStage = Callable[[str, int], OnProgress]
"""Told what begins and of how many parts it consists; gives what is to be told of each part done."""
Found = dict[Reading, list[NDArray[np.int64]]]

_IMPORTANCE_PAIRS = 400


def piece_maps(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[Encoded], on_progress: OnProgress
) -> Iterator[AttentionMap]:
    """Give the maps of all heads between pieces, sentence by sentence, while the model writes given outputs.

    Args:
        model: put into eval mode.
        tokenizer: its own.
        pairs: sources and outputs.
        on_progress: called with the number of pairs done since the call before.

    Yields:
        For each pair a map of each kind; the pairs come by length.
    """
    for batch in encoded_batches(pairs):
        weights = forced_weights(model, [pairs[i][0] for i in batch], [pairs[i][1] for i in batch])
        for n, i in enumerate(batch):
            for kind, (rows, columns) in labels_of(tokenizer, *pairs[i]).items():
                yield piece_map(kind, getattr(weights, kind), n, rows, columns)
        on_progress(len(batch))


def look(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[Encoded], on_progress: OnProgress
) -> dict[Kind, Behaviour]:
    """Measure where all heads look while the model writes given outputs.

    Args:
        model: put into eval mode.
        tokenizer: its own.
        pairs: at least one.
        on_progress: called with the number of pairs done since the call before.
    """
    meters = {kind: Meter() for kind in KINDS}
    for attention in piece_maps(model, tokenizer, pairs, on_progress):
        meters[attention.kind].add(attention)
    return {kind: meter.behaviour() for kind, meter in meters.items()}


def find_links(model: Transformer, tokenizer: Tokenizer, pairs: Sequence[Pair], on_progress: OnProgress) -> Found:
    """Link each output word to the source word that a head attends to most, </s> left out.

    A row of the cross-attention is read in two ways: it belongs to the word that its step emits, or to the one that
    the step reads, which was emitted one step earlier.

    Args:
        model: put into eval mode.
        tokenizer: its own.
        pairs: sources and outputs, none of them left out by `fits`.
        on_progress: called with the number of pairs done since the call before.

    Returns:
        For each reading and pair int (L · H + 1, T_tgt), the source word of each output word: by each head, layer by
        layer, and by the mean over all heads.
    """
    found: Found = {reading: [np.empty(0, dtype=np.int64)] * len(pairs) for reading in READINGS}
    for i, maps in word_maps(model, tokenizer, [(pair.src, pair.tgt) for pair in pairs]):
        for reading, words in maps.items():
            weights = between_words(words.weights, reading)  # (L, H, T_tgt, T_src)
            by_head = weights.reshape(-1, *weights.shape[2:])
            found[reading][i] = np.concatenate([by_head, by_head.mean(axis=0, keepdims=True)]).argmax(axis=2)
        on_progress(1)
    return found


def score_links(found: Sequence[NDArray[np.int64]], gold: Sequence[Gold], n: int) -> AlignmentScore:
    """Score the n-th head of `find_links`, or the mean over all heads for -1."""
    return alignment_score([[(int(s), t) for t, s in enumerate(links[n])] for links in found], gold)


def best_aligner(found: Found, gold: Sequence[Gold], heads: Sequence[HeadName]) -> BestAligner:
    """Choose the cross-attention head and reading that align best, on every other pair, and score it on the rest.

    Args:
        found: from `find_links`.
        gold: the right alignments, at least two.
        heads: the names of the cross-attention's heads, layer by layer.
    """
    choosing, reporting = slice(0, None, 2), slice(1, None, 2)

    def score(reading: Reading, n: int, half: slice) -> AlignmentScore:
        return score_links(found[reading][half], gold[half], n)

    candidates: list[tuple[Reading, int]] = [(reading, n) for reading in found for n in range(len(heads))]
    reading, n = min(candidates, key=lambda candidate: score(candidate[0], candidate[1], choosing).aer)
    return BestAligner(
        head=heads[n],
        reading=reading,
        n_chosen=len(gold[choosing]),
        chosen=score(reading, n, choosing),
        n_reported=len(gold[reporting]),
        reported=score(reading, n, reporting),
        of_mean=score("emitted", -1, reporting),
    )


def measure(
    model: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    gold: Sequence[tuple[Pair, Gold]],
    on_stage: OnStage,
) -> tuple[dict[HeadName, dict[str, float]], Found]:
    """Measure where all heads look, and how well those of the cross-attention align.

    Args:
        model: put into eval mode.
        tokenizer: its own.
        pairs: on which heads are looked at, at least one, none of them left out by `fits`.
        gold: pairs with their alignments; may be none.
        on_stage: told what is done.

    Returns:
        The numbers of each head, as `HeadCard.of` takes them, and the links found in the gold pairs.
    """
    looked = look(model, tokenizer, encoded(tokenizer, pairs), on_stage("where heads look: sentences", len(pairs)))
    numbers = {
        head: {name: float(values[head.layer - 1, head.head - 1]) for name, values in vars(looked[head.kind]).items()}
        for head in head_names(model)
    }
    aligned, right = [pair for pair, _ in gold], [alignment for _, alignment in gold]
    found = find_links(model, tokenizer, aligned, on_stage("alignments: sentences", len(gold))) if gold else {}
    for n, head in enumerate(head for head in numbers if head.kind == "cross"):
        for reading, links in found.items():
            ending = "" if reading == "emitted" else "_read"
            score = asdict(score_links(links, right, n))
            numbers[head] |= {f"{name}{ending}": value for name, value in score.items()}
    return numbers, found


def make_scorecard(
    model: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    gold: Sequence[tuple[Pair, Gold]],
    *,
    n_translated: int,
    on_stage: OnStage,
) -> Scorecard:
    """Measure all heads of a model.

    Args:
        model: trained; put into eval mode.
        tokenizer: its own.
        pairs: on which heads are looked at, at least one, none of them left out by `fits`.
        gold: pairs with their alignments, for the cross-attention; fewer than two = none.
        n_translated: at most so many of the pairs are translated with each head muted; 0 = BLEU is left out.
        on_stage: told what is done.

    Returns:
        A card a head. Importance is measured on 400 of the pairs, evenly spaced, or all if there are no more.
    """
    model.eval()
    heads = head_names(model)
    gold = gold if len(gold) > 1 else ()
    numbers, found = measure(model, tokenizer, pairs, gold, on_stage)
    cross = [head for head in heads if head.kind == "cross"]
    aligner = best_aligner(found, [alignment for _, alignment in gold], cross) if gold else None

    measured, translated = evenly(pairs, _IMPORTANCE_PAIRS), evenly(pairs, n_translated)
    gradients = gradient_importance(
        model, encoded(tokenizer, measured), on_stage("gradients: sentences", len(measured))
    )
    baseline, ablations = ablate(
        model, tokenizer, encoded(tokenizer, measured), translated, on_stage("without each head: heads", len(heads))
    )
    for head, ablation in zip(heads, ablations, strict=True):
        place = head.layer - 1, head.head - 1
        numbers[head]["gradient"] = float(normalised_by_layer(gradients[head.kind])[place])
        numbers[head]["gradient_raw"] = float(gradients[head.kind][place])
        numbers[head]["loss_lost"] = ablation.loss
        if ablation.bleu:
            numbers[head] |= {f"bleu_{name}": value for name, value in asdict(ablation.bleu).items()}
    cards = tuple(HeadCard.of(head, numbers[head]) for head in heads)
    return Scorecard(
        heads=cards,
        n_pairs=len(pairs),
        n_importance=len(measured),
        n_translated=len(translated),
        n_gold=len(gold),
        loss=baseline.loss,
        bleu=baseline.bleu,
        aligner=aligner,
        agreement=rank_correlation(
            [numbers[head]["gradient_raw"] for head in heads], [numbers[head]["loss_lost"] for head in heads]
        ),
    )
