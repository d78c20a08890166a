"""How long a study will take on this machine, before it begins."""

from itertools import islice

from mtattn.config import Config
from mtattn.corpus.loading import read_all
from mtattn.corpus.pairs import Direction, Pair
from mtattn.study.folder import Study
from mtattn.study.measuring import N_DEV
from mtattn.tokenizer import Tokenizer
from mtattn.training.budget import trial_speed
from mtattn.training.team import Team

_SAMPLED, _EVERY = 2_000, 16


def _tokens(config: Config) -> tuple[float, float]:
    """Estimate the source and target tokens of an epoch, and of a pair.

    All words are counted where the training is bounded in epochs; how many tokens a word has is seen on a sample.
    """
    n_words = 0
    sample: list[Pair] = []
    pairs = read_all(config.data, Direction.parse(config.direction), lambda _: None)
    for n, pair in enumerate(pairs if config.training.epochs else islice(pairs, _SAMPLED * _EVERY)):
        n_words += len(pair.src.split()) + len(pair.tgt.split())
        if n % _EVERY == 0 and len(sample) < _SAMPLED:
            sample.append(pair)
    texts = [text for pair in sample for text in (pair.src, pair.tgt)]
    tokenizer = Tokenizer.train(texts, config.tokenizer.vocab_size)
    n_tokens = sum(len(tokenizer.encode(text)) + 1 for text in texts)
    return n_words * n_tokens / sum(len(text.split()) for text in texts), n_tokens / len(sample)


def expected_s(study: Study) -> tuple[float, float]:
    """Estimate how many seconds training and measuring the missing models will take, by a trial of each size.

    Args:
        study: whose models may be there in part; those count as not begun or done.

    Returns:
        Seconds of training, and seconds of measuring; both only roughly, the second more so.

    Raises:
        DataError: a source cannot be read.
    """
    training, model = study.plan.config.training, study.plan.config.model
    an_epoch, a_pair = _tokens(study.plan.config)
    n_tokens = [training.steps * training.batch_tokens, training.epochs * an_epoch]
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
        n_muted = n_heads * (model.n_encoder_layers + 2 * model.n_decoder_layers)
        # The loss of the same sentences with each head muted; the rest is little beside it.
        measure_s += n_models * (1 + n_muted) * N_DEV * a_pair / speed
    return train_s, measure_s
