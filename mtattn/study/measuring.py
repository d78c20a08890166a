"""Measures one trained model of a study."""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import torch

from mtattn.alignment.links import Gold
from mtattn.corpus.pairs import Direction, Pair, evenly
from mtattn.decoding.search import TorchSearch
from mtattn.decoding.translator import DEFAULT_BEAM, Translator
from mtattn.evaluation import Bootstrap, evaluate
from mtattn.heads.ablation import OnProgress, ablate
from mtattn.heads.card import BestAligner
from mtattn.heads.measures import DiversityMeter
from mtattn.heads.record import KINDS, Kind
from mtattn.heads.samples import Encoded, encoded, fits, gold_pairs
from mtattn.heads.scorecard import OnStage, best_aligner, find_links, piece_maps
from mtattn.heads.switches import head_names
from mtattn.run import DEV, METRICS, TEST, RunFolder
from mtattn.study.results import ModelNumbers
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer
from mtattn.weights import load_model

N_DEV, N_GOLD, N_TRANSLATED = 400, 400, 2_000
"""At most so many pairs are taken of the dev part, of the grammar's gold, and of the part that is translated."""


def tokens_per_s(run: RunFolder) -> float | None:
    """Say how many source and target tokens a run was trained on in a second, the median over its steps.

    The median leaves out what lies between two steps at times: a validation, or the wait for a resume.
    """
    lines = [json.loads(line) for line in run.read(METRICS).splitlines()]
    timed = [(a["elapsed_s"], b["elapsed_s"], b["n_tokens"]) for a, b in pairwise(lines) if "n_tokens" in b]
    speeds = [n_tokens / (end - begin) for begin, end, n_tokens in timed if end > begin]
    return median(speeds) if speeds else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def find_aligner(
    model: Transformer, tokenizer: Tokenizer, gold: Sequence[tuple[Pair, Gold]], on_progress: OnProgress
) -> BestAligner:
    """Find the head that aligns gold pairs best, at least two of them."""
    found = find_links(model, tokenizer, [pair for pair, _ in gold], on_progress)
    cross = [head for head in head_names(model) if head.kind == "cross"]
    return best_aligner(found, [links for _, links in gold], cross)


def diversity(
    model: Transformer, tokenizer: Tokenizer, pairs: Sequence[Encoded], on_progress: OnProgress
) -> dict[Kind, float | None]:
    """Measure how differently the heads of each kind of attention look; None = that cannot be said."""
    meters = {kind: DiversityMeter() for kind in KINDS}
    for attention in piece_maps(model, tokenizer, pairs, on_progress):
        meters[attention.kind].add(attention)
    return {kind: _finite(meter.diversity()) for kind, meter in meters.items()}


def measure(run: RunFolder, on_stage: OnStage) -> ModelNumbers:
    """Translate with a trained model, and measure its heads.

    Args:
        run: finished.
        on_stage: told what is done.

    Returns:
        Its numbers, each finite or None.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    config, manifest, tokenizer = run.config(), run.manifest(), run.tokenizer()
    torch.set_num_threads(manifest["threads"])
    model = load_model(run, tokenizer.vocab_size)

    part = "test" if (run.path / TEST).is_file() else "dev"
    scored = evenly(run.read_pairs(TEST if part == "test" else DEV), N_TRANSLATED)
    on_progress = on_stage("translations: sentences", len(scored))
    scores, hypotheses = evaluate(Translator(TorchSearch(model), tokenizer), scored, DEFAULT_BEAM, on_progress)
    bleu_low, bleu_high = Bootstrap(hypotheses, [pair.tgt for pair in scored]).interval

    gold = gold_pairs(Direction.parse(config.direction), N_GOLD, tokenizer, model.max_positions)
    aligner = None
    if len(gold) > 1:
        aligner = find_aligner(model, tokenizer, gold, on_stage("alignments: sentences", len(gold)))

    dev = [pair for pair in run.read_pairs(DEV) if fits(pair, tokenizer, model.max_positions)]
    looked_at = encoded(tokenizer, evenly(dev, N_DEV))
    diverse = diversity(model, tokenizer, looked_at, on_stage("diversity: sentences", len(looked_at)))
    on_progress = on_stage("without each head: heads", len(head_names(model)))
    baseline, ablations = ablate(model, tokenizer, looked_at, [], on_progress)
    return ModelNumbers(
        run=run.path.name,
        n_heads=config.model.n_heads,
        seed=config.seed,
        d_head=config.model.d_model // config.model.n_heads,
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        data_sha256=manifest["data_sha256"],
        steps=manifest["steps"],
        elapsed_s=manifest["elapsed_s"],
        tokens_per_s=tokens_per_s(run),
        part=part,
        n_pairs=len(scored),
        bleu=scores.bleu,
        bleu_low=bleu_low,
        bleu_high=bleu_high,
        chrf=scores.chrf,
        n_gold=len(gold) if aligner else 0,
        aligner=str(aligner.head) if aligner else None,
        aer=_finite(aligner.reported.aer) if aligner else None,
        diversity=diverse,
        n_dev=len(looked_at),
        loss=baseline.loss,
        loss_lost={str(one.head): one.loss for one in ablations},
    )
