"""Checks of a corpus: a planted fault is found in its place, and nothing else is."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from corpus_files import EN_ES, ES_EN, TURNED, both, tsv, write, write_as
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from mtattn.cli import app
from mtattn.corpus.builtin import builtin_corpus
from mtattn.corpus.checks import ERRORS, WARNINGS, CheckReport, Finding, check_corpus
from mtattn.corpus.checks.pairs import swapped
from mtattn.corpus.checks.sentences import encoding_fault, unbalanced, unpaired_marks
from mtattn.corpus.languages import INVERTED_MARKS, foreign_language, guess_language, language_evidence
from mtattn.corpus.pairs import Direction, Pair
from mtattn.corpus.readers import ReadReport, read_pairs
from mtattn.errors import DataError
from mtattn.text import without_controls

MARKS = INVERTED_MARKS["es"]

# Right, though each comes near some fault.
CLEAN = [
    ("Sí.", "That's right, it is."),
    ("¿Otra vez!?", "Again?!"),
    ('Canta "Let it be" y "If I were you" como nadie.', 'She sings "Let it be" and "If I were you" like nobody.'),
    (
        "Cantaron «Who are you» tres tenores barbudos, cuatro sopranos descalzas, ocho barítonos jubilados.",
        "Three bearded tenors, four barefoot sopranos and eight retired baritones sang “Who are you”.",
    ),
    ("¿Qué es lo que quiere la niña?", "What does the girl want?"),
    ("¿Le dijiste «¡no!» a tu jefe? ¡Bien hecho!", "Did you say “no!” to your boss? Well done!"),
    ("No.", "No."),
    ("Juan García López", "Juan García López"),
    ("Juan de la Cruz", "Juan de la Cruz"),
    ("Juan García López, 12", "Juan García López, 12"),
    ("Bea, Ana y yo.", "Bea, Ana, and me."),
    ('Me gusta "The Lord of the Rings".', 'I like "The Lord of the Rings".'),
    ("Mide 5'11\" (descalzo) :-)", "He's 5'11\" tall (barefoot) :-)"),
    ("a) Llámame a las 10:30, ¿vale?", "a) Call me at 10:30, OK?"),
    ("¡¿Cómo?! ¿Qué es esto???", "What?! What is this???"),
    ("El café de R&D cuesta 3 €; ¡qué caro!", "The coffee at R&D costs €3; how expensive!"),
    ("Dice que viene (?) mañana.", "He says he's coming (?) tomorrow."),
    ("La LETRA «Ñ» y MI MAMÁ…", "The LETTER “Ñ” and MY MOM…"),
    ("Vive en https://example.org/?a=b desde ayer.", "He has lived at https://example.org/?a=b since yesterday."),
    ("Soy Ana.", "I'm Ana."),
    ("Soy Eva.", "I'm Eva."),
    ("Soy Luz.", "I'm Luz."),
    ("Soy Sol.", "I'm Sol."),
    ("El perro duerme aquí.", "The dog sleeps here."),
    ("El perro duerme aquí.", "The dog is sleeping here."),
    ("El perro duerme aquí.", "Here sleeps the dog."),
    ("El gato duerme aquí.", "The cat sleeps here."),
]

PLANTED = [
    ("broken", "Sin traducción", "there is no column 2, only 1"),
    ("broken", "Uno\0\tOne", "NUL"),
    ("blank", "Hola a todos.\t ", "the target is blank"),
    ("blank", "\tHello everybody.", "the source is blank"),
    ("duplicate", "Sí.\tThat's  right, it is.", "x.tsv:1: “Sí.”"),
    ("encoding", "La niÃ±a duerme.\tThe girl is asleep.", "Ã± is UTF-8 read as"),
    ("encoding", "Â¿Duerme la abuela?\tIs Grandma asleep?", "Â¿ is UTF-8 read as"),
    ("encoding", "La ni\ufffda duerme.\tThe girl is asleep.", "source: U+FFFD"),
    ("encoding", "La nin\u0303a duerme.\tThe girl is asleep.", "source: it is not in Unicode NFC"),
    ("encoding", "Sal y pimienta.\tSalt &amp; pepper.", "target: &amp; is an HTML entity"),
    ("encoding", "Su casa.\tTom&#39;s house.", "&#39; is an HTML entity"),
    ("encoding", "Su casa.\tTom's\x07 house.", "U+0007 is a control"),
    ("encoding", "Su casa.\tTom's\u200b house.", "U+200B is a control or an invisible"),
    ("copied", "Es la casa de Tomás.\tEs la casa de Tomás.", "the target is the source"),
    ("swapped", "Where is the cat?\t¿Dónde está el gato?", "the source looks like en, the target like es"),
    ("language", "¿Qué hacemos ahora?\tWas machen wir jetzt mit dem Hund und der Katze?", "looks like de, not en"),
    ("language", "What do you want to do?\tWhat would you like to do?", "the source looks like en, not es"),
    ("language", "What is it that you want from us?\tTell us.", "the source looks like en, not es"),
    ("length", "Sí, señor.\tYes, sir, and when I come home I will tell you all about it.", "10 characters against 60"),
    ("marks", "Está bien. Vienes o no?\tAll right. Are you coming or not?", "? without ¿ before it"),
    ("marks", "¿Vienes? No, gracias. Seguro?\tAre you coming? No, thanks. Sure?", "? without ¿ before it"),
    ("marks", "¿No sabes lo que dices.\tYou don't know what you are saying.", "¿ without ? after it"),
    ("marks", "Dijo «qué bien!».\tShe said “how nice!”.", "! without ¡ before it"),
    ("unbalanced", 'Dijo "no y se fue.\tHe said no and left.', "source: an odd number of straight quotation"),
    ("unbalanced", "Se fue (ayer.\tHe left yesterday.", "source: ( is never closed"),
    ("unbalanced", "Se irá pronto.\tHe will leave soon].", "target: ] was never opened"),
    ("space", "Se fue  ayer.\tHe left yesterday.", "source: white space twice in a row"),
    ("space", "Se marchó.\tHe went away. ", "target: white space at the end"),
    ("space", "Se ha ido.\tHe is gone .", "target: white space before a comma or a full stop"),
    ("space", "", "the row is blank"),
    ("repeated", "El perro duerme aquí.\tThis is where the dog sleeps.", "pair 4 with the same source"),
]


def check(*sources: object, direction: Direction = ES_EN, **options: object) -> list[Finding]:
    report = CheckReport()
    findings = list(check_corpus(list(map(str, sources)), direction, note=lambda text: None, report=report, **options))
    assert report.counts.total() == len(findings) == report.n_errors + report.n_warnings
    return findings


def corpus(path: Path, *planted: str, rows: Iterable[tuple[str, ...]] = CLEAN) -> Path:
    return write(path, tsv(rows) + "".join(line + "\n" for line in planted))


def mtattn(*arguments: object, status: int) -> Result:
    result = CliRunner().invoke(app, ["data", "check", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result


class TestFaults:
    def test_nothing_is_found_in_a_clean_corpus(self, tmp_path):
        assert check(corpus(tmp_path / "x.tsv")) == []
        turned = [row[::-1] for row in CLEAN]
        assert check(corpus(tmp_path / "y.tsv", rows=turned), direction=EN_ES) == []

    @pytest.mark.parametrize(("kind", "line", "what"), PLANTED, ids=[f"{kind}-{what}" for kind, _, what in PLANTED])
    def test_a_planted_fault_is_found_in_its_place_and_nothing_else(self, tmp_path, kind, line, what):
        path = corpus(tmp_path / "x.tsv", line, "Y ya está.\tAnd that's it.")
        (finding,) = check(path)
        assert (finding.place, finding.kind) == (f"{path}:{len(CLEAN) + 1}", kind)
        assert what in finding.what

    def test_every_kind_of_fault_is_planted_here(self):
        elsewhere = {"leak", "near-copy"}
        assert {kind for kind, _, _ in PLANTED} | elsewhere == {*ERRORS, *WARNINGS}

    def test_many_planted_faults_are_found_each_in_its_place(self, tmp_path):
        path = corpus(tmp_path / "x.tsv", *(line for _, line, _ in PLANTED))
        found = [(finding.place, finding.kind) for finding in check(path)]
        assert found == [(f"{path}:{len(CLEAN) + n}", kind) for n, (kind, _, _) in enumerate(PLANTED, 1)]

    def test_an_error_of_a_row_is_told_without_what_follows_from_it(self, tmp_path):
        path = corpus(tmp_path / "x.tsv", "Â¿Duerme (la abuela.\tIs Grandma asleep?")
        assert [finding.kind for finding in check(path)] == ["encoding"]

    def test_near_copies_are_found_at_the_fourth_of_them(self, tmp_path):
        rows = [f"Quiero un kilo de {fruit}.\tI want a kilo of {fruit}" for fruit in ("2,5", "peras", "UVAS", "limas")]
        path = corpus(tmp_path / "x.tsv", *rows[:3], rows[0].replace("Quiero", "¡quiero") + "!", "Ya.\tDone.")
        assert [finding.kind for finding in check(path)] == ["marks"]
        path = corpus(tmp_path / "x.tsv", *rows, "Quiero un litro de leche.\tI want a liter of milk.")
        (finding,) = check(path)
        assert (finding.place, finding.kind) == (f"{path}:{len(CLEAN) + 4}", "near-copy")
        assert all(f"{path}:{len(CLEAN) + n}" in finding.what for n in (1, 2, 3))

    def test_duplicates_and_repeats_are_found_across_sources(self, tmp_path):
        a = corpus(tmp_path / "a.tsv")
        b = corpus(tmp_path / "b.tsv", rows=[CLEAN[0], ("El perro duerme aquí.", "This is where it sleeps.")])
        assert [(finding.place, finding.kind) for finding in check(a, b)] == [
            (f"{b}:1", "duplicate"),
            (f"{b}:2", "repeated"),
        ]
        assert f"{a}:1" in check(a, b)[0].what
        assert [finding.kind for finding in check(a, a)] == ["duplicate"] * len(CLEAN)

    def test_what_is_shown_has_no_control_character(self, tmp_path):
        (finding,) = check(corpus(tmp_path / "x.tsv", "Su casa.\tTom's\x1b[31m house."))
        assert "\x1b" in finding.what
        assert str(finding).isprintable()


class TestFiles:
    def test_a_file_in_the_wrong_direction_is_one_finding(self, tmp_path):
        path = write_as(tmp_path, ".tsv", CLEAN[:10], ("en", "es"))
        (finding,) = check(path)
        assert (finding.place, finding.kind) == (str(path), "swapped")
        assert check(write_as(tmp_path, ".tsv", CLEAN[:10], ("es", "en"))) == []

    def test_columns_whose_words_tell_their_language_are_no_fault(self, tmp_path):
        assert check(corpus(tmp_path / "x.tsv", rows=both(TURNED))) == []
        (finding,) = check(tmp_path / "x.tsv", columns=("1", "2"))
        assert finding.kind == "swapped"

    def test_a_file_in_another_language_is_one_finding(self, tmp_path):
        german = "Ich weiß nicht, was das ist und warum wir es mit dir machen."
        path = corpus(tmp_path / "x.tsv", rows=[(pair.tgt, f"{n} {german}") for n, pair in enumerate(TURNED)])
        assert [(finding.place, finding.kind) for finding in check(path) if finding.kind != "length"] == [
            (str(path), "language")
        ]
        assert "the targets look like de, not en" in check(path)[0].what

    @pytest.mark.parametrize("ending", [".tsv", ".csv", ".jsonl", ".parquet"])
    def test_every_format_is_checked(self, tmp_path, ending):
        rows = [*CLEAN[:6], ("La niÃ±a duerme.", "The girl is asleep."), CLEAN[0]]
        path = write_as(tmp_path, ending, rows, ("es", "en"))
        first = {".jsonl": f"{path}:", ".parquet": f"{path}: row "}.get(ending, f"{path}:")
        n_header = 1 if ending in {".tsv", ".csv"} else 0
        found = [(finding.place, finding.kind) for finding in check(path)]
        assert found == [(f"{first}{7 + n_header}", "encoding"), (f"{first}{8 + n_header}", "duplicate")]

    def test_a_moses_pair_and_a_folder_are_checked(self, tmp_path):
        rows = [*CLEAN[:6], ("", "Nothing."), CLEAN[0]]
        es, en = (
            write(tmp_path / f"m.{code}", "\n".join(side))
            for code, side in zip(("es", "en"), zip(*rows, strict=True), strict=True)
        )
        assert [(finding.place, finding.kind) for finding in check(f"{es},{en}")] == [
            (f"{es}:7", "blank"),
            (f"{es}:8", "duplicate"),
        ]
        corpus(tmp_path / "a.tsv", rows=rows)
        assert [finding.place for finding in check(tmp_path)] == [f"{tmp_path}/a.tsv:{n}" for n in (7, 8)]

    @pytest.mark.parametrize("content", ["es\ten\n", "\n\n"])
    def test_a_file_with_no_pair_is_a_fault(self, tmp_path, content):
        empty = write(tmp_path / "x.tsv", content)
        assert (check(empty)[0].place, check(empty)[0].kind) == (str(empty), "blank")
        path = corpus(tmp_path / "y.tsv")
        assert [(finding.place, finding.kind) for finding in check(path, dev=str(empty))] == [(str(empty), "blank")]

    def test_the_carried_corpus_has_its_own_languages_alone(self):
        with pytest.raises(DataError, match="the corpus that mtattn carries has es-en, not fr-de"):
            check(direction=Direction("fr", "de"))


class TestLeaks:
    @pytest.mark.parametrize("part", ["dev", "test"])
    @pytest.mark.parametrize(
        ("row", "side"), [(("el PERRO duerme aquí", "x"), "source"), (("x", "i'm EVA!"), "target")]
    )
    def test_a_sentence_of_a_held_out_part_is_found(self, tmp_path, part, row, side):
        held_out = corpus(tmp_path / "held.tsv", rows=[("Otra frase.", "Another sentence."), row])
        path = corpus(tmp_path / "x.tsv")
        expected = [n for n, pair in enumerate(CLEAN, 1) if row[0].lower()[:14] in pair[0].lower() and side == "source"]
        expected += [n for n, pair in enumerate(CLEAN, 1) if pair[1] == "I'm Eva." and side == "target"]
        findings = check(path, **{part: str(held_out)})
        assert [(finding.place, finding.kind) for finding in findings] == [(f"{path}:{n}", "leak") for n in expected]
        assert all(f"in {part} too, its {side} at {held_out}:2" in finding.what for finding in findings)

    def test_dev_must_not_stand_in_test(self, tmp_path):
        dev = corpus(tmp_path / "dev.tsv", rows=[("Nada.", "Nothing."), ("Uno más.", "One more.")])
        test = corpus(tmp_path / "test.tsv", rows=[("¡Uno más!", "Yet another.")])
        assert [str(finding) for finding in check(corpus(tmp_path / "x.tsv"), dev=str(dev), test=str(test))] == [
            f"{dev}:2: leak: stands in test too, its source at {test}:1: “Uno más.”"
        ]
        assert check(tmp_path / "x.tsv", dev=str(dev)) == []

    def test_a_source_sentence_may_be_a_target_elsewhere(self, tmp_path):
        dev = corpus(tmp_path / "dev.tsv", rows=[("I'm Eva.", "Soy Eva.")])
        assert check(corpus(tmp_path / "x.tsv"), dev=str(dev), columns=("1", "2")) == []


class TestSentences:
    @pytest.mark.parametrize("letter", "áéíóúñüÁÉÍÓÚÑÜ¿¡ºª«»çãõàèìòùâêîôûäößÇ")
    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
    def test_letters_in_a_wrong_encoding_are_found(self, letter, encoding):
        wrong = "".join(
            bytes([byte]).decode(encoding, errors="ignore") or chr(byte) for byte in f"así a{letter}o".encode()
        )
        assert encoding_fault(wrong)
        assert encoding_fault(f"El a{letter}o {letter} «{letter}» IRMÃ… {letter}.") == ""

    @pytest.mark.parametrize("text", ["“no”", "…", "—sí", "€", "Привет", "καλά", "😀"])
    def test_other_signs_in_a_wrong_encoding_are_found(self, text):
        wrong = "".join(bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in text.encode())
        assert encoding_fault(wrong)
        assert encoding_fault(text) == ""

    @given(
        st.recursive(
            st.just("ya"),
            lambda inner: st.tuples(
                st.sampled_from(["¿{}?", "¡{}!", "¿¡{}!?", "¿{}?!", "¡¡{}!!", '"{}"', "{}, {}.", "({})"]), inner, inner
            ).map(lambda made: made[0].format(*made[1:])),
        )
    )
    def test_marks_that_were_written_in_pairs_are_paired(self, text):
        assert unpaired_marks(text, MARKS) == ""

    @given(st.lists(st.sampled_from(["¿Sí?", "¡No!", "Ya.", "¿Eh?"]), min_size=1), st.data())
    def test_a_lost_mark_is_missed(self, sentences, data):
        text = " ".join(sentences)
        places = [i for i, mark in enumerate(text) if mark in "¿?¡!"]
        if places:
            i = data.draw(st.sampled_from(places))
            assert unpaired_marks(text[:i] + text[i + 1 :], MARKS)

    def test_a_language_without_inverted_marks_is_not_asked_for_them(self, tmp_path):
        rows = [("Wo ist das Buch, und wer hat es?", "Où est le livre, et qui est là ?"), ("Ach so!", "Ah bon !")]
        assert check(corpus(tmp_path / "x.tsv", rows=rows), direction=Direction("de", "fr")) == []

    @pytest.mark.parametrize("text", ["„Ja“, sagte er.", "”Ja”, sa han.", "(a [b] c)", "1) uno 2) dos", "d'accord"])
    def test_the_quotes_and_brackets_of_many_languages_are_balanced(self, text):
        assert unbalanced(text) == ""

    @pytest.mark.parametrize("text", ["(a]", ")a(", "“ja", "«ja", "((a)"])
    def test_what_is_crossed_or_lacks_its_partner_is_unbalanced(self, text):
        assert unbalanced(text)


class TestLanguages:
    def test_of_the_carried_pairs_none_seems_swapped_and_nearly_all_do_once_they_are(self):
        pairs = [pair for source in builtin_corpus() for pair in read_pairs(source, ES_EN, report=ReadReport(source))]
        assert not [pair for pair in pairs if swapped(pair, ES_EN)]
        assert sum(bool(swapped(Pair(pair.tgt, pair.src), ES_EN)) for pair in pairs) > 0.85 * len(pairs)
        assert sum(foreign_language(pair.tgt, "es") == "en" for pair in pairs) > 0.5 * len(pairs)

    def test_a_language_that_is_not_known_is_never_taken_for_another(self, tmp_path):
        catalan = "El gat de la meva germana no és a casa i no em diu què es fa si la porta es tanca."
        assert guess_language([catalan])
        assert foreign_language(catalan, "ca") is None
        path = corpus(
            tmp_path / "x.tsv", rows=[(catalan, "The cat is not at home, and I do not know what to do with it.")]
        )
        assert check(path, direction=Direction("ca", "en"), columns=("1", "2")) == []
        assert language_evidence(catalan, "es", against="ca") == 0


class TestCommand:
    def test_a_clean_corpus_exits_with_0(self, tmp_path):
        result = mtattn(corpus(tmp_path / "x.tsv"), "--strict", status=0)
        assert result.stdout == f"rows: {len(CLEAN)}, files: 1, errors: 0, warnings: 0\n"
        assert result.stderr.startswith(f"{tmp_path}/x.tsv: columns 1 (es) and 2 (en)")

    def test_errors_exit_with_1(self, tmp_path):
        path = corpus(tmp_path / "x.tsv", "Sin traducción")
        assert mtattn(path, status=1).stdout == (
            f"{path}:{len(CLEAN) + 1}: broken: there is no column 2, only 1\n"
            f"rows: {len(CLEAN) + 1}, files: 1, errors: 1, warnings: 0\n"
            "  broken (error): 1\n"
        )

    def test_warnings_exit_with_1_only_where_they_count(self, tmp_path):
        path = corpus(tmp_path / "x.tsv", "Se fue  ayer.\tHe left yesterday.")
        assert mtattn(path, status=0).stdout == mtattn(path, "--strict", status=1).stdout

    def test_a_source_that_cannot_be_read_and_wrong_usage_are_told(self, tmp_path):
        assert "no-such.tsv: there is no such file" in mtattn(tmp_path / "no-such.tsv", status=1).stderr
        assert "both or neither" in mtattn(corpus(tmp_path / "x.tsv"), "--src-column", "1", status=2).stderr
        assert "not a direction" in mtattn(tmp_path / "x.tsv", "--direction", "es", status=1).stderr

    def test_so_many_of_a_kind_are_shown_and_the_rest_counted(self, tmp_path):
        path = corpus(tmp_path / "x.tsv", *["Sin traducción"] * 5, "\tNothing.")
        lines = mtattn(path, "--most", 2, status=1).stdout.splitlines()
        assert [line.split(": ")[1] for line in lines[:3]] == ["broken", "broken", "blank"]
        assert lines[4:] == ["  broken (error): 5, 3 of them not shown", "  blank (error): 1"]

    def test_json_says_the_same(self, tmp_path):
        path = corpus(tmp_path / "x.tsv", "Sin traducción", "Se fue  ayer.\tHe left\x07 yesterday.", " Ya.\tThere.")
        text = mtattn(path, status=1).stdout.splitlines()
        *findings, totals = map(json.loads, mtattn(path, "--json", status=1).stdout.splitlines())
        shown = [f"{found['place']}: {found['kind']}: {found['what']}" for found in findings]
        assert [without_controls(line) for line in shown] == text[:3]
        assert [found["level"] for found in findings] == ["error", "error", "warning"]
        counts = {"broken": 1, "encoding": 1, "space": 1}
        assert totals == {"rows": len(CLEAN) + 3, "files": 1, "errors": 2, "warnings": 1, "kinds": counts}

    def test_columns_can_be_named(self, tmp_path):
        path = corpus(
            tmp_path / "x.tsv", rows=[("n", "b", "a"), *((str(n), tgt, src) for n, (src, tgt) in enumerate(CLEAN))]
        )
        mtattn(path, "--src-column", "a", "--tgt-column", "b", "--strict", status=0)
        mtattn(path, "--src-column", 2, "--tgt-column", 3, status=1)

    def test_the_carried_corpus_is_checked_where_none_is_named(self):
        result = mtattn("--most", 0, status=0)
        assert f", files: {len(builtin_corpus())}, errors: 0, " in result.stdout
        assert result.stderr == ""
