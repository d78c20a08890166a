"""Statistics of a corpus as plain lines of at most 80 columns."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import set_cell_size

from mtattn.corpus.coverage import OFTEN
from mtattn.corpus.grammar.forms import LexiconCoverage
from mtattn.corpus.statistics import CorpusStatistics, SideStatistics, Theme
from mtattn.text import without_controls

_WIDTH = 80
_LABEL, _NUMBER = 30, 11
_BAR = 18
_N_SHOWN = 12


def show(statistics: CorpusStatistics, *, in_full: bool) -> Iterator[str]:
    """Show what a corpus holds.

    Args:
        statistics: of the corpus.
        in_full: name all words that are missing or rare, not the first dozen.

    Yields:
        Lines.
    """
    sides = (statistics.src, statistics.tgt)
    yield _row("", [side.language for side in sides])
    yield _row("pairs", [_count(statistics.n_pairs)])
    yield _row("different sentences", [_count(side.n_sentences) for side in sides])
    yield _row("words, marks not counted", [_count(side.n_words) for side in sides])
    yield _row("different words", [_count(side.n_distinct_words) for side in sides])
    yield _row("questions", [_share(side.question_share) for side in sides])
    yield _row("exclamations", [_share(side.exclamation_share) for side in sides])
    yield ""
    yield from _lengths(sides)
    yield ""
    yield from _parts(statistics)
    if len(statistics.themes) > 1:
        yield ""
        yield from _themes(statistics.themes, [side.language for side in sides])
    if any(side.commonest for side in sides):
        yield ""
        yield from _commonest(sides, in_full)
    if statistics.lexicon:
        yield ""
        yield from _lexicon(statistics.lexicon, in_full)


def _row(label: str, numbers: Sequence[str]) -> str:
    cells = "".join(f"{number:>{_NUMBER}}" for number in numbers)
    return (set_cell_size(label, _LABEL) + cells).rstrip()


def _count(n: int) -> str:
    return f"{n:,}"


def _share(share: float) -> str:
    return f"{share:.1%}"


def _words(label: str, words: Sequence[str], in_full: bool) -> Iterator[str]:
    """Give a list of words in lines, unless it is empty."""
    if not words:
        return
    shown = words if in_full else words[:_N_SHOWN]
    more = f" … and {len(words) - len(shown):,} more (--missing)" if len(shown) < len(words) else ""
    text = without_controls(f"{label}: {', '.join(shown)}{more}")
    yield from textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _lengths(sides: Sequence[SideStatistics]) -> Iterator[str]:
    yield _row("words a sentence", [side.language for side in sides])
    yield _row("mean", [f"{side.lengths.mean:.1f}" for side in sides])
    for i, name in enumerate(("a quarter have at most", "half", "three quarters")):
        yield _row(name, [str(side.lengths.quartiles[i]) for side in sides])
    yield _row("the longest", [str(side.lengths.longest) for side in sides])
    yield ""
    totals = [sum(side.lengths.histogram.values()) for side in sides]
    highest = max(max(side.lengths.histogram.values()) for side in sides)
    yield ("words " + "".join(f"{side.language:>9}{'':{_BAR + 10}}" for side in sides)).rstrip()
    for label in sides[0].lengths.histogram:
        counts = [side.lengths.histogram[label] for side in sides]
        if label == "0" and not any(counts):
            continue
        line = f"{label:<6}"
        for n, total in zip(counts, totals, strict=True):
            line += f"{n:>9,}{n / total:>7.1%}  {'█' * round(_BAR * n / highest):<{_BAR}} "
        yield line.rstrip()


def _parts(statistics: CorpusStatistics) -> Iterator[str]:
    parts = statistics.parts
    yield _row("parts in `mtattn train`", ["pairs"])
    yield _row("train", [_count(parts.n_train)])
    yield _row("dev, given" if parts.dev_given else "dev, held out", [_count(parts.n_dev)])
    yield _row("test, held out", [_count(parts.n_test)])
    yield _row("dropped: repeated", [_count(parts.n_duplicates)])
    yield _row(f"dropped: over {parts.max_words} words", [_count(parts.n_long)])
    yield _row("dropped: leaks into dev, test", [_count(parts.n_leaks)])


def _themes(themes: Sequence[Theme], languages: Sequence[str]) -> Iterator[str]:
    yield _row("theme", ["pairs", "questions", *(f"words {language}" for language in languages)])
    for theme in themes:
        lengths = [f"{length:.1f}" for length in (theme.src_mean_length, theme.tgt_mean_length)]
        yield _row(without_controls(theme.name), [_count(theme.n_pairs), _share(theme.question_share), *lengths])


def _commonest(sides: Sequence[SideStatistics], in_full: bool) -> Iterator[str]:
    covered = [(side.language, side.commonest) for side in sides if side.commonest]
    yield _row("the language's commonest words", [language for language, _ in covered])
    yield _row("looked for", [_count(words.n_often + len(words.rare) + len(words.missing)) for _, words in covered])
    yield _row(f"in {OFTEN} sentences or more", [_count(words.n_often) for _, words in covered])
    yield _row(f"in 1 to {OFTEN - 1}", [_count(len(words.rare)) for _, words in covered])
    yield _row("in none", [_count(len(words.missing)) for _, words in covered])
    for language, words in covered:
        yield from _words(f"missing in {language}", words.missing, in_full)
        yield from _words(f"rare in {language}", words.rare, in_full)


def _lexicon(lexicon: LexiconCoverage, in_full: bool) -> Iterator[str]:
    n_verbs = next(lemmas.n_lemmas for lemmas in lexicon.lemmas)
    yield from textwrap.wrap(
        f"Forms of the grammar's {n_verbs} verbs ({lexicon.language}) in the different sentences. A form that may be "
        "several tenses, or another word, counts under 'at most' of each, not under 'at least'.",
        _WIDTH,
    )
    yield _row("", ["sentences", "", "verbs"])
    yield _row("tense or mood", ["at least", "at most"] * 2)
    for use in lexicon.tenses:
        bounds = (use.sentences.at_least, use.sentences.at_most, use.verbs.at_least, use.verbs.at_most)
        yield _row(use.tense, [_count(n) for n in bounds])
    yield ""
    yield _row("words of the grammar's lexicon", ["in use", "missing"])
    for lemmas in lexicon.lemmas:
        yield _row(lemmas.kind, [_count(lemmas.n_lemmas - len(lemmas.missing)), _count(len(lemmas.missing))])
    for lemmas in lexicon.lemmas:
        yield from _words(f"missing {lemmas.kind}", lemmas.missing, in_full)
