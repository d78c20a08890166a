"""`mtattn inspect-heads --why` and `--explain` as their users meet them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mtattn.cli import app
from mtattn.cli.inspect_heads.words import find_word
from mtattn.errors import InputError
from mtattn.run import RunFolder

SOURCE, TARGET = "La casa es grande.", "The house is the big house."


@pytest.fixture
def run(trained_run: RunFolder) -> Path:
    return trained_run.path


def inspect(run: Path, *options: object, text: str = SOURCE, status: int = 0) -> Result:
    arguments = ["inspect-heads", "--run", str(run), *map(str, options), text]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == status, result.stderr
    return result


class TestFindWord:
    WORDS = ("The", "house", "2", "the", "house", "</s>")

    def test_a_word_is_named_by_its_spelling_its_occurrence_or_its_place(self):
        for asked, index in (("The", 0), ("the", 3), ("house#1", 1), ("house#2", 4), ("1", 0), ("6", 5), ("</s>", 5)):
            assert find_word(self.WORDS, asked, "--why") == index

    def test_a_number_that_is_a_word_and_anothers_place_is_refused_until_it_is_clear(self):
        with pytest.raises(InputError, match="names 2 words, 2 and 3"):
            find_word(self.WORDS, "2", "--why")
        assert find_word(self.WORDS, "2#1", "--why") == 2
        assert find_word(("1", "a"), "1", "--why") == 0

    @pytest.mark.parametrize("asked", ["", " "])
    def test_no_word_at_all_is_told(self, asked):
        with pytest.raises(InputError, match=r"--why: no word is named; .*: 1 The, 2 house"):
            find_word(self.WORDS, asked, "--why")

    @pytest.mark.parametrize("asked", ["casa", "HOUSE", "0", "7", "house#0", "house#3", "#", "#1", "house#x", "-1"])
    def test_a_word_that_is_not_there_is_told_with_those_that_are(self, asked):
        with pytest.raises(InputError, match=r"no such word; .*: 1 The, 2 house, 3 2, 4 the, 5 house, 6 </s>"):
            find_word(self.WORDS, asked, "--why")

    def test_a_mark_is_a_word(self):
        assert find_word(("#", "a", "#"), "##2", "--why") == 2


class TestWhy:
    def test_a_given_output_is_asked_about_in_both_languages(self, run):
        english = inspect(run, "--target", TARGET, "--why", "big").stdout
        spanish = inspect(run, "--target", TARGET, "--why", 5, "--lang", "es").stdout
        assert "Why “big”, word 5" in english
        assert "¿Por qué «big», palabra 5" in spanish
        for word in ("La", "casa", "es", "grande", "</s>"):
            assert word in english
            assert word in spanish

    def test_the_models_own_output_is_asked_about_too(self, run):
        record = json.loads(inspect(run, "--json").stdout)
        word = json.loads(inspect(run, "--why", 1, "--json").stdout)
        assert word["word"] == record["words"]["cross"]["rows"][0]
        assert word["target"] == record["target"]
        heads = [head[0] for layer in record["words"]["cross"]["weights"] for head in layer]
        mean = [sum(weights) / 16 for weights in zip(*heads, strict=True)]
        assert word["attention"] == pytest.approx(mean, abs=1e-5)

    def test_a_head_can_be_named(self, run):
        options = ("--target", TARGET, "--why", "big", "--layer", 2, "--head", 5)
        assert "cross.2.5" in inspect(run, *options).stdout
        found = json.loads(inspect(run, *options, "--json").stdout)
        assert (found["layer"], found["head"], found["forced"]) == (2, 5, True)

    def test_words_that_are_not_clear_are_told(self, run):
        assert "names 2 words" in inspect(run, "--target", TARGET, "--why", "house", status=1).stderr
        assert "4 the" in inspect(run, "--target", TARGET, "--why", "casa", status=1).stderr
        assert json.loads(inspect(run, "--target", TARGET, "--why", "house#2", "--json").stdout)["position"] == 6

    def test_it_is_of_words_and_the_cross_attention(self, run):
        inspect(run, "--why", "big", "--subwords", status=2)
        inspect(run, "--why", "big", "--kind", "encoder", status=2)
        inspect(run, "--why", "big", "--explain", "big", status=2)


class TestExplain:
    @pytest.mark.parametrize(("kind", "asked"), [("cross", "big"), ("encoder", "grande"), ("decoder", "big")])
    def test_every_kind_is_explained_in_both_languages(self, run, kind, asked):
        options = ("--target", TARGET, "--explain", asked, "--kind", kind)
        english, spanish = (inspect(run, *options, "--lang", language).stdout for language in ("en", "es"))
        for shown in (english, spanish):
            assert f"{kind}." in shown
            assert "head_i W_i^O" in shown
            assert asked in shown
        assert "The query stands for" in english
        assert "La consulta («query») representa" in spanish

    def test_the_numbers_are_those_of_the_map(self, run):
        pieces = json.loads(inspect(run, "--target", TARGET, "--json").stdout)["pieces"]["cross"]
        row = json.loads(inspect(run, "--target", TARGET, "--explain", "</s>", "--json").stdout)
        _, layer, head = row["head"].split(".")
        assert row["weights"] == pytest.approx(pieces["weights"][int(layer) - 1][int(head) - 1][-1], abs=1e-5)
        assert row["n_considered"] == 16
        best = max(max(head[-1][:-1]) for layer in pieces["weights"] for head in layer)
        assert max(row["weights"][:-1]) == pytest.approx(best, abs=1e-5)

    def test_a_head_or_a_layer_can_be_named(self, run):
        options = ("--target", TARGET, "--explain", "big")
        assert "cross.2.5, as named" in inspect(run, *options, "--layer", 2, "--head", 5).stdout
        row = json.loads(inspect(run, *options, "--layer", 2, "--json").stdout)
        assert row["head"].startswith("cross.2.")
        assert row["n_considered"] == 8
        assert "1 to 8" in inspect(run, *options, "--head", 9, status=1).stderr

    def test_a_word_is_asked_about_by_a_piece_that_has_a_letter_of_it(self, run):
        row = json.loads(inspect(run, "--target", "Ω is big", "--explain", "Ω", "--json").stdout)
        assert row["word_pieces"][0] == "▁"
        assert row["row"] == row["word_pieces"][1]
        assert row["nth_piece"] == 2

    def test_with_subwords_each_piece_can_be_named(self, run):
        pieces = json.loads(inspect(run, "--target", TARGET, "--json").stdout)["pieces"]["cross"]["rows"]
        for place, piece in enumerate(pieces, 1):
            row = json.loads(inspect(run, "--target", TARGET, "--explain", place, "--subwords", "--json").stdout)
            assert row["row"] == piece


class TestBoth:
    @pytest.mark.parametrize("option", ["--why", "--explain"])
    def test_they_go_with_one_text(self, run, option):
        assert CliRunner().invoke(app, ["inspect-heads", "--run", str(run), option, "1", "a", "b"]).exit_code == 2
        assert CliRunner().invoke(app, ["inspect-heads", "--run", str(run), option, "1"], input="a\n").exit_code == 2

    def test_switched_heads_are_looked_at_as_they_are_switched(self, run):
        options = ("--target", TARGET, "--layer", 2, "--head", 5, "--json")
        row = json.loads(inspect(run, *options, "--explain", "big", "--uniform", "cross.2.5").stdout)
        assert row["weights"] == pytest.approx([1 / len(row["columns"])] * len(row["columns"]))
        word = json.loads(inspect(run, *options, "--why", "big", "--mute", "cross.2.5").stdout)
        assert set(word["norm"]) == {0}

    @pytest.mark.parametrize("option", ["--why", "--explain"])
    def test_text_that_must_be_split_is_refused(self, run, option):
        result = inspect(run, option, "1", text="No. " * 400, status=1)
        assert "give one of its sentences" in result.stderr

    def test_the_views_import_no_torch(self):
        code = (
            "import sys\nimport mtattn.cli.inspect_heads.wording\n"
            "sys.exit('imported torch' if 'torch' in sys.modules else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
