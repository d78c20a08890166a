"""Exports and the engine that reads them: what it finds is what torch finds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.config import load_config
from mtattn.decoding.ctranslate2 import EXPORT, RECORD, CTranslate2Search, open_export
from mtattn.decoding.engines import Engine, open_translator
from mtattn.decoding.hypothesis import longest_output
from mtattn.decoding.search import TorchSearch
from mtattn.errors import EngineError, OutputError
from mtattn.export import to_ctranslate2
from mtattn.files import whole_folder, write_whole
from mtattn.run import MODEL, TOKENIZER, RunFolder
from mtattn.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from mtattn.transformer import Transformer
from mtattn.weights import load_model, tensors_as_bytes

SIZES = {
    "d_model": 32,
    "n_heads": 4,
    "n_encoder_layers": 2,
    "n_decoder_layers": 3,
    "d_ff": 24,
    "dropout": 0.0,
    "max_positions": 40,
}
SOURCES = [[300, 301, 302, 303, 304, 305], [310], [320, 321], [330, 331], list(range(270, 290)), [310]]
TEXTS = [
    "El gato negro.",
    "",
    "¿Dónde está el perro?",
    "   ",
    "Hola",
    "日本 😀",
    "El gato negro puede dormir hoy. " * 6,
]


@pytest.fixture
def engine() -> None:
    pytest.importorskip("ctranslate2")


@pytest.fixture
def random_run(
    tmp_path: Path, new_model: Callable[..., Transformer], tokenizer: Tokenizer
) -> Callable[[int], RunFolder]:
    """Make run folders with random models, to which the tokens that no text holds are most unlikely.

    CTranslate2 rules those tokens out before the softmax, torch behind it.
    """

    def make(seed: int) -> RunFolder:
        run = RunFolder.create(
            tmp_path / f"run{seed}", load_config("tiny", [f"model.{k}={v}" for k, v in SIZES.items()])
        )
        model = new_model(tokenizer.vocab_size, seed, **SIZES)
        with torch.no_grad():
            direction = torch.nn.functional.normalize(
                torch.randn(32, generator=torch.Generator().manual_seed(seed)), dim=0
            )
            embedding = model.embedding.weight
            embedding -= torch.outer(embedding @ direction, direction)
            embedding[[PAD, BOS, UNK]] -= direction
            towards_end = torch.nn.functional.normalize(embedding[EOS], dim=0)
            model.decoder_norm.bias += 30 * direction + seed * towards_end
        write_whole(run.path / TOKENIZER, tokenizer.model)
        write_whole(run.path / MODEL, tensors_as_bytes(model.state_dict()))
        return run

    return make


@pytest.fixture
def exported(engine: None, trained_run: RunFolder, tmp_path: Path) -> RunFolder:
    """Copy the trained run and export the copy."""
    run = RunFolder(shutil.copytree(trained_run.path, tmp_path / "run"))
    to_ctranslate2(run, run.path / EXPORT)
    return run


def searches(run: RunFolder) -> tuple[TorchSearch, CTranslate2Search]:
    tokenizer = run.tokenizer()
    to_ctranslate2(run, run.path / EXPORT)
    return TorchSearch(load_model(run, tokenizer.vocab_size)), open_export(run, tokenizer)


def mtattn(*arguments: object, status: int = 0) -> CliRunner:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.stderr
    return result


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_both_engines_find_the_same(engine: None, random_run: Callable[[int], RunFolder], beam: int) -> None:
    n_complete = 0
    for seed in range(4):
        torch_search, ctranslate2_search = searches(random_run(seed))
        by_torch, by_ctranslate2 = torch_search(SOURCES, beam), ctranslate2_search(SOURCES, beam)
        for expected, found in zip(by_torch, by_ctranslate2, strict=True):
            assert (found[0].ids, found[0].complete) == (expected[0].ids, expected[0].complete)
            assert found[0].log_prob == pytest.approx(expected[0].log_prob, abs=1e-4)
            assert found[0].score == pytest.approx(expected[0].score, abs=1e-4)
            n_complete += found[0].complete
    assert 0 < n_complete < 4 * len(SOURCES)  # it compared outputs that ended and some that were cut off


def test_what_it_finds_keeps_the_laws_of_a_search(engine: None, random_run: Callable[[int], RunFolder]) -> None:
    _, search = searches(random_run(0))
    for source, hypotheses in zip(SOURCES, search(SOURCES, 4), strict=True):
        limit = longest_output(len(source) + 1, search.max_positions)
        assert len(hypotheses) == 4
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)
        for h in hypotheses:
            assert len(h.ids) + h.complete <= limit
            assert h.complete or len(h.ids) == limit
            assert not {PAD, BOS, EOS, UNK} & set(h.ids)


def test_special_tokens_are_not_emitted_however_likely(engine: None, random_run: Callable[[int], RunFolder]) -> None:
    run = random_run(0)
    model = load_model(run, run.tokenizer().vocab_size)
    with torch.no_grad():
        model.decoder_norm.bias *= -1  # the unlikely tokens become the likeliest
    write_whole(run.path / MODEL, tensors_as_bytes(model.state_dict()))
    _, search = searches(run)
    for beam in (1, 3):
        for hypotheses in search(SOURCES, beam):
            assert all(not {PAD, BOS, EOS, UNK} & set(h.ids) for h in hypotheses)


@pytest.mark.parametrize("beam", [1, 3])
def test_texts_come_out_the_same_split_and_joined(exported: RunFolder, beam: int) -> None:
    by_torch, by_ctranslate2 = (
        open_translator(exported, engine, print).translate(TEXTS, beam=beam)
        for engine in (Engine.TORCH, Engine.CTRANSLATE2)
    )
    for expected, found in zip(by_torch, by_ctranslate2, strict=True):
        assert (found.source, found.n_parts) == (expected.source, expected.n_parts)
        assert found.translations[0].text == expected.translations[0].text
        assert found.translations[0].complete == expected.translations[0].complete


def test_int8_is_smaller_and_nearly_the_same(exported: RunFolder, tmp_path: Path) -> None:
    to_ctranslate2(exported, tmp_path / "int8", "int8")
    exact, rough = exported.path / EXPORT, tmp_path / "int8"
    assert (rough / "model.bin").stat().st_size < 0.5 * (exact / "model.bin").stat().st_size
    pieces = exported.tokenizer().pieces
    log_probs = [CTranslate2Search(folder, pieces, 256)(SOURCES[:1], 1)[0][0].log_prob for folder in (exact, rough)]
    assert log_probs[0] != log_probs[1]
    # So far apart only for random weights on a CPU that has no instructions for int8 products and cuts them off.
    assert abs(log_probs[0] - log_probs[1]) < 0.5 * max(map(abs, log_probs))


def test_it_translates_without_torch(exported: RunFolder) -> None:
    arguments = ["translate", "--run", str(exported.path), "Hola."]
    code = (
        "import sys\nfrom mtattn.cli import app\n"
        f"try:\n    app({arguments})\nexcept SystemExit as end:\n    assert not end.code\n"
        "sys.exit('imported torch' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == mtattn(*arguments, "--engine", "torch").stdout


def test_an_export_of_other_weights_is_told_and_left_aside(exported: RunFolder) -> None:
    arguments = ("translate", "--run", exported.path, "Hola.")
    fresh = mtattn(*arguments)
    assert fresh.stderr == ""
    model = load_model(exported, exported.tokenizer().vocab_size)
    with torch.no_grad():
        model.embedding.weight.mul_(1.5)
    write_whole(exported.path / MODEL, tensors_as_bytes(model.state_dict()))
    result = mtattn(*arguments)
    assert "not of the run's present weights" in result.stderr
    assert result.stdout == mtattn(*arguments, "--engine", "torch").stdout
    refused = mtattn(*arguments, "--engine", "ctranslate2", status=1)
    assert "mtattn export --to ctranslate2 --run" in refused.stderr
    mtattn("export", "--to", "ctranslate2", "--run", exported.path)
    assert mtattn(*arguments).stderr == ""


@pytest.mark.parametrize("file", [RECORD, "model.bin"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"not at all"])
def test_a_damaged_export_is_told_and_left_aside(exported: RunFolder, file: str, content: bytes | None) -> None:
    path = exported.path / EXPORT / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(EngineError, match="export"):
        open_export(exported, exported.tokenizer())
    told: list[str] = []
    open_translator(exported, Engine.AUTO, told.append)
    assert len(told) == 1


@pytest.mark.parametrize("file", ["config.json", "model.bin", "shared_vocabulary.json"])
def test_one_bit_that_changed_keeps_an_export_from_being_loaded(exported: RunFolder, file: str) -> None:
    path = exported.path / EXPORT / file
    whole = path.read_bytes()
    open_export(exported, exported.tokenizer())
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(EngineError, match="not those that were written"):
        open_export(exported, exported.tokenizer())
    path.write_bytes(whole)
    open_export(exported, exported.tokenizer())


def test_a_run_that_was_not_exported_is_translated_with_torch(trained_run: RunFolder) -> None:
    arguments = ("translate", "--run", trained_run.path, "Hola.")
    assert mtattn(*arguments).stderr == ""
    assert "has not been exported" in mtattn(*arguments, "--engine", "ctranslate2", status=1).stderr


def test_without_ctranslate2_it_is_said_how_to_install_it(exported: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    arguments = ("translate", "--run", exported.path, "Hola.")
    for refused in (
        mtattn(*arguments, "--engine", "ctranslate2", status=1),
        mtattn("export", "--to", "ctranslate2", "--run", exported.path, status=1),
    ):
        assert "pip install ctranslate2" in refused.stderr
    result = mtattn(*arguments)
    assert "torch" in result.stderr
    assert result.stdout == mtattn(*arguments, "--engine", "torch").stdout


def test_an_export_replaces_an_export_and_nothing_else(exported: RunFolder, tmp_path: Path) -> None:
    record = exported.path / EXPORT / RECORD
    (exported.path / EXPORT / "of-before").touch()
    mtattn("export", "--to", "ctranslate2", "--run", exported.path, "--quantization", "int8")
    assert json.loads(record.read_text())["quantization"] == "int8"
    assert not (exported.path / EXPORT / "of-before").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("Hola")
    refused = mtattn("export", "--to", "ctranslate2", "--run", exported.path, "--output", mine, status=1)
    assert "no export" in refused.stderr
    assert [file.name for file in mine.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path, error: BaseException) -> None:
    folder = tmp_path / "folder"
    with whole_folder(folder) as aside:
        (aside / "a").write_text("first")
        assert not folder.exists()

    def fail() -> None:
        with whole_folder(folder) as aside:
            (aside / "a").write_text("second")
            raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
    assert (folder / "a").read_text() == "first"
    with whole_folder(folder) as aside:
        (aside / "b").write_text("third")
    assert [file.name for file in folder.iterdir()] == ["b"]


def test_a_folder_that_cannot_take_its_name_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("first")
    rename = Path.rename

    def refuses(path: Path, target: Path) -> Path:
        if path.name.endswith(".part"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(OutputError, match="Input/output error"), whole_folder(folder):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
    assert (folder / "a").read_text() == "first"
