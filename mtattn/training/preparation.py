"""What a training works on: the corpus read and split, the tokenizer, the pairs as token ids."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mtattn.alignment.links import Links
from mtattn.config import Config
from mtattn.corpus.batches import EncodedPairs, write_ids
from mtattn.corpus.loading import load_parts, source_files
from mtattn.corpus.pairs import Direction, Pair, as_line, evenly, fingerprint
from mtattn.errors import DataError, RunError
from mtattn.files import open_whole, write_whole
from mtattn.run import DEV, TEST, TOKENIZER, TRAIN_IDS, TRAIN_LINKS, RunFolder
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.training.guidance import Guidance, fit_aligner, lessons_for, silver_links, write_links

Note = Callable[[str], None]

# Pairs that the statistical aligner is fitted on, at most: to teach a head, and only to find the one that aligns best.
_N_FITTED, _N_FITTED_TO_JUDGE = 200_000, 10_000


@dataclass(frozen=True)
class Materials:
    """What a training works on.

    Attributes:
        tokenizer: trained on the training pairs.
        train: the training pairs as ids, on disk.
        dev: the pairs that a validation translates.
        dev_encoded: those of them that fit the model, as ids, for their loss.
        dev_links: word links of `dev`, found by the statistical aligner, by which heads are judged.
        guidance: what heads are taught besides, if any.
    """

    tokenizer: Tokenizer
    train: EncodedPairs
    dev: list[Pair]
    dev_encoded: EncodedPairs
    dev_links: list[Links]
    guidance: Guidance | None


def _encoded(
    part: str, pairs: Iterable[Pair], tokenizer: Tokenizer, max_positions: int, note: Note
) -> Iterator[tuple[list[int], list[int]]]:
    """Turn pairs into ids, without those that are too long for the model, of which one at least must not be."""
    n_kept = n_dropped = 0
    for pair in pairs:
        src, tgt = tokenizer.encode(pair.src), tokenizer.encode(pair.tgt)
        if max(len(src), len(tgt)) < max_positions:  # <s> or </s> takes one
            n_kept += 1
            yield src, tgt
        else:
            n_dropped += 1
    if n_dropped:
        note(f"{part} pairs of {max_positions} tokens or more on a side, left out of the loss: {n_dropped:,}")
    if not n_kept:
        raise DataError(
            f"every {part} pair has {max_positions} tokens or more on a side",
            fix="set a larger model.max_positions, or name other data with --data",
        )


def _sha256(files: Iterable[Path], text: str = "") -> str | None:
    """Hash the bytes of files, and a text; None where one cannot be read."""
    digest = hashlib.sha256(text.encode())
    try:
        for path in files:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except OSError:
        return None
    return digest.hexdigest()


def _sources_sha256(config: Config) -> str | None:
    """Hash what a preparation starts from; None where only reading the sources through tells whether they changed."""
    files = source_files(config.data)
    settings = repr((config.data, config.direction, config.tokenizer, config.model.max_positions))
    return _sha256(files, settings) if files else None


def _kept_sha256(run: RunFolder, config: Config) -> str | None:
    """Hash what `prepare` leaves for `load_materials`."""
    names = (TOKENIZER, DEV, TRAIN_IDS, *([TRAIN_LINKS] if config.training.guided_alignment else []))
    return _sha256(run.path / name for name in names)


def _is_prepared(run: RunFolder, config: Config) -> bool:
    """Say whether the run was prepared, and neither the sources nor what was made of them have changed since."""
    prepared = run.manifest().get("prepared")
    if not prepared or not prepared["sources_sha256"]:
        return False
    return bool(
        prepared["sources_sha256"] == _sources_sha256(config) and prepared["kept_sha256"] == _kept_sha256(run, config)
    )


def prepare(run: RunFolder, config: Config, *, resume: bool, note: Note) -> None:
    """Read the data, train or load the tokenizer, and keep what the run must keep of both, see `load_materials`.

    Nothing is done where a preparation that was finished before still fits.

    Args:
        run: the folder, with its config and manifest.
        config: its settings.
        resume: go on with the tokenizer that the run has.
        note: told what was read, dropped and chosen.

    Raises:
        MtattnError: the data or the settings cannot be used, or on resuming the data changed.
    """
    if _is_prepared(run, config):
        note(f"the data are those that this run began with: {run.manifest()['n_pairs']['train']:,} pairs to train on")
        return
    sources_sha256 = _sources_sha256(config)  # first, so that what changes meanwhile is noticed on resuming
    parts = load_parts(config.data, Direction.parse(config.direction), note, folder=run.path)
    data_sha256 = fingerprint(chain(parts.train.lines(), map(as_line, parts.dev)))
    if resume:
        if run.manifest().get("data_sha256") != data_sha256:
            raise RunError(
                "the data are not those that this run began with",
                where=run.path,
                fix="restore them, or train a new run",
            )
        tokenizer = run.tokenizer()
    else:
        texts = (text for pair in parts.sample for text in (pair.src, pair.tgt))
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
    with open_whole(run.path / TRAIN_IDS) as (file,):
        pairs = _encoded("training", parts.train, tokenizer, config.model.max_positions, note)
        n_encoded = write_ids(pairs, tokenizer.vocab_size, file)
    if config.training.guided_alignment:
        train = EncodedPairs.on_disk(run.path / TRAIN_IDS, n_encoded, tokenizer.vocab_size)
        aligner = fit_aligner(train, tokenizer, _N_FITTED)
        with open_whole(run.path / TRAIN_LINKS) as (file,):
            write_links(silver_links(train, tokenizer, aligner), file)
    kept_sha256 = _kept_sha256(run, config)
    run.update_manifest(prepared={"sources_sha256": sources_sha256, "kept_sha256": kept_sha256, "n_encoded": n_encoded})


def load_materials(run: RunFolder, config: Config, note: Note) -> Materials:
    """Load what `prepare` has made, in whichever process.

    Args:
        run: the folder.
        config: its settings.
        note: told how many dev pairs are too long for the loss.

    Raises:
        MtattnError: no dev pair fits the model, or a file is missing or damaged.
    """
    tokenizer = run.tokenizer()
    n_encoded = run.manifest()["prepared"]["n_encoded"]
    train = EncodedPairs.on_disk(run.path / TRAIN_IDS, n_encoded, tokenizer.vocab_size)
    pairs = run.read_pairs(DEV)
    dev = evenly(pairs, config.training.validation_pairs)
    dev_encoded = EncodedPairs(_encoded("dev", dev, tokenizer, config.model.max_positions, note), tokenizer.vocab_size)
    aligner = fit_aligner(train, tokenizer, _N_FITTED_TO_JUDGE)
    dev_links = list(aligner.align((split_words(pair.src), split_words(pair.tgt)) for pair in dev))
    guidance = None
    if config.training.guided_alignment:
        lessons, weight = lessons_for(config.model), config.training.alignment_weight
        guidance = Guidance.on_disk(lessons, weight, run.path / TRAIN_LINKS, n_encoded)
    return Materials(tokenizer, train, dev, dev_encoded, dev_links, guidance)
