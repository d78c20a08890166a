"""What a training works on: the corpus read and split, the tokenizer, the pairs as token ids."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mtattn.config import Config
from mtattn.corpus.batches import EncodedPairs
from mtattn.corpus.loading import load_parts
from mtattn.corpus.pairs import Direction, Pair, fingerprint
from mtattn.errors import DataError, RunError
from mtattn.files import write_whole
from mtattn.run import DEV, TEST, TOKENIZER, RunFolder
from mtattn.tokenizer import Tokenizer

Note = Callable[[str], None]


@dataclass(frozen=True)
class Materials:
    """What a training works on.

    Attributes:
        tokenizer: trained on the training pairs.
        train: the training pairs as ids.
        dev: the pairs that a validation translates.
        dev_encoded: those of them that fit the model, as ids, for their loss.
    """

    tokenizer: Tokenizer
    train: EncodedPairs
    dev: list[Pair]
    dev_encoded: EncodedPairs


def _encode(part: str, pairs: list[Pair], tokenizer: Tokenizer, max_positions: int, note: Note) -> EncodedPairs:
    n_dropped = 0

    def encoded() -> Iterator[tuple[list[int], list[int]]]:
        nonlocal n_dropped
        for pair in pairs:
            src, tgt = tokenizer.encode(pair.src), tokenizer.encode(pair.tgt)
            if max(len(src), len(tgt)) < max_positions:  # <s> or </s> takes one
                yield src, tgt
            else:
                n_dropped += 1

    result = EncodedPairs(encoded(), tokenizer.vocab_size)
    if n_dropped:
        note(f"{part} pairs of {max_positions} tokens or more on a side, left out of the loss: {n_dropped:,}")
    if not len(result):
        raise DataError(
            f"every {part} pair has {max_positions} tokens or more on a side",
            fix="set a larger model.max_positions, or name other data with --data",
        )
    return result


def prepare(run: RunFolder, config: Config, *, resume: bool, note: Note) -> Materials:
    """Read the data, train or load the tokenizer, and keep what the run must keep of both.

    Args:
        run: the folder, with its config and manifest.
        config: its settings.
        resume: go on with the tokenizer that the run has.
        note: told what was read, dropped and chosen.

    Raises:
        MtattnError: the data or the settings cannot be used, or on resuming the data changed.
    """
    parts = load_parts(config.data, Direction.parse(config.direction), note)
    data_sha256 = fingerprint(parts.train + parts.dev)
    if resume:
        if run.manifest().get("data_sha256") != data_sha256:
            raise RunError(
                "the data are not those that this run began with",
                where=run.path,
                fix="restore them, or train a new run",
            )
        tokenizer = run.tokenizer()
    else:
        texts = (text for pair in parts.train for text in (pair.src, pair.tgt))
        tokenizer = Tokenizer.train(texts, config.tokenizer.vocab_size)
        write_whole(run.path / TOKENIZER, tokenizer.model)
        run.write_pairs(DEV, parts.dev)
        if parts.test:
            run.write_pairs(TEST, parts.test)
        n_pairs = {"train": len(parts.train), "dev": len(parts.dev), "test": len(parts.test)}
        run.update_manifest(data_sha256=data_sha256, n_pairs=n_pairs)
    lowered = tokenizer.vocab_size < config.tokenizer.vocab_size
    why = f", not {config.tokenizer.vocab_size:,}: the text gives no more" if lowered else ""
    note(f"vocabulary: {tokenizer.vocab_size:,} pieces{why}")
    max_positions = config.model.max_positions
    train = _encode("training", parts.train, tokenizer, max_positions, note)
    n_dev = min(config.training.validation_pairs, len(parts.dev))
    dev = [parts.dev[i * len(parts.dev) // n_dev] for i in range(n_dev)]  # evenly spread
    return Materials(tokenizer, train, dev, _encode("dev", dev, tokenizer, max_positions, note))
