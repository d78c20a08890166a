"""How long a study will take on this machine, before it begins."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import torch

from mtattn.config import Config
from mtattn.corpus.loading import read_all, read_source
from mtattn.corpus.pairs import Direction, Pair, evenly
from mtattn.decoding.hypothesis import longest_output
from mtattn.decoding.search import TorchSearch
from mtattn.decoding.translator import DEFAULT_BEAM, Translator
from mtattn.evaluation import Bootstrap, score
from mtattn.heads.ablation import mean_loss
from mtattn.heads.samples import encoded, fits, gold_pairs
from mtattn.heads.switches import head_names
from mtattn.study.folder import Study
from mtattn.study.measuring import N_DEV, N_GOLD, N_TRANSLATED, diversity, find_aligner
from mtattn.tokenizer import Tokenizer
from mtattn.training.budget import trial_speed
from mtattn.training.machine import choose_computing
from mtattn.training.team import Team
from mtattn.weights import new_model

_SAMPLED, _EVERY = 2_000, 16
_N_TRIED, _N_TRIED_TO_TRANSLATE = 40, 100  # pairs that a trial of measuring takes
# A search goes on until as many hypotheses have ended as the beam is wide: seen to be some steps behind the best one.
_STEPS_BEYOND = 4


@dataclass(frozen=True)
class _Corpus:
    """What is known of the pairs before they are prepared.

    Attributes:
        tokenizer: as large as that of the runs will be, of a sample.
        sample: some of the pairs, from all over them.
        n_tokens: source and target tokens of all that were read.
        n_held_out: pairs of the part that will be translated, and of dev.
    """

    tokenizer: Tokenizer
    sample: list[Pair]
    n_tokens: float
    n_held_out: tuple[int, int]


def _read(config: Config) -> _Corpus:
    """Look at the pairs: at all of them where the training is bounded in epochs, else at the first of them.

    Of a dev part that is given as many are counted as are measured on.
    """
    n_words = n_pairs = 0
    sample: list[Pair] = []
    direction = Direction.parse(config.direction)
    pairs = read_all(config.data, direction, lambda _: None)
    for pair in pairs if config.training.epochs else islice(pairs, _SAMPLED * _EVERY):
        n_words += len(pair.src.split()) + len(pair.tgt.split())
        if n_pairs % _EVERY == 0 and len(sample) < _SAMPLED:
            sample.append(pair)
        n_pairs += 1
    if next(pairs, None):  # there are more
        n_pairs = 100 * n_pairs  # how many is not known: so many that held_out_pairs bounds the parts
    data = config.data
    if data.dev:
        dev = islice(read_source(data.dev, data, direction, lambda _: None), max(N_DEV, N_TRANSLATED))
        n_test, n_dev = 0, sum(1 for _ in dev)
    else:
        shares = (data.test_share, data.dev_share)
        n_test, n_dev = (min(round(share * n_pairs), data.held_out_pairs) for share in shares)
    texts = [text for pair in sample for text in (pair.src, pair.tgt)]
    tokenizer = Tokenizer.train(texts, config.tokenizer.vocab_size)
    n_tokens = sum(len(tokenizer.encode(text)) + 1 for text in texts)
    return _Corpus(
        tokenizer,
        sample,
        n_words * n_tokens / sum(len(text.split()) for text in texts),
        (max(1, min(n_test or n_dev, N_TRANSLATED)), max(1, min(n_dev, N_DEV))),
    )


def _nothing(n_done: int) -> None:
    """Tell nobody how far the work is."""


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _measuring_s(config: Config, corpus: _Corpus) -> float:
    """Measure a new model on few pairs, to see how long `measuring.measure` will take with a trained one on all."""
    tokenizer, (n_translated, n_dev) = corpus.tokenizer, corpus.n_held_out
    torch.set_num_threads(choose_computing(config.training, {}, Team(), lambda _: None).n_threads)
    model = new_model(config, tokenizer.vocab_size).eval()
    fitting = [pair for pair in corpus.sample if fits(pair, tokenizer, model.max_positions)]
    if not fitting:
        return 0.0
    direction = Direction.parse(config.direction)
    few, dev = (encoded(tokenizer, evenly(fitting, n)) for n in (_N_TRIED, n_dev))
    some = evenly(fitting, _N_TRIED_TO_TRANSLATE)
    translator, sources = Translator(TorchSearch(model), tokenizer), [pair.src for pair in some]
    targets = [pair.tgt for pair in evenly(fitting * -(-n_translated // len(fitting)), n_translated)]
    gold = gold_pairs(direction, _N_TRIED, tokenizer, model.max_positions)
    mean_loss(model, few)  # what comes first is slower

    # A new model does not know where to end and writes as much as it may: a trained one needs fewer steps.
    lengths = [(len(src) + 1, len(tgt) + 1) for src, tgt in encoded(tokenizer, some)]
    n_steps = sum(longest_output(n_src, model.max_positions) for n_src, _ in lengths)
    share = min(1.0, sum(n_tgt + _STEPS_BEYOND for _, n_tgt in lengths) / n_steps)
    search_s = _seconds(lambda: translator.translate(sources)) * share * n_translated / len(some)
    scoring_s = _seconds(lambda: (score(targets, targets, DEFAULT_BEAM), Bootstrap(targets, targets)))
    linking_s = _seconds(lambda: gold_pairs(direction, N_GOLD, tokenizer, model.max_positions))
    if len(gold) > 1:
        linking_s += _seconds(lambda: find_aligner(model, tokenizer, gold, _nothing)) * N_GOLD / len(gold)
    looking_s = _seconds(lambda: diversity(model, tokenizer, few, _nothing)) * n_dev / len(few)
    muting_s = _seconds(lambda: mean_loss(model, dev)) * n_dev / len(dev) * (1 + len(head_names(model)))
    return search_s + scoring_s + linking_s + looking_s + muting_s


def expected_s(study: Study) -> tuple[float, float]:
    """Estimate how many seconds training and measuring the missing models will take, by a trial of each size.

    Args:
        study: whose models may be there in part; those count as not begun or done.

    Returns:
        Seconds of training, and seconds of measuring; both only roughly.

    Raises:
        DataError: a source cannot be read.
    """
    training = study.plan.config.training
    corpus = _read(study.plan.config)
    n_tokens = [training.steps * training.batch_tokens, training.epochs * corpus.n_tokens]
    train_s = measure_s = 0.0
    missing = study.missing()
    for n_heads in study.plan.heads:
        n_models = sum(member.n_heads == n_heads for member in missing)
        if not n_models:
            continue
        config = study.plan.config_of(missing[0]._replace(n_heads=n_heads))
        speed = trial_speed(config, config.training, Team())
        bounds = [n / speed for n in n_tokens if n] + ([training.minutes * 60] if training.minutes else [])
        train_s += n_models * min(bounds)
        measure_s += n_models * _measuring_s(config, corpus)
    return train_s, measure_s
