"""What many tests need: a small tokenizer, small models, and a model written by hand."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from browser import Browser, find_browser
from hypothesis import settings
from killing import Killer
from rich.console import Console
from torch import nn

from mtattn.config import load_config
from mtattn.corpus.builtin import builtin_corpus
from mtattn.run import RunFolder
from mtattn.tokenizer import Tokenizer
from mtattn.training.progress import Display
from mtattn.training.start import train_run
from mtattn.transformer import Transformer

settings.register_profile("mtattn", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=8_000, print_blob=True)
settings.load_profile("mtattn")
torch.set_num_threads(1)

SENTENCES = """
El gato negro puede dormir hoy.
The black cat may sleep today.
Los gatos negros pueden; Ella dormirá.
They sleeps; maybe two cats or blacks.
La casa blanca es grande.
The white house is big.
¿Dónde está el perro?
Where is the dog?
Mi hermana no come carne.
My sister doesn't eat meat.
Los niños juegan en la calle.
The children play in the street.
Mañana vamos a la playa.
Tomorrow we go to the beach.
¡Qué frío hace hoy!
How cold it is today!
Ella dijo que "no" y se fue.
She said "no" and left.
El tren sale a las 10:45.
The train leaves at 10:45.
Compré 3 libros por 27 euros.
I bought 3 books for 86 euros.
No me gusta el café sin azúcar.
I don't like coffee without sugar.
El niño perdió el zapato rojo.
The boy lost the red shoe.
Hace años que vivo aquí.
I've lived here for years.
Tu abuelo es pingüinólogo; ¡felicidades!
Your grandfather studies penguins; congratulations!
Quiero un kilo de whisky y yogur.
I want a kilo of jazz and x-rays.
El gato negro bebe leche.
The black cat drinks milk.
""".strip().splitlines()


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    return SENTENCES


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(SENTENCES * 3, 440)


@pytest.fixture(scope="session")
def new_model() -> Callable[..., Transformer]:
    """Make small models in eval mode, with random weights that are the same for the same seed."""

    def make(vocab_size: int = 13, seed: int = 0, **sizes: float) -> Transformer:
        usual = {
            "d_model": 16,
            "n_heads": 4,
            "n_encoder_layers": 2,
            "n_decoder_layers": 2,
            "d_ff": 24,
            "dropout": 0.3,
            "max_positions": 64,
        }
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = Transformer(vocab_size, **{**usual, **sizes})
            # Sharper than at the start of a training, so that no two outputs are nearly as good.
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.mul_(2) if parameter.dim() == 2 else parameter.add_(0.1 * torch.randn_like(parameter))
        return model.eval()

    return make


@pytest.fixture(scope="session")
def text_model(new_model: Callable[..., Transformer], tokenizer: Tokenizer) -> Transformer:
    """Make a random model with the tokenizer's vocabulary."""
    return new_model(tokenizer.vocab_size, seed=5, max_positions=32)


@pytest.fixture(scope="session")
def written_model() -> Callable[..., Transformer]:
    """Make models of one layer and one head whose cross-attention is written by hand.

    After it has read token r, such a model attends to the source token `attends[r]` and emits
    `emits[attends[r]]`. Each token is a direction of its own, so that V = d_model.
    """

    def write(
        vocab_size: int, attends: Mapping[int, int], emits: Mapping[int, int], max_positions: int = 64
    ) -> Transformer:
        d_model = vocab_size + vocab_size % 2
        model = Transformer(
            vocab_size,
            d_model=d_model,
            n_heads=1,
            n_encoder_layers=1,
            n_decoder_layers=1,
            d_ff=2,
            dropout=0.0,
            max_positions=max_positions,
        )
        with torch.no_grad():
            model.positions.zero_()
            model.embedding.weight.copy_(torch.eye(vocab_size, d_model))
            for layer in (*model.encoder, *model.decoder):
                layer.self_attention.w_o.weight.zero_()
                for parameter in layer.feed_forward.parameters():
                    parameter.zero_()
            cross = model.decoder[0].cross_attention
            for linear in (cross.w_q, cross.w_k, cross.w_v, cross.w_o):
                assert isinstance(linear, nn.Linear)
                linear.weight.zero_()
            cross.w_k.weight.copy_(2 * torch.eye(d_model))
            cross.w_o.weight.copy_(10 * torch.eye(d_model))
            for read, attended in attends.items():
                cross.w_q.weight[attended, read] = 2
            for attended, emitted in emits.items():
                cross.w_v.weight[emitted, attended] = 1
        return model.eval()

    return write


@pytest.fixture(scope="session")
def cat_model(written_model: Callable[..., Transformer], tokenizer: Tokenizer) -> Transformer:
    """Write a model that turns "El gato negro puede dormir hoy" into "The black cat may sleep"."""

    def one(word: str) -> int:
        (token,) = tokenizer.encode(word)
        return token

    words = [("El", "The"), ("negro", "black"), ("gato", "cat"), ("puede", "may"), ("dormir", "sleep")]
    read = [1, *(one(tgt) for _, tgt in words)]
    attended = [*(one(src) for src, _ in words), 2]
    emits = {one(src): one(tgt) for src, tgt in words} | {2: 2}
    return written_model(tokenizer.vocab_size, dict(zip(read, attended, strict=True)), emits)


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a corpus of 150 of the carried pairs."""
    lines = Path(builtin_corpus()[0]).read_text(encoding="utf-8").splitlines(keepends=True)[:150]
    path = tmp_path_factory.mktemp("corpus") / "pairs.tsv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def few_pairs(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Path:
    """Write 60 pairs, with which a training takes a second."""
    path = tmp_path_factory.mktemp("corpus") / "few.tsv"
    path.write_text("".join(pairs_file.read_text(encoding="utf-8").splitlines(keepends=True)[:60]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def killer() -> Iterator[Killer]:
    with Killer() as killer:
        yield killer


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> RunFolder:
    """Train a run for a few seconds; it translates nothing well."""
    options = {"data.sources": [str(pairs_file)], "training.threads": 1, "training.validation_pairs": 5}
    config = load_config("tiny", ["data.dev_share=0.1", "data.test_share=0.1"], options)
    run = RunFolder.create(tmp_path_factory.mktemp("runs") / "run", config)
    display = Display(Console(stderr=True, quiet=True))
    assert train_run(run, resume=False, display=display, started=time.monotonic()) == 0
    return run


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium in the PATH")
    browser = Browser(executable, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
