"""What a corpus of sentence pairs holds, counted in one pass over it.

Words are those of `split_words` in small letters; marks are none. Two sentences are the same when their
`sentence_key` is. Pairs, lengths and shares are of all pairs; words and forms that stand in so many sentences are
of the different sentences.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from mtattn.config import Config, DataConfig
from mtattn.corpus.builtin import builtin_columns, builtin_corpus
from mtattn.corpus.coverage import WordCoverage, commonest_words, cover
from mtattn.corpus.grammar import load_grammar
from mtattn.corpus.grammar.forms import LANGUAGE, FormCounter, LexiconCoverage
from mtattn.corpus.loading import read_grammar, read_source
from mtattn.corpus.pairs import Direction, Pair, sentence_key
from mtattn.corpus.split import PartsReport, split_pairs
from mtattn.corpus.tables import parts_of
from mtattn.errors import DataError
from mtattn.tokenizer import split_words

Note = Callable[[str], None]

_LENGTH_STARTS = (0, 1, 3, 6, 9, 12, 16, 21, 26)
_QUESTION_MARKS, _EXCLAMATION_MARKS = frozenset("?？؟"), frozenset("!！")


@dataclass(frozen=True, slots=True)
class Lengths:
    """How many words sentences have.

    Attributes:
        mean: words a sentence.
        quartiles: so many words at most have a quarter, a half, three quarters of the sentences.
        longest: the most words.
        histogram: sentences by their number of words: "0", "1-2", "3-5" … "26+".
    """

    mean: float
    quartiles: tuple[int, int, int]
    longest: int
    histogram: dict[str, int]


@dataclass(frozen=True, slots=True)
class SideStatistics:
    """One language of a corpus.

    Attributes:
        language: its code.
        n_sentences: different sentences.
        n_words: words of all pairs, marks not counted.
        n_distinct_words: different words, small and capital letters being the same.
        question_share: share of the pairs whose sentence here has a question mark.
        exclamation_share: likewise an exclamation mark.
        lengths: in words.
        commonest: coverage of the language's commonest words; None where there is no list of them.
    """

    language: str
    n_sentences: int
    n_words: int
    n_distinct_words: int
    question_share: float
    exclamation_share: float
    lengths: Lengths
    commonest: WordCoverage | None


@dataclass(frozen=True, slots=True)
class Theme:
    """One file of a corpus: its pairs, the share of source sentences with a question mark, words a sentence."""

    name: str
    n_pairs: int
    question_share: float
    src_mean_length: float
    tgt_mean_length: float


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """What a corpus holds.

    Attributes:
        direction: its languages, such as "es-en".
        n_pairs: all pairs, repeated ones too.
        src: of the source sentences.
        tgt: of the target sentences.
        themes: a row for each file or data set, in the order of reading.
        parts: what `mtattn train` would train on and hold out of it.
        lexicon: which forms and words of the grammar's lexicon occur; None where neither language is the lexicon's.
    """

    direction: str
    n_pairs: int
    src: SideStatistics
    tgt: SideStatistics
    themes: tuple[Theme, ...]
    parts: PartsReport
    lexicon: LexiconCoverage | None


def corpus_statistics(config: Config, *, n_commonest: int, note: Note) -> CorpusStatistics:
    """Count what a corpus holds.

    Args:
        config: of the direction, the sources (none = the corpus that mtattn carries) and how they are split. Pairs
            of the paired grammar that a training adds are counted in the parts alone.
        n_commonest: so many of each language's commonest words are looked for.
        note: told what was read and what could not be counted.

    Raises:
        DataError: a source, or a file of a folder, cannot be read or has no usable pair; or the carried corpus
            has not this direction.
    """
    data, direction = config.data, Direction.parse(config.direction)
    forms = FormCounter(load_grammar().lexicon) if LANGUAGE in (direction.src, direction.tgt) else None
    sides = [_SideCounter(code, forms if code == LANGUAGE else None) for code in (direction.src, direction.tgt)]
    themes: list[Theme] = []

    def counted() -> Iterator[Pair]:
        src, tgt = sides
        for name, pairs in _files(data, direction, note):
            n_pairs = n_src = n_tgt = 0
            n_questions_before = src.n_questions
            for pair in pairs:
                n_pairs += 1
                n_src += src.add(pair.src)
                n_tgt += tgt.add(pair.tgt)
                yield pair
            n_questions = src.n_questions - n_questions_before
            if n_pairs:
                themes.append(Theme(name, n_pairs, n_questions / n_pairs, n_src / n_pairs, n_tgt / n_pairs))

    parts = split_pairs(
        counted(),
        direction,
        dev=read_source(data.dev, data, direction, note) if data.dev else None,
        dev_share=data.dev_share,
        test_share=data.test_share,
        max_words=data.max_words,
        held_out_pairs=data.held_out_pairs,
        unheld=read_grammar(data, direction, note),
    ).report
    if not themes:
        raise DataError("no file has a usable pair", where=",".join(data.sources), fix="name others")
    gaps: dict[str, None] = {}  # in their order, each once
    src, tgt = (side.statistics(_commonest(side, n_commonest, gaps)) for side in sides)
    for gap in gaps:
        note(gap)
    lexicon = None
    for side in sides:
        if side.forms:
            lexicon = side.forms.coverage(side.words)
    return CorpusStatistics(
        str(direction), sum(theme.n_pairs for theme in themes), src, tgt, tuple(themes), parts, lexicon
    )


class _SideCounter:
    """Counts the sentences of one language."""

    def __init__(self, language: str, forms: FormCounter | None) -> None:
        self.language, self.forms = language, forms
        self.n_questions = self.n_exclamations = 0
        self.words: Counter[str] = Counter()
        self.sentences_with: Counter[str] = Counter()
        self._n_of_length: Counter[int] = Counter()
        self._keys: set[str] = set()

    def add(self, sentence: str) -> int:
        """Count a sentence, and say how many words it has."""
        tokens = split_words(sentence.lower().replace("’", "'"))
        words = [token for token in tokens if len(token) > 1 or token.isalnum()]
        self.words.update(words)
        self._n_of_length[len(words)] += 1
        self.n_questions += not _QUESTION_MARKS.isdisjoint(tokens)
        self.n_exclamations += not _EXCLAMATION_MARKS.isdisjoint(tokens)
        key = sentence_key(sentence)
        if key not in self._keys:
            self._keys.add(key)
            self.sentences_with.update(set(words))
            if self.forms:
                self.forms.add(tokens)
        return len(words)

    def statistics(self, commonest: WordCoverage | None) -> SideStatistics:
        n_pairs = self._n_of_length.total()
        return SideStatistics(
            self.language,
            len(self._keys),
            self.words.total(),
            len(self.words),
            self.n_questions / n_pairs,
            self.n_exclamations / n_pairs,
            _lengths(self._n_of_length),
            commonest,
        )


def _commonest(side: _SideCounter, n: int, gaps: dict[str, None]) -> WordCoverage | None:
    try:
        return cover(commonest_words(side.language, n), side.sentences_with)
    except DataError as error:
        gaps[str(error)] = None
        return None


def _lengths(n_of_length: Counter[int]) -> Lengths:
    n = n_of_length.total()
    ordered = sorted(n_of_length)
    up_to = dict(zip(ordered, accumulate(n_of_length[length] for length in ordered), strict=True))
    first, second, third = (next(length for length in ordered if 4 * up_to[length] >= k * n) for k in (1, 2, 3))
    histogram = {}
    for start, end in zip(_LENGTH_STARTS, (*_LENGTH_STARTS[1:], ordered[-1] + 1), strict=True):
        label = "0" if start == 0 else f"{start}+" if start == _LENGTH_STARTS[-1] else f"{start}-{end - 1}"
        histogram[label] = sum(n_of_length[length] for length in range(start, end))
    mean = sum(length * count for length, count in n_of_length.items()) / n
    return Lengths(mean, (first, second, third), ordered[-1], histogram)


def _files(config: DataConfig, direction: Direction, note: Note) -> Iterator[tuple[str, Iterator[Pair]]]:
    """Give each file of the corpus, of a folder too, with its name and its pairs."""
    if not config.sources:
        src_column, tgt_column = builtin_columns(direction)
        config = config.model_copy(update={"src_column": src_column, "tgt_column": tgt_column})
        for source in builtin_corpus():
            yield Path(source).stem, read_source(source, config, direction, lambda _: None)
    for source in config.sources:
        for file in parts_of(source):
            pairs = read_source(file, config, direction, note)
            yield (source, pairs) if file == source else (Path(file).stem, _usable(pairs, note))


def _usable(pairs: Iterator[Pair], note: Note) -> Iterator[Pair]:
    """Give the pairs of a file, none where it cannot be used, which is told: the others of its folder still count."""
    try:
        yield from pairs
    except DataError as error:
        note(f"left out: {error}")
