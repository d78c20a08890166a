"""The command line as its users meet it: what goes to stdout, what to stderr, and the exit status."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.run import MANIFEST, RunFolder

SOURCE = "¿Dónde está la estación?"


def mtattn(*arguments: object, stdin: str | bytes = "", status: int = 0) -> CliRunner:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == status, result.stderr
    return result


def process(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mtattn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=120, **options)


@pytest.fixture
def run(trained_run: RunFolder) -> Path:
    return trained_run.path


class TestTranslate:
    AWKWARD = (
        "Hola.\n\n   \n\u2028una línea\u2028con separadores\n\x1b[31mrojo\x1b[0m\x07\ttabulador\n"
        "termina con retorno\r\nuno\rdos\n😀 ▁ “comillas”\n\ufeffmarca\n" + "larga " * 600 + "\núltima sin fin de línea"
    )

    def test_as_many_lines_come_out_as_go_in_whatever_is_in_them(self, run):
        data = self.AWKWARD.encode() + b"\nbytes \xff\xfe rotos\n\x00nulo"
        done = process("translate", "--run", run, input=data)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.split(b"\n")
        assert lines.pop() == b""
        assert len(lines) == data.count(b"\n") + 1
        assert lines[0]
        assert not lines[1]
        assert not lines[2]
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stdout)
        assert b"no UTF-8 were replaced in 1 line (12)" in done.stderr
        assert b"split into" in done.stderr

    def test_arguments_file_and_standard_input_give_the_same(self, run, tmp_path):
        texts = ["Hola.", SOURCE]
        by_arguments = mtattn("translate", "--run", run, *texts).stdout
        source, target = tmp_path / "a.es", tmp_path / "a.en"
        source.write_text("\n".join(texts))
        assert mtattn("translate", "--run", run, stdin="\n".join(texts)).stdout == by_arguments
        assert mtattn("translate", "--run", run, "--input", source).stdout == by_arguments
        assert mtattn("translate", "--run", run, "--input", source, "--output", target).stdout == ""
        assert target.read_text() == by_arguments

    def test_composed_and_decomposed_text_give_the_same(self, run):
        composed, decomposed = (unicodedata.normalize(form, SOURCE) for form in ("NFC", "NFD"))
        assert composed != decomposed
        for command in ("translate", "inspect-heads"):
            shown = [mtattn(command, "--run", run, text).stdout for text in (composed, decomposed)]
            assert shown[0] == shown[1]

    def test_an_output_folder_that_is_not_there_is_told_before_the_work(self, run, tmp_path):
        result = mtattn("translate", "--run", run, "--output", tmp_path / "no" / "a.en", "Hola.", status=1)
        assert "no such folder" in result.stderr

    def test_json_has_what_the_text_output_has(self, run):
        plain = mtattn("translate", "--run", run, "--n-best", 3, stdin=f"Hola.\n\n{SOURCE}\n").stdout
        as_json = mtattn("translate", "--run", run, "--n-best", 3, "--json", stdin=f"Hola.\n\n{SOURCE}\n").stdout
        objects = [json.loads(line) for line in as_json.splitlines()]
        assert [one["source"] for one in objects] == ["Hola.", "", SOURCE]
        rows = [
            f"{n}\t{translation['score']:.4f}\t{translation['text']}"
            for n, one in enumerate(objects, 1)
            for translation in one["translations"]
        ]
        assert rows == plain.splitlines()
        assert len(objects[0]["translations"]) == 3

    def test_n_best_beyond_the_beam_is_wrong_usage(self, run):
        mtattn("translate", "--run", run, "--beam", 2, "--n-best", 3, "Hola.", status=2)

    def test_a_missing_input_file_is_named(self, run, tmp_path):
        result = mtattn("translate", "--run", run, "--input", tmp_path / "none.txt", status=1)
        assert "none.txt" in result.stderr
        assert result.stdout == ""

    @pytest.mark.parametrize("command", ["translate --beam 1", "inspect-heads --beam 1"])
    def test_a_reader_that_has_enough_is_no_error(self, run, tmp_path, command):
        many = tmp_path / "many.txt"
        many.write_text("Hola.\n" * 1500)
        pipe = f"{sys.executable} -m mtattn {command} --run {run} < {many} | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", pipe], capture_output=True, check=True, timeout=120)
        assert done.stdout.split(b"\n")[1] == b"0"
        assert done.stderr == b""


class TestInspectHeads:
    def test_the_map_names_the_words_and_what_was_averaged(self, run):
        shown = mtattn("inspect-heads", "--run", run, "--target", "Where is it?", "Hola, perro.").stdout
        for label in ("Hola", ",", "perro", "Where", "is", "it", "</s>", "mean of all 2 × 8 heads of cross"):
            assert label in shown

    def test_one_head_is_named_as_it_is_typed(self, run):
        assert "cross.2.5" in mtattn("inspect-heads", "--run", run, "--layer", 2, "--head", 5, "Hola.").stdout

    def test_a_head_that_is_not_there_is_told_with_those_that_are(self, run):
        result = mtattn("inspect-heads", "--run", run, "--head", 9, "Hola.", status=1)
        assert "1 to 8" in result.stderr

    @pytest.mark.parametrize("kind", ["cross", "encoder", "decoder"])
    @pytest.mark.parametrize("subwords", [[], ["--subwords"]])
    def test_every_kind_is_shown_between_words_and_pieces(self, run, kind, subwords):
        shown = mtattn("inspect-heads", "--run", run, "--kind", kind, *subwords, "Hola, perro.").stdout
        assert f"heads of {kind}" in shown

    def test_json_has_every_layer_head_and_label(self, run):
        lines = mtattn("inspect-heads", "--run", run, "--json", stdin=f"{SOURCE}\n\nHola.\n").stdout.split("\n")
        record = json.loads(lines[0])
        assert lines[1] == lines[3] == ""
        assert record["source"] == SOURCE
        for unit in ("words", "pieces"):
            for kind, layers in (("cross", 2), ("encoder", 1), ("decoder", 2)):
                one = record[unit][kind]
                assert len(one["weights"]) == layers
                for head in one["weights"][0]:
                    assert len(head) == len(one["rows"])
                    assert all(len(row) == len(one["columns"]) for row in head)
                    assert all(abs(sum(row) - 1) < 1e-3 for row in head)

    def test_a_page_and_a_drawing_are_written_beside_what_is_shown(self, run, tmp_path):
        page, drawing = tmp_path / "heads.html", tmp_path / "heads.svg"
        shown = mtattn("inspect-heads", "--run", run, SOURCE)
        result = mtattn("inspect-heads", "--run", run, "--html", page, "--svg", drawing, SOURCE)
        assert result.stdout == shown.stdout
        assert result.stderr == f"written: {page}\nwritten: {drawing}\n"
        assert SOURCE in page.read_text(encoding="utf-8")
        assert SOURCE in drawing.read_text(encoding="utf-8")

    def test_a_page_holds_all_texts(self, run, tmp_path):
        page = tmp_path / "heads.html"
        mtattn("inspect-heads", "--run", run, "--html", page, "--json", stdin=f"Hola.\n\n{SOURCE}\n")
        text = page.read_text(encoding="utf-8")
        assert text.index('"source": "Hola."') < text.index(f'"source": "{SOURCE}"')

    def test_files_that_cannot_be_are_told_and_none_is_written(self, run, tmp_path):
        page, drawing = tmp_path / "heads.html", tmp_path / "heads.svg"
        options = ("inspect-heads", "--run", run, "--html", page, "--svg", drawing)
        mtattn(*options, "uno", "dos", status=2)
        mtattn(*options, stdin="uno\n", status=2)
        mtattn("inspect-heads", "--run", run, "--html", page, "--svg", page, "uno", status=2)
        assert "parts" in mtattn(*options, "larga " * 600, status=1).stderr
        assert "no sentence" in mtattn(*options, " ", status=1).stderr
        assert "there is no head 9" in mtattn(*options, "--json", "--head", 9, "uno", status=1).stderr
        assert "no such folder" in mtattn(*options[:3], "--html", tmp_path / "no" / "a", "uno", status=1).stderr
        assert list(tmp_path.iterdir()) == []

    def test_the_overview_names_every_head(self, run):
        shown = mtattn("inspect-heads", "--run", run, "--overview", "Hola, perro.").stdout
        for head in range(1, 9):
            assert f"1.{head} " in shown
            assert f"2.{head} " in shown
        mtattn("inspect-heads", "--run", run, "--overview", "--head", 1, "Hola.", status=2)

    def test_target_goes_with_one_text(self, run):
        mtattn("inspect-heads", "--run", run, "--target", "a", "b", "c", status=2)


class TestAlign:
    def test_each_row_gives_one_line(self, run, tmp_path):
        pairs = tmp_path / "pairs.tsv"
        pairs.write_text(
            "Hola, perro.\tHello, dog.\n\tno source\nsin destino\t\n\n" + "no " * 400 + "\tno\nSí.\tYes.\textra\n"
        )
        lines = mtattn("align", "--run", run, pairs).stdout.split("\n")
        assert len(lines) == 7
        assert [bool(line) for line in lines] == [True, False, False, False, False, True, False]
        assert {link.split("-")[1] for link in lines[0].split()} <= {"0", "1", "2", "3"}

    def test_two_runs_align_together(self, run):
        """The same run in both directions: what they say is put together as it was asked for."""
        pairs = "¿Dónde está el perro?\tWhere is the dog?\n\nHola, perro.\tHello, dog.\n"

        def links(*options):
            lines = mtattn("align", "--run", run, *options, stdin=pairs).stdout.split("\n")
            assert lines[1] == lines[3] == ""
            return [set(line.split()) for line in lines]

        both = {
            how: links("--reverse-run", run, "--symmetrise", how)
            for how in ("intersection", "grow-diag-final-and", "union")
        }
        for less, grown, more, forward in zip(*both.values(), links("--symmetrise", "union"), strict=True):
            assert less <= grown <= more
            assert forward <= more

    def test_what_the_training_saw_align_best_is_read(self, run, trained_run):
        alignment = trained_run.manifest()["alignment"]
        kind, *numbers = alignment["scope"].split(".")
        named = [word for option in zip(("--layer", "--head"), numbers, strict=False) for word in option]
        named += ["--reading", alignment["reading"]]
        assert kind == "cross"
        assert alignment["head"].count(".") == 2
        pairs = "¿Dónde está el perro?\tWhere is the dog?\n"
        assert (
            mtattn("align", "--run", run, stdin=pairs).stdout
            == mtattn("align", "--run", run, *named, stdin=pairs).stdout
        )

    def test_of_a_head_that_looks_one_word_late_its_map_says_so(self, run, tmp_path):
        shutil.copytree(run, tmp_path / "run")
        folder = RunFolder(tmp_path / "run")
        folder.update_manifest(alignment={"scope": "cross", "head": "cross.1.2", "head_reading": "read"})
        told = [
            mtattn("inspect-heads", "--run", folder.path, "--layer", 1, "--head", head, "Hola.").stderr
            for head in (1, 2)
        ]
        assert "one word late" not in told[0]
        assert "cross.1.2 looks for what the word written last translates" in told[1]

    def test_a_line_without_a_tab_is_named(self, run):
        result = mtattn("align", "--run", run, stdin="a\tb\nno tab\n", status=1)
        assert "standard input:2" in result.stderr

    def test_json_carries_the_words(self, run):
        one = json.loads(mtattn("align", "--run", run, "--json", stdin="¿Qué?\tWhat's it?\n").stdout)
        assert one["source"] == ["¿", "Qué", "?"]
        assert one["target"] == ["What's", "it", "?"]
        assert all(0 <= src < 3 and 0 <= tgt < 3 for src, tgt in one["links"])


class TestEvaluate:
    def test_it_scores_the_test_part_of_the_run(self, run, trained_run):
        scores = json.loads(mtattn("evaluate", "--run", run, "--json").stdout)
        assert scores["n_pairs"] == trained_run.manifest()["n_pairs"]["test"]
        assert 0 <= scores["bleu"] <= 100
        assert "tok:13a" in scores["bleu_signature"]

    def test_its_numbers_are_those_of_sacrebleu_on_what_translate_prints(self, run, tmp_path):
        from sacrebleu import corpus_bleu

        pairs = tmp_path / "pairs.tsv"
        pairs.write_text("Hola.\tHello.\n¿Quién es?\tWho is it?\nLa casa es grande.\tThe house is big.\n")
        scores = json.loads(mtattn("evaluate", "--run", run, "--data", pairs, "--json").stdout)
        rows = [line.split("\t") for line in pairs.read_text().splitlines()]
        translated = mtattn("translate", "--run", run, stdin="\n".join(row[0] for row in rows)).stdout.splitlines()
        assert scores["bleu"] == pytest.approx(corpus_bleu(translated, [[row[1] for row in rows]]).score)


class TestTrain:
    TINY = (
        "--set",
        "training.steps=4",
        "--set",
        "training.validation_pairs=3",
        "--config",
        "tiny",
        "--threads",
        "1",
    )

    def test_a_run_can_be_trained_refused_and_resumed(self, tmp_path, pairs_file):
        path = tmp_path / "run"
        first = mtattn("train", "--data", pairs_file, "--run", path, *self.TINY)
        assert first.stdout == ""
        assert "mtattn inspect-heads --run" in first.stderr
        again = mtattn("train", "--data", pairs_file, "--run", path, *self.TINY, status=1)
        assert "--resume" in again.stderr
        assert "--force" in again.stderr
        assert "finished" in mtattn("train", "--run", path, "--resume").stderr
        mtattn("train", "--data", pairs_file, "--run", path, "--force", *self.TINY)

    def test_a_beginning_that_failed_on_its_data_is_not_in_the_way(self, tmp_path, pairs_file):
        path, data = tmp_path / "run", tmp_path / "data.tsv"
        data.write_text("one column\n")
        result = mtattn("train", "--data", data, "--run", path, *self.TINY, status=1)
        assert "data.tsv:1" in result.stderr
        mtattn("train", "--data", pairs_file, "--run", path, *self.TINY)

    def test_missing_data_replace_no_run(self, tmp_path, pairs_file):
        path = tmp_path / "run"
        mtattn("train", "--data", pairs_file, "--run", path, *self.TINY)
        result = mtattn("train", "--data", tmp_path / "none.tsv", "--run", path, "--force", *self.TINY, status=1)
        assert "none.tsv" in result.stderr
        assert mtattn("translate", "--run", path, "Hola.").stdout

    def test_a_file_of_ones_own_is_not_taken_for_part_of_a_run(self, tmp_path, pairs_file):
        (tmp_path / "dev.tsv").write_text("mine\tmine\n")
        for force in ((), ("--force",)):
            result = mtattn("train", "--data", pairs_file, "--run", tmp_path, *force, *self.TINY, status=1)
            assert "dev.tsv" in result.stderr
        assert (tmp_path / "dev.tsv").read_text() == "mine\tmine\n"

    def test_all_wrong_settings_are_told_at_once(self, tmp_path):
        wrong = ("--set", "model.n_heads=7", "--set", "model.d_modle=64", "--set", "training.epochs=-1")
        result = mtattn("train", "--run", tmp_path / "run", *wrong, status=1)
        for told in ("n_heads=7", "d_modle is no setting; did you mean model.d_model?", "training.epochs = -1"):
            assert told in result.stderr
        assert not (tmp_path / "run").exists()

    def test_resume_takes_the_run_alone(self, tmp_path):
        mtattn("train", "--resume", status=2)
        mtattn("train", "--resume", "--run", tmp_path, "--seed", 3, status=2)

    def test_ctrl_c_saves_and_says_how_to_go_on(self, tmp_path, pairs_file):
        path = tmp_path / "run"
        options = ("--data", pairs_file, "--run", path, *self.TINY[2:], "--set", "training.steps=100000")
        command = [sys.executable, "-m", "mtattn", "train", *map(str, options)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
            while "step" not in training.stderr.readline():
                assert training.poll() is None
            training.send_signal(signal.SIGINT)
            told = training.stderr.read()
        assert training.returncode == 130
        assert f"mtattn train --run {path} --resume" in told
        assert (path / "checkpoint.safetensors").is_file()
        assert "finished_at" not in json.loads((path / MANIFEST).read_text())

    def test_quiet_says_nothing(self, tmp_path, pairs_file):
        result = mtattn("-q", "train", "--data", pairs_file, "--run", tmp_path / "run", *self.TINY)
        assert result.output == ""


class TestWhole:
    def test_without_a_run_the_newest_finished_one_is_taken_and_named(self, tmp_path, trained_run, monkeypatch):
        monkeypatch.chdir(tmp_path)
        none = mtattn("translate", "Hola.", status=1)
        assert "mtattn train" in none.stderr
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / "mine").symlink_to(trained_run.path)
        assert "runs/mine" in mtattn("translate", "Hola.").stderr

    def test_help_names_every_command_and_shows_examples(self):
        everything = mtattn("--help").stdout
        for command in ("train", "translate", "inspect-heads", "align", "evaluate", "export"):
            assert command in everything
            assert "Examples" in mtattn(command, "--help").stdout

    def test_wrong_usage_is_status_2(self):
        mtattn("nosuch", status=2)
        mtattn("translate", "--nosuch", status=2)

    def test_help_imports_no_torch(self):
        code = (
            "import sys\nfrom mtattn.cli import app\n"
            "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
            "heavy = {'torch', 'numpy', 'datasets', 'sentencepiece', 'pydantic'} & set(sys.modules)\n"
            "sys.exit(f'imported {heavy}' if heavy else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr

    def test_translating_imports_neither_torchs_compiler_nor_what_reads_corpora(self, run):
        code = (
            "import sys\nfrom mtattn.cli import app\n"
            f"try:\n    app(['translate', '--engine', 'torch', '--run', {str(run)!r}, 'Hola.'])\n"
            "except SystemExit as end:\n    assert not end.code\n"
            "assert 'torch' in sys.modules\n"
            "heavy = {'torch._dynamo', 'sympy', 'datasets', 'pyarrow', 'sacrebleu'} & set(sys.modules)\n"
            "sys.exit(f'imported {heavy}' if heavy else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    def test_an_error_shows_its_traceback_only_when_asked(self, tmp_path):
        plain = process("translate", "--run", tmp_path, "Hola.")
        assert plain.returncode == 1
        assert b"Traceback" not in plain.stderr
        assert b"Traceback" in process("--debug", "translate", "--run", tmp_path, "Hola.").stderr

    def test_no_color_gives_no_escape_sequences(self, run):
        colour = re.compile(rb"\x1b\[[0-9;]*[34][0-9]")
        forced = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
        forced.pop("NO_COLOR", None)
        options = ("inspect-heads", "--run", run, "--kind", "encoder", "Hola.")
        assert colour.search(process(*options, env=forced).stdout)
        assert not colour.search(process(*options, env={**forced, "NO_COLOR": "1"}).stdout)
        sixteen = process(*options, env={**forced, "TERM": "xterm"}).stdout.decode()
        assert not colour.search(sixteen.encode())
        assert any(shade in sixteen for shade in "░▒▓█")
        assert b"\x1b" not in process(*options, env={**os.environ, "FORCE_COLOR": ""}).stdout

    def test_a_time_budget_ends_by_itself_with_a_usable_model(self, tmp_path, pairs_file):
        options = ("--minutes", "0.2", "--config", "tiny", "--threads", "1", "--data", pairs_file)
        assert process("train", "--run", tmp_path / "run", *options).returncode == 0
        assert mtattn("translate", "--run", tmp_path / "run", "Hola.").stdout.endswith("\n")
