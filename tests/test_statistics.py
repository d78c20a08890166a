"""What `mtattn data stats` counts, on corpora small enough to count by hand."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from corpus_files import PAIRS, both, tsv, write
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.config import config_from
from mtattn.corpus import statistics as statistics_room
from mtattn.corpus.builtin import builtin_corpus
from mtattn.corpus.coverage import OFTEN, commonest_words, cover
from mtattn.corpus.grammar import load_grammar
from mtattn.corpus.grammar.conjugation import FINITE, SpanishVerb
from mtattn.corpus.grammar.forms import TENSES, FormCounter, LexiconCoverage
from mtattn.corpus.grammar.lexicon import Adjective, Lexicon, Noun
from mtattn.corpus.loading import load_parts
from mtattn.corpus.pairs import Direction
from mtattn.corpus.statistics import CorpusStatistics, corpus_statistics
from mtattn.corpus.statistics_view import show
from mtattn.errors import DataError
from mtattn.tokenizer import split_words

VERBS = [
    SpanishVerb("hablar"),
    SpanishVerb("comer"),
    SpanishVerb("salir", "", {"yo": ["salgo"], "fut": ["saldr"], "tu": ["sal"]}),
    SpanishVerb("decir", "e>i", {"yo": ["digo"], "pret": ["dij"], "fut": ["dir"], "part": ["dicho"], "tu": ["di"]}),
    SpanishVerb("ver", "", {"part": ["visto"]}),
    SpanishVerb(
        "haber",
        "",
        {
            "pres": ["he", "has", "ha", "hemos", "habéis", "han"],
            "pret": ["hub"],
            "fut": ["habr"],
            "subj": ["haya", "hayas", "haya", "hayamos", "hayáis", "hayan"],
        },
    ),
    SpanishVerb("poder", "o>ue", {"pret": ["pud"], "fut": ["podr"], "ger": ["pudiendo"]}),
]
NOBODY = frozenset[str]()


def lexicon() -> Lexicon:
    nouns = [
        Noun((one, many), (("x",), ("xs",)), False, False, NOBODY, "c", "c", "", False)
        for one, many in (("pan", "panes"), ("sal", "sal"), ("París", "París"))
    ]
    adjectives = [
        Adjective((("bueno", "buena"), ("buenos", "buenas")), ("good",), "se", NOBODY, (), (), "mejor"),
        Adjective((("feliz", "feliz"), ("felices", "felices")), ("happy",), "se", NOBODY, (), (), ""),
    ]
    return Lexicon(nouns=nouns, adjectives=adjectives, spanish={verb.infinitive: verb for verb in VERBS})


@pytest.fixture
def small_lexicon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_room, "load_grammar", lambda: SimpleNamespace(lexicon=lexicon()))


def count(*sources: Path, note: Callable[[str], None] = lambda _: None, **settings: object) -> CorpusStatistics:
    direction = settings.pop("direction", "es-en")
    data = {"sources": [str(source) for source in sources], **settings}
    return corpus_statistics(config_from({"direction": direction, "data": data}), n_commonest=30, note=note)


@pytest.fixture
def corpus(tmp_path: Path, small_lexicon: None) -> Path:
    rows = [
        ("¿Qué es lo que quiere la niña?", "What does the girl want?"),
        ("¡LA NIÑA no está en la casa!", "The girl isn’t in the house!"),
        ("La niña no está en la casa.", "The girl isn't at home."),
        ("...", "!!!"),
        ("La niña no está en la casa.", "The girl isn't at home."),
    ]
    return write(tmp_path / "pairs.tsv", tsv(rows))


class TestCounts:
    def test_small_letters_make_a_word_and_marks_make_none(self, corpus):
        counted = count(corpus)
        assert (counted.n_pairs, counted.src.language, counted.tgt.language) == (5, "es", "en")
        assert (counted.src.n_words, counted.src.n_distinct_words) == (7 + 7 + 7 + 0 + 7, 11)
        assert (counted.tgt.n_words, counted.tgt.n_distinct_words) == (5 + 6 + 5 + 0 + 5, 10)  # both apostrophes alike

    def test_sentences_that_differ_in_case_and_marks_are_one(self, corpus):
        counted = count(corpus)
        assert (counted.src.n_sentences, counted.tgt.n_sentences) == (3, 4)

    def test_questions_and_exclamations_are_told_by_their_marks(self, corpus):
        counted = count(corpus)
        assert (counted.src.question_share, counted.src.exclamation_share) == (1 / 5, 1 / 5)
        assert (counted.tgt.question_share, counted.tgt.exclamation_share) == (1 / 5, 2 / 5)

    def test_a_word_is_counted_once_a_sentence_and_not_again_in_the_same_sentence(self, tmp_path, small_lexicon):
        rows = [("la la la", f"one {n}") for n in range(9)] + [(f"la casa {n}", "two") for n in range(OFTEN - 2)]
        covered = count(write(tmp_path / "a.tsv", tsv(rows))).src.commonest
        assert covered is not None
        assert covered.n_often == 0
        assert covered.rare == ("la",)  # in 1 + 3 different sentences
        rows.append(("la otra", "three"))
        covered = count(write(tmp_path / "a.tsv", tsv(rows))).src.commonest
        assert covered is not None
        assert (covered.n_often, covered.rare) == (1, ())

    @given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=30))
    def test_quartiles_and_histogram_are_those_of_the_sorted_lengths(self, lengths):
        told = statistics_room._lengths(Counter(lengths))
        assert told.mean == pytest.approx(sum(lengths) / len(lengths))
        assert told.longest == max(lengths)
        for share, quartile in zip((0.25, 0.5, 0.75), told.quartiles, strict=True):
            assert sum(length <= quartile for length in lengths) >= share * len(lengths)
            assert sum(length < quartile for length in lengths) < share * len(lengths)
        for label, n in told.histogram.items():
            first, _, last = label.rstrip("+").partition("-")
            least, most = int(first), 99 if label.endswith("+") else int(last or first)
            assert n == sum(least <= length <= most for length in lengths)
        assert sum(told.histogram.values()) == len(lengths)

    def test_turning_the_direction_turns_the_sides_and_changes_nothing_else(self, tmp_path, small_lexicon):
        path = write(tmp_path / "pairs.tsv", tsv(both(PAIRS)))
        there, back = count(path), count(path, direction="en-es")
        assert back == replace(
            there,
            direction="en-es",
            src=there.tgt,
            tgt=there.src,
            themes=tuple(
                replace(theme, src_mean_length=theme.tgt_mean_length, tgt_mean_length=theme.src_mean_length)
                for theme in there.themes
            ),
        )

    def test_the_parts_are_those_of_a_training(self, small_lexicon):
        source = Path(builtin_corpus()[0])
        settings = {"dev_share": 0.2, "test_share": 0.1, "max_words": 9}
        config = config_from({"data": {"sources": [str(source)], **settings}})
        parts = load_parts(config.data, Direction.parse(config.direction), lambda _: None)
        assert count(source, **settings).parts == parts.report
        assert min(parts.report.n_dev, parts.report.n_test, parts.report.n_long) > 0

    def test_a_given_dev_part_counts_in_the_parts_alone(self, corpus, tmp_path):
        dev = write(tmp_path / "dev.tsv", tsv([("La niña no está en la casa.", "No."), ("¿Cuándo?", "When?")]))
        without, with_dev = count(corpus, dev_share=0.0, test_share=0.0), count(corpus, dev=str(dev))
        assert replace(with_dev, parts=without.parts) == without
        assert (with_dev.parts.n_dev, with_dev.parts.n_leaks, with_dev.parts.n_train) == (2, 2, 2)


class TestThemes:
    def test_each_file_of_a_folder_is_a_theme(self, tmp_path, small_lexicon):
        write(tmp_path / "b.tsv", tsv([("¿Qué?", "What?"), ("La casa de mi tío.", "My uncle's house.")]))
        write(tmp_path / "a.tsv", tsv([("Sí.", "Yes.")]))
        a, b = count(tmp_path).themes
        assert (a.name, a.n_pairs, a.question_share, a.src_mean_length, a.tgt_mean_length) == ("a", 1, 0, 1, 1)
        assert (b.name, b.n_pairs, b.question_share, b.src_mean_length, b.tgt_mean_length) == ("b", 2, 0.5, 3, 2)

    def test_the_carried_corpus_has_a_theme_a_file_and_they_make_the_whole(self, small_lexicon, monkeypatch):
        sources = builtin_corpus()[:3]
        monkeypatch.setattr(statistics_room, "builtin_corpus", lambda: sources)
        counted, turned = count(), count(direction="en-es")
        assert (turned.src, turned.tgt) == (counted.tgt, counted.src)
        assert [theme.name for theme in counted.themes] == [Path(source).stem for source in sources]
        assert sum(theme.n_pairs for theme in counted.themes) == counted.n_pairs
        n_questions = sum(theme.n_pairs * theme.question_share for theme in counted.themes)
        assert n_questions / counted.n_pairs == pytest.approx(counted.src.question_share)
        for side, means in (
            (counted.src, [theme.src_mean_length for theme in counted.themes]),
            (counted.tgt, [theme.tgt_mean_length for theme in counted.themes]),
        ):
            n_words = sum(theme.n_pairs * mean for theme, mean in zip(counted.themes, means, strict=True))
            assert n_words == pytest.approx(side.n_words)

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, small_lexicon):
        with pytest.raises(DataError, match=r"none\.tsv"):
            count(tmp_path / "none.tsv")

    def test_the_carried_corpus_in_other_languages_is_refused(self, small_lexicon):
        with pytest.raises(DataError, match="has es-en, not fr-en; name pairs"):
            count(direction="fr-en")


class TestCommonestWords:
    @given(
        words=st.lists(st.text("abc", min_size=1), unique=True),
        counts=st.dictionaries(st.text("abc"), st.integers(1, 9)),
    )
    def test_each_word_is_often_rare_or_missing(self, words, counts):
        covered = cover(words, counts)
        assert covered.n_often == sum(counts.get(word, 0) >= OFTEN for word in words)
        assert list(covered.rare) == [word for word in words if 0 < counts.get(word, 0) < OFTEN]
        assert list(covered.missing) == [word for word in words if word not in counts]

    @pytest.mark.parametrize(("language", "letters"), [("es", set("aeoyu")), ("en", set("ai"))])
    def test_they_are_words(self, language, letters):
        words = commonest_words(language, 1000)
        assert len(words) == len(set(words)) == 1000
        assert {word for word in words if len(word) == 1} == letters
        assert all(split_words(word) == [word] and word == word.lower() for word in words)
        assert not any(character.isdigit() for word in words for character in word)
        assert commonest_words(language, 10) == words[:10]

    def test_a_language_without_a_list_is_told(self):
        with pytest.raises(DataError, match="no list of it"):
            commonest_words("xx", 10)

    def test_without_wordfreq_one_line_says_how_to_get_it_and_the_rest_is_counted(self, corpus, monkeypatch):
        whole = count(corpus)
        monkeypatch.setitem(sys.modules, "wordfreq", None)
        notes: list[str] = []
        counted = count(corpus, note=notes.append)
        assert [note for note in notes if "common" in note] == [
            "coverage of common words is left out: wordfreq is not installed; "
            "install it with pip install 'mtattn[coverage]'"
        ]
        src, tgt = replace(whole.src, commonest=None), replace(whole.tgt, commonest=None)
        assert counted == replace(whole, src=src, tgt=tgt)
        assert not any("commonest" in line for line in show(counted, in_full=True))


def covered(*sentences: str) -> LexiconCoverage:
    counter = FormCounter(lexicon())
    for sentence in sentences:
        counter.add(split_words(sentence.lower()))
    return counter.coverage(word for sentence in sentences for word in split_words(sentence.lower()))


def sentences_of(coverage: LexiconCoverage) -> dict[str, tuple[int, int]]:
    """Give the bounds by tense, those of unused tenses left out."""
    bounds = {use.tense: (use.sentences.at_least, use.sentences.at_most) for use in coverage.tenses}
    return {tense: bound for tense, bound in bounds.items() if bound != (0, 0)}


class TestForms:
    @pytest.mark.parametrize(
        ("sentence", "tenses"),
        [
            ("Hablo y hablas.", {"present": (1, 1)}),
            ("Habló.", {"preterite": (1, 1)}),
            ("Hablamos.", {"present": (0, 1), "preterite": (0, 1)}),
            ("Habla.", {"present": (0, 1), "imperative": (0, 1)}),
            ("Ella habla.", {"present": (1, 1)}),
            ("No, habla.", {"present": (0, 1), "imperative": (0, 1)}),
            ("Que hable.", {"present subjunctive": (1, 1)}),
            ("Hable.", {"present subjunctive": (0, 1), "imperative": (0, 1)}),
            ("Puede.", {"present": (1, 1)}),
            ("Dígame.", {"imperative": (1, 1)}),
            ("Quiero verlo.", {"infinitive": (1, 1)}),
            ("Diciéndoselo.", {"gerund": (1, 1)}),
            ("Si hablara.", {"imperfect subjunctive": (1, 1)}),
            ("Si hablase.", {"imperfect subjunctive": (1, 1)}),
            ("Si hablásemos.", {"imperfect subjunctive": (1, 1)}),
            ("Saldrá.", {"future": (1, 1)}),
            ("Saldría.", {"conditional": (1, 1)}),
            ("Decía.", {"imperfect": (1, 1)}),
            ("Hay pan.", {"present": (1, 1)}),
            ("Lo han visto.", {"present perfect": (1, 1)}),
            ("Había hablado.", {"pluperfect": (1, 1)}),
            ("Sin haberlo visto.", {"perfect infinitive": (1, 1)}),
            ("Había vistas.", {"imperfect": (1, 1), "participle": (0, 1)}),
            ("Las palabras habladas.", {"participle": (1, 1)}),
            ("Sal.", {"imperative": (0, 1)}),  # also salt
            ("Como pan.", {}),  # like bread, it may be
            ("El hable.", {}),
            ("Al salir.", {"infinitive": (1, 1)}),
        ],
    )
    def test_a_form_counts_for_the_tenses_that_it_can_be(self, sentence, tenses):
        assert sentences_of(covered(sentence)) == tenses

    def test_a_tense_counts_once_a_sentence_and_each_verb_once(self):
        coverage = covered("Hablo y comió.", "Hablo, digo y hablas.", "Comió.")
        uses = {use.tense: use for use in coverage.tenses}
        assert sentences_of(coverage) == {"present": (2, 2), "preterite": (2, 2)}
        assert (uses["present"].verbs.at_least, uses["present"].verbs.at_most) == (2, 2)
        assert (uses["preterite"].verbs.at_least, uses["preterite"].verbs.at_most) == (1, 1)

    def test_every_finite_form_counts_for_its_tense(self):
        names = dict(zip(FINITE, TENSES, strict=False))
        for tense in FINITE:
            ordered = [verb for verb in VERBS if tense != "imper" or verb.infinitive not in ("haber", "poder")]
            forms = [verb.form(tense, person) for verb in ordered for person in range(tense == "imper", 6)]
            forms = [form for form in forms if form != "como"]
            assert sentences_of(covered(*forms))[names[tense]][1] == len(forms)

    def test_no_lower_bound_exceeds_its_upper_one(self):
        sentences = [line for source in builtin_corpus()[:3] for line in Path(source).read_text("utf-8").splitlines()]
        coverage = covered(*sentences)
        for use in coverage.tenses:
            assert use.sentences.at_least <= use.sentences.at_most <= len(sentences)
            assert use.verbs.at_least <= use.verbs.at_most <= len(VERBS)
        assert [use.tense for use in coverage.tenses] == list(TENSES)

    def test_a_word_of_the_lexicon_occurs_in_any_form(self):
        verbs, nouns, adjectives = covered("Había hablado con panes mejores: mejor en parís.", "Dilo.").lemmas
        assert (verbs.kind, verbs.n_lemmas, verbs.missing) == ("verbs", 7, ("comer", "poder", "salir", "ver"))
        assert (nouns.kind, nouns.n_lemmas, nouns.missing) == ("nouns", 3, ("sal",))
        assert (adjectives.kind, adjectives.n_lemmas, adjectives.missing) == ("adjectives", 2, ("feliz",))

    def test_the_carried_lexicon_is_found_in_what_its_grammar_writes(self):
        grammar = load_grammar()
        counter = FormCounter(grammar.lexicon)
        n, vocabulary = 2_000, set()
        for aligned in grammar.generate(n, seed=1):
            words = split_words(aligned.pair.src.lower())
            counter.add(words)
            vocabulary |= set(words)
        coverage = counter.coverage(vocabulary)
        verbs, nouns, adjectives = coverage.lemmas
        counts = grammar.counts()
        assert (nouns.n_lemmas, adjectives.n_lemmas) == (counts["nouns"], counts["adjectives"])
        assert all(len(lemmas.missing) < lemmas.n_lemmas / 2 for lemmas in (verbs, nouns, adjectives))
        assert sum(use.sentences.at_least for use in coverage.tenses) > n / 2

    @pytest.mark.parametrize(("direction", "language"), [("es-en", "es"), ("en-es", "es"), ("fr-en", None)])
    def test_they_are_looked_for_in_their_own_language(self, tmp_path, small_lexicon, direction, language):
        path = write(tmp_path / "pairs.tsv", tsv([("src", "tgt"), ("Hablo", "Salgo")]))
        counted = count(path, direction=direction).lexicon
        assert (counted.language if counted else None) == language
        if counted:
            used = {lemma.kind: lemma.missing for lemma in counted.lemmas}["verbs"]
            assert ("hablar" in used, "salir" in used) == ((False, True) if direction == "es-en" else (True, False))


class TestView:
    def test_lines_fit_80_columns_and_hold_no_control_characters(self, tmp_path, small_lexicon):
        for name in ("a\x1b[31m" + "long " * 20 + ".tsv", "表" * 40 + ".tsv"):
            write(tmp_path / name, tsv([("¿Qué?", "What?"), ("palabra " * 50, "word " * 50)]))
        from rich.cells import cell_len

        counted = count(tmp_path)
        for in_full in (False, True):
            lines = list(show(counted, in_full=in_full))
            assert max(map(cell_len, lines)) <= 80
            assert not any(character < " " for line in lines for character in line)

    def test_a_dozen_words_are_named_or_all(self, corpus):
        missing = count(corpus).src.commonest.missing
        assert len(missing) > 12
        few, many = (" ".join(show(count(corpus), in_full=in_full)) for in_full in (False, True))
        flat = " ".join(many.split())
        assert f"missing in es: {', '.join(missing)} " in flat
        assert f"missing in es: {', '.join(missing[:12])} … and {len(missing) - 12} more" in " ".join(few.split())

    def test_one_file_has_no_table_of_themes(self, corpus):
        assert not any(line.startswith("theme") for line in show(count(corpus), in_full=False))


class TestCommand:
    def run(self, *arguments: object, status: int = 0) -> CliRunner:
        result = CliRunner().invoke(app, ["data", "stats", *map(str, arguments)])
        assert result.exit_code == status, result.stderr
        return result

    def test_json_and_lines_tell_the_same(self, corpus):
        told = json.loads(self.run(corpus, "--json", "--commonest", 30).stdout)
        assert told == json.loads(json.dumps(asdict(count(corpus))))
        lines = self.run(corpus, "--commonest", 30).stdout.splitlines()
        assert lines == list(show(count(corpus), in_full=False))

    def test_notes_go_to_stderr(self, corpus):
        result = self.run(corpus)
        assert "5 pairs" in result.stderr
        assert str(corpus) not in result.stdout

    def test_columns_and_direction_can_be_set(self, tmp_path, small_lexicon):
        path = write(tmp_path / "pairs.tsv", tsv([("x", "one two", "uno")]))
        settings = ("--set", "data.src_column=3", "--set", "data.tgt_column=2", "--direction", "es-en", "--json")
        told = json.loads(self.run(path, *settings).stdout)
        assert (told["src"]["n_words"], told["tgt"]["n_words"]) == (1, 2)

    def test_what_cannot_be_counted_is_told(self, tmp_path, small_lexicon):
        assert "none.tsv" in self.run(tmp_path / "none.tsv", status=1).stderr
        assert "has es-en, not de-en" in self.run("--direction", "de-en", status=1).stderr
        self.run("--commonest", 0, status=2)
