"""From a config's sources to the three parts of a corpus, with a word to the user about each."""

from collections.abc import Callable, Iterator
from pathlib import Path

from mtattn.config import DataConfig
from mtattn.corpus.builtin import builtin_columns, builtin_corpus
from mtattn.corpus.grammar import GOLD_SEED, N_GOLD, AlignedPair, load_grammar
from mtattn.corpus.pairs import Direction, Pair, sentence_key
from mtattn.corpus.readers import ReadReport, read_pairs
from mtattn.corpus.split import Parts, split_pairs
from mtattn.corpus.tables import files_of, open_tables
from mtattn.errors import DataError
from mtattn.text import counted

Note = Callable[[str], None]

_N_BROKEN_TOLD = 5
_GRAMMAR_SEED = 0


def _read(source: str, direction: Direction, columns: tuple[str, str] | None, split: str, note: Note) -> Iterator[Pair]:
    report = ReadReport(source)
    yield from read_pairs(source, direction, columns=columns, split=split, report=report)
    note(f"{source}: {counted(report.n_pairs, 'pair')}, {report.columns}")
    if report.n_blank:
        note(f"{source}: {report.n_blank:,} rows are blank on one side or both; left out")
    if report.n_broken:
        note(f"{source}: {report.n_broken:,} rows are broken; left out:")
        for fault in report.broken[:_N_BROKEN_TOLD]:
            note(f"  {fault}")


def _read_builtin(direction: Direction, note: Note) -> Iterator[Pair]:
    columns = builtin_columns(direction)
    n_pairs, sources = 0, builtin_corpus()
    for source in sources:
        report = ReadReport(source)
        yield from read_pairs(source, direction, columns=columns, report=report)
        n_pairs += report.n_pairs
    note(f"the corpus that mtattn carries: {counted(n_pairs, 'pair')} in {counted(len(sources), 'file')}")


def check_sources(config: DataConfig) -> None:
    """Open each file that is named, so that a slip is told before anything slow or lasting.

    Raises:
        DataError: a file is missing, empty, or of no known format.
    """
    for source in [*config.sources, *([config.dev] if config.dev else [])]:
        if not source.startswith("hf:"):
            for table in open_tables(source, config.split):
                next(table.rows, None)


def read_source(source: str, config: DataConfig, direction: Direction, note: Note) -> Iterator[Pair]:
    """Read one source as a config says.

    Args:
        source: see `read_pairs`.
        config: which columns and split to take.
        direction: the languages.
        note: told how many pairs came from where, and what was left out.

    Raises:
        DataError: see `read_pairs`.
    """
    columns = (config.src_column, config.tgt_column) if config.src_column else None
    return _read(source, direction, columns, config.split, note)


def _read_sources(config: DataConfig, direction: Direction, note: Note) -> Iterator[Pair]:
    for source in config.sources:
        yield from read_source(source, config, direction, note)
    if not config.sources:
        yield from _read_builtin(direction, note)


def read_grammar(config: DataConfig, direction: Direction, note: Note) -> Iterator[Pair]:
    """Write the paired grammar's share of a training: none beside sources that are named.

    Sentences that `mtattn data gold` writes with its own seed are left out, so that it is a test on sentences not seen.

    Args:
        config: of the sources and of how many pairs.
        direction: the languages.
        note: told how many there are.

    Raises:
        DataError: the grammar has not this direction, or not so many pairs.
    """
    if not config.grammar_pairs or config.sources:
        return
    turned = builtin_columns(direction) == ("2", "1")
    grammar = load_grammar()
    gold = [aligned.pair for aligned in grammar.generate(N_GOLD, GOLD_SEED)]
    src_gold, tgt_gold = {sentence_key(pair.src) for pair in gold}, {sentence_key(pair.tgt) for pair in gold}
    n_written = 0
    for aligned in grammar.generate(2 * config.grammar_pairs, _GRAMMAR_SEED):
        pair = aligned.pair
        if sentence_key(pair.src) not in src_gold and sentence_key(pair.tgt) not in tgt_gold:
            n_written += 1
            yield Pair(pair.tgt, pair.src) if turned else pair
        if n_written == config.grammar_pairs:
            break
    note(f"the paired grammar: {counted(n_written, 'pair')}")


def read_gold(direction: Direction, n: int) -> list[AlignedPair]:
    """Write pairs of the paired grammar with their gold alignments, the first of those that no training has seen.

    Args:
        direction: the languages.
        n: how many.

    Raises:
        DataError: the grammar has not this direction.
    """
    turned = builtin_columns(direction) == ("2", "1")
    gold = load_grammar().generate(n, GOLD_SEED)
    return [aligned.turned() for aligned in gold] if turned else list(gold)


def read_all(config: DataConfig, direction: Direction, note: Note) -> Iterator[Pair]:
    """Read all pairs of a config's sources, or of the carried corpus with its share of the grammar, as they come.

    Args:
        config: the sources, or none for the corpus that mtattn carries.
        direction: the languages.
        note: told how many pairs came from where, and what was left out.

    Raises:
        DataError: a source cannot be read.
    """
    yield from _read_sources(config, direction, note)
    yield from read_grammar(config, direction, note)


def source_files(config: DataConfig) -> list[Path] | None:
    """Name the files that hold all pairs of a config's sources; None where they are not in files of the user's alone.

    Raises:
        DataError: a source is missing.
    """
    sources = [*config.sources, *([config.dev] if config.dev else [])]
    if not config.sources or any(source.startswith("hf:") for source in sources):
        return None
    return [file for source in sources for file in files_of(source)]


def load_parts(config: DataConfig, direction: Direction, note: Note, folder: Path | None = None) -> Parts:
    """Read all sources of a config and split them.

    Args:
        config: the sources, or none for the corpus that mtattn carries.
        direction: the languages.
        note: told how many pairs came from where, and what was left out.
        folder: where there is room for the pairs on disk; None = where the system keeps such files.

    Returns:
        The parts; train and dev have at least one pair each.

    Raises:
        DataError: a source cannot be read, or train or dev remains empty.
    """
    parts = split_pairs(
        _read_sources(config, direction, note),
        direction,
        dev=read_source(config.dev, config, direction, note) if config.dev else None,
        dev_share=config.dev_share,
        test_share=config.test_share,
        max_words=config.max_words,
        held_out_pairs=config.held_out_pairs,
        unheld=read_grammar(config, direction, note),
        folder=folder,
    )
    for line in parts.report.lines():
        note(line)
    if not parts.train:
        raise DataError("no pair is left to train on", fix="name more data with --data, or another dev part with --dev")
    if not parts.dev:
        raise DataError(
            f"none of {counted(len(parts.train), 'pair')} fell into the dev part",
            fix="name one with --dev, or set a larger data.dev_share",
        )
    return parts
