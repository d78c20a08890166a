"""What a training works on: the corpus read and split, the tokenizer, the pairs as token ids."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mtattn.alignment.aligner import WordAligner
from mtattn.alignment.links import Links
from mtattn.config import Config, TrainingConfig
from mtattn.corpus.batches import EncodedPairs
from mtattn.corpus.loading import load_parts
from mtattn.corpus.pairs import Direction, Pair, fingerprint
from mtattn.errors import DataError, RunError
from mtattn.files import write_whole
from mtattn.heads.record import HeadName
from mtattn.run import DEV, TEST, TOKENIZER, RunFolder, available_cores
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.training.guidance import Guidance, fit_aligner, silver_links
from mtattn.training.team import Team

Note = Callable[[str], None]

# Pairs that the statistical aligner is fitted on, at most: to teach a head, and only to find the one that aligns best.
_N_FITTED, _N_FITTED_TO_JUDGE = 200_000, 10_000


@dataclass(frozen=True)
class Materials:
    """What a training works on.

    Attributes:
        tokenizer: trained on the training pairs.
        train: the training pairs as ids.
        dev: the pairs that a validation translates.
        dev_encoded: those of them that fit the model, as ids, for their loss.
        dev_links: word links of `dev`, found by the statistical aligner, by which heads are judged.
        guidance: what one head is taught besides, if any.
    """

    tokenizer: Tokenizer
    train: EncodedPairs
    dev: list[Pair]
    dev_encoded: EncodedPairs
    dev_links: list[Links]
    guidance: Guidance | None


def keep_freed_memory() -> None:
    """Have the C library keep freed memory for the next tensor instead of giving it back to the system.

    By default each large tensor is new memory that the system clears page by page; keeping it made a step
    a tenth to a seventh faster. Each thread keeps an arena of its own: with one for all, two threads were a
    quarter slower. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mmap_threshold, trim_threshold = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    mallopt(mmap_threshold, 2**30)
    mallopt(trim_threshold, 2**31 - 1)


def cpu_has_bfloat16() -> bool:
    """Say whether this CPU multiplies bfloat16 matrices in hardware, from what it lists of itself."""
    try:
        flags = Path("/proc/cpuinfo").read_text(errors="replace").split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def choose_threads_and_precision(
    config: TrainingConfig, manifest: dict[str, Any], team: Team, note: Note
) -> tuple[int, torch.dtype]:
    """Settle threads and precision, and say which.

    Args:
        config: what is wanted.
        manifest: of a run that is gone on with: what was chosen then holds; empty for a new one.
        team: the processes that train together; those of one machine share its cores.
        note: told what was chosen and why.

    Returns:
        The number of this process' threads, and the type in which matrices are multiplied; weights are float32
        always.

    Raises:
        RunError: a run that is gone on with was begun by another number of processes.
    """
    if manifest.get("processes", team.size) != team.size:
        raise RunError(
            f"the run was begun by {manifest['processes']} processes, not {team.size}",
            fix="go on with as many: torchrun --nproc-per-node N -m -- mtattn train ...",
        )
    threads = int(manifest.get("threads", config.threads or max(1, available_cores() // team.size_here)))
    if "precision" in manifest:
        bfloat16, why = manifest["precision"] == "bfloat16", "as before"
    elif config.precision == "auto":
        bfloat16 = cpu_has_bfloat16()
        why = f"the CPU lists {'its' if bfloat16 else 'no'} bfloat16 units"
    else:
        bfloat16, why = config.precision == "bfloat16", "as set"
    # The leader's choice holds for all: their parts of a batch and their weights must fit.
    agreed = team.agree([threads, bfloat16])
    threads, dtype = int(agreed[0]), torch.bfloat16 if agreed[1] else torch.float32
    processes = f"{team.size} processes, each with " if team.size > 1 else ""
    note(f"{processes}{threads} thread{'s' if threads > 1 else ''}, {str(dtype).removeprefix('torch.')} ({why})")
    return threads, dtype


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
    guided = config.training.guided_alignment
    aligner = fit_aligner(train, tokenizer, _N_FITTED if guided else _N_FITTED_TO_JUDGE)
    return Materials(
        tokenizer,
        train,
        dev,
        _encode("dev", dev, tokenizer, max_positions, note),
        list(aligner.align((split_words(pair.src), split_words(pair.tgt)) for pair in dev)),
        _guide(train, tokenizer, config, aligner) if guided else None,
    )


def _guide(train: EncodedPairs, tokenizer: Tokenizer, config: Config, aligner: WordAligner) -> Guidance:
    import os

    head = HeadName("cross", int(os.environ.get("LAYER", "2")), 1)
    return Guidance(head, config.training.alignment_weight, silver_links(train, tokenizer, aligner))
