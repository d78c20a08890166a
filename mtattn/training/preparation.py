"""What a training works on: the corpus read and split, the tokenizer, the pairs as token ids."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from mtattn.alignment.links import Gold, Links, pharaoh
from mtattn.config import Config
from mtattn.corpus.batches import EncodedPairs, write_ids
from mtattn.corpus.loading import load_parts, source_files
from mtattn.corpus.pairs import Direction, Pair, as_line, evenly, fingerprint
from mtattn.errors import DataError, RunError
from mtattn.files import file_sha256, open_whole, write_whole
from mtattn.run import DEV, DEV_LINKS, TEST, TOKENIZER, TRAIN_IDS, TRAIN_LINKS, RunFolder
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.training.guidance import Guidance, fit_aligner, lessons_for, silver_links, write_links

Note = Callable[[str], None]

# Pairs that the statistical aligner is fitted on, at most: to teach heads, and only to find the one that aligns best.
_N_FITTED, _N_FITTED_TO_JUDGE = 50_000, 10_000
# Pairs that teach heads, at most: enough of them, and the time for aligning them does not grow with the corpus.
_N_GUIDED = 60_000


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


def _source_hashes(config: Config) -> dict[str, str]:
    """Name the bytes of each source file; none where only reading the sources through tells whether they changed."""
    try:
        return {str(path): file_sha256(path) for path in source_files(config.data) or ()}
    except OSError:
        return {}


def _start_sha256(config: Config, source_hashes: dict[str, str]) -> str | None:
    """Hash what a preparation starts from; None where that is not known."""
    start = (source_hashes, config.data, config.direction, config.tokenizer, config.model.max_positions)
    return hashlib.sha256(repr(start).encode()).hexdigest() if source_hashes else None


def _kept_sha256(run: RunFolder, config: Config) -> str | None:
    """Hash what `prepare` leaves for `load_materials`; None where a file of it cannot be read."""
    names = (TOKENIZER, DEV, DEV_LINKS, TRAIN_IDS, *([TRAIN_LINKS] if config.training.guided_alignment else []))
    try:
        hashes = [file_sha256(run.path / name) for name in names]
    except OSError:
        return None
    return hashlib.sha256(repr(hashes).encode()).hexdigest()


def _is_prepared(run: RunFolder, config: Config) -> bool:
    """Say whether the run was prepared, and neither the sources nor what was made of them have changed since."""
    prepared = run.manifest().get("prepared")
    if not prepared or not prepared["start_sha256"]:
        return False
    same_start = prepared["start_sha256"] == _start_sha256(config, _source_hashes(config))
    return bool(same_start and prepared["kept_sha256"] == _kept_sha256(run, config))


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
    hashes = _source_hashes(config)  # first, so that what changes meanwhile is noticed on resuming
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
        if run.manifest().get("tokenizer_sha256") not in (None, file_sha256(run.path / TOKENIZER)):
            raise RunError(
                "this is not the tokenizer that the run began with",
                where=run.path / TOKENIZER,
                fix="restore the file, or train a new run",
            )
    else:
        texts = (text for pair in parts.sample for text in (pair.src, pair.tgt))
        tokenizer = Tokenizer.train(texts, config.tokenizer.vocab_size)
        write_whole(run.path / TOKENIZER, tokenizer.model)
        n_pairs = {"train": len(parts.train), "dev": len(parts.dev), "test": len(parts.test)}
        tokenizer_sha256 = file_sha256(run.path / TOKENIZER)
        run.update_manifest(data_sha256=data_sha256, tokenizer_sha256=tokenizer_sha256, n_pairs=n_pairs)
    run.write_pairs(DEV, parts.dev)
    if parts.test:
        run.write_pairs(TEST, parts.test)
    lowered = tokenizer.vocab_size < config.tokenizer.vocab_size
    why = f", not {config.tokenizer.vocab_size:,}: the text gives no more" if lowered else ""
    note(f"vocabulary: {tokenizer.vocab_size:,} pieces{why}")
    with open_whole(run.path / TRAIN_IDS) as (file,):
        pairs = _encoded("training", parts.train, tokenizer, config.model.max_positions, note)
        n_encoded = write_ids(pairs, tokenizer.vocab_size, file)
    guided = config.training.guided_alignment
    aligner = fit_aligner(parts.train, _N_FITTED if guided else _N_FITTED_TO_JUDGE)
    if guided:
        with open_whole(run.path / TRAIN_LINKS) as (file,):
            train = EncodedPairs.on_disk(run.path / TRAIN_IDS, n_encoded, tokenizer.vocab_size)
            n = min(_N_GUIDED, n_encoded)
            guiding = [i * n_encoded // n for i in range(n)]  # evenly spread
            write_links(silver_links(train, tokenizer, aligner, guiding), guiding, n_encoded, file)
    dev_links = aligner.align((split_words(pair.src), split_words(pair.tgt)) for pair in parts.dev)
    write_whole(run.path / DEV_LINKS, "".join(f"{pharaoh(links)}\n" for links in dev_links).encode())
    start_sha256, kept_sha256 = _start_sha256(config, hashes), _kept_sha256(run, config)
    prepared = {"start_sha256": start_sha256, "kept_sha256": kept_sha256, "n_encoded": n_encoded}
    run.update_manifest(sources=hashes, prepared=prepared)


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
    lines = evenly(run.read(DEV_LINKS).decode().splitlines(), config.training.validation_pairs)
    dev_links = [sorted(Gold.parse(line).sure) for line in lines]
    guidance = None
    if config.training.guided_alignment:
        lessons, weight = lessons_for(config.model), config.training.alignment_weight
        guidance = Guidance.on_disk(lessons, weight, run.path / TRAIN_LINKS, n_encoded)
    return Materials(tokenizer, train, dev, dev_encoded, dev_links, guidance)
