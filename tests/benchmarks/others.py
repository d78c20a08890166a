"""Joey NMT and eole beside mtattn: their environments, their data, and how they train and translate.

Each has a virtual environment of its own, with the PyTorch of this one; others_settings.py has their settings.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sentencepiece

HERE = Path(__file__).parent
EQUAL_SIZE = HERE / "equal_size.toml"
SIZE: dict[str, Any] = tomllib.loads(EQUAL_SIZE.read_text(encoding="utf-8"))
PACKAGES = {
    # Each with what its wheel needs and does not name; Joey NMT fails with a newer sentencepiece.
    "joey": ["joeynmt==2.3.0", "importlib_metadata", "sentencepiece==0.2.0"],
    "eole": ["eole==0.6.4", "aiohttp"],
}
NAMES = {"joey": "Joey NMT 2.3.0", "eole": "eole 0.6.4"}
DEV_PAIRS = 300
UNK, PAD, BOS, EOS = range(4)  # ids of Joey NMT's special pieces

Pairs = list[tuple[str, str]]


def read_pairs(path: Path) -> Pairs:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [(row[0], row[1]) for row in rows]


def run(command: list[str], *, threads: int, log: Path, text: str | None = None) -> str:
    """Run a command on so many threads, its messages into a file, and give its output back."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["OMP_NUM_THREADS"] = str(threads)
    with log.open("w", encoding="utf-8") as messages:
        done = subprocess.run(
            command, input=text, stdout=subprocess.PIPE, stderr=messages, text=True, encoding="utf-8", env=environment
        )
    if done.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise SystemExit(f"{' '.join(command)}\nfailed with exit status {done.returncode}; the end of {log}:\n{tail}")
    return done.stdout


def environment(toolkit: str, work: Path) -> Path:
    """Make a toolkit's virtual environment, if it is not there, and name its Python."""
    folder = work / f"{toolkit}-environment"
    installed, python = folder / "installed.txt", folder / "bin" / "python"
    if not installed.is_file():
        print(f"installing {NAMES[toolkit]} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        torch = f"torch=={version('torch').partition('+')[0]}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", torch, *PACKAGES[toolkit]], check=True)
        frozen = subprocess.run([python, "-m", "pip", "freeze"], check=True, stdout=subprocess.PIPE, text=True)
        installed.write_text(frozen.stdout, encoding="utf-8")
    return python


def versions(toolkit: str, work: Path) -> dict[str, str]:
    """Name the versions in a toolkit's environment on which results depend."""
    lines = (work / f"{toolkit}-environment" / "installed.txt").read_text(encoding="utf-8").splitlines()
    installed = dict(line.split("==", 1) for line in lines if "==" in line)
    package = PACKAGES[toolkit][0].partition("==")[0]
    return {name: installed[name] for name in (package, "torch", "sentencepiece", "numpy")}


@dataclass(frozen=True)
class Data:
    """Pairs as both toolkits read them: line-aligned files, and a sentencepiece model of both languages."""

    folder: Path
    tokens_per_pair: float

    @property
    def model(self) -> Path:
        return self.folder / "sentencepiece.model"

    @property
    def vocabulary(self) -> Path:
        return self.folder / "vocabulary.txt"


def prepare(work: Path, train: Path, dev: Path) -> Data:
    """Write the files for both toolkits, once for the same pairs.

    The sentencepiece model is trained as Joey NMT's own script for that does, which its wheel leaves out. Of the dev
    pairs as many are taken as mtattn takes, and the same ones.
    """
    train_pairs, dev_pairs = read_pairs(train), read_pairs(dev)
    digest = hashlib.sha256(train.read_bytes() + dev.read_bytes()).hexdigest()[:12]
    folder = work / f"data-{digest}"
    facts = folder / "facts.json"
    if not facts.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        n_dev = min(DEV_PAIRS, len(dev_pairs))
        spread = [dev_pairs[i * len(dev_pairs) // n_dev] for i in range(n_dev)]
        for part, pairs in (("train", train_pairs), ("dev", spread)):
            for column, side in enumerate(("src", "tgt")):
                path = folder / f"{part}.{side}"
                path.write_text("".join(f"{pair[column]}\n" for pair in pairs), encoding="utf-8")
        data = Data(folder, 0.0)
        texts = [text for pair in train_pairs for text in pair]
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_prefix=str(data.model.with_suffix("")),
            model_type="unigram",
            vocab_size=SIZE["tokenizer"]["vocab_size"],
            character_coverage=1.0,
            unk_id=UNK,
            pad_id=PAD,
            bos_id=BOS,
            eos_id=EOS,
            minloglevel=2,
        )
        processor = sentencepiece.SentencePieceProcessor(model_file=str(data.model))
        pieces = [processor.id_to_piece(i) for i in range(processor.vocab_size())]
        data.vocabulary.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
        n_tokens = sum(len(ids) + 1 for ids in processor.encode(texts))
        facts.write_text(json.dumps({"tokens_per_pair": n_tokens / len(train_pairs)}), encoding="utf-8")
    return Data(folder, **json.loads(facts.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Clocked:
    """A training that has ended: when it began and ended, and what step_clock.py noted of each update."""

    begun_at: float
    ended_at: float
    updates: list[dict[str, Any]]

    def tokens_per_s(self, n_warm_up: int) -> float:
        """Source and target tokens a second from the end of the warm-up to the begin of the last update."""
        steady = self.updates[n_warm_up:]
        n_tokens: int = sum(update["n_tokens"] for update in steady[:-1])
        span_s: float = steady[-1]["at"] - steady[0]["at"]
        return n_tokens / span_s


def train(toolkit: str, config: dict[str, Any], folder: Path, *, work: Path, threads: int) -> Clocked:
    """Train with a toolkit; its settings, messages and clock go into the folder."""
    python = environment(toolkit, work)
    folder.mkdir(parents=True, exist_ok=True)
    settings, clock = folder / "config.yaml", folder / "clock.jsonl"
    settings.write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
    arguments = {"joey": ["train", str(settings), "--skip-test"], "eole": ["train", "-config", str(settings)]}
    command = [str(python), str(HERE / "step_clock.py"), toolkit, str(clock), *arguments[toolkit]]
    begun_at = time.time()
    run(command, threads=threads, log=folder / "train.log")
    updates = [json.loads(line) for line in clock.read_text(encoding="utf-8").splitlines()]
    return Clocked(begun_at, time.time(), updates)


def joey_translate(
    config: dict[str, Any], sources: list[str], *, folder: Path, work: Path, threads: int
) -> tuple[list[str], float]:
    """Translate with Joey NMT's best checkpoint.

    Returns:
        The translations, and the seconds that it says they took, reading the model not among them.
    """
    settings, log = folder / "translate.yaml", folder / "translate.log"
    settings.write_text(json.dumps(config, indent=1), encoding="utf-8")
    command = [str(environment("joey", work)), "-m", "joeynmt", "translate", str(settings)]
    output = run(command, threads=threads, log=log, text="".join(f"{source}\n" for source in sources))
    translations = output.split("\n")[:-1]
    if len(translations) != len(sources):
        raise SystemExit(f"Joey NMT gave {len(translations)} translations of {len(sources)} sentences; see {log}")
    (took,) = re.findall(r"Generation took ([\d.]+)", log.read_text(encoding="utf-8"))
    return translations, float(took)
