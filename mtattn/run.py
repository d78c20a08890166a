"""The run folder: all that a trained model needs, written whole, loaded strictly.

    config.toml             all settings, resolved
    manifest.json           versions, seed, hash of the data, machine, times, scores
    tokenizer.model         sentencepiece
    model.safetensors       the best weights so far
    checkpoint.safetensors  the last weights, the best ones, and what else resuming needs
    checkpoint.previous.safetensors  the one before, until the training is finished
    metrics.jsonl           a line a step and a line a validation
    history.jsonl           a line a validation: what the heads do
    dev.tsv, test.tsv       the pairs held out: source, tab, target
    train.ids               the training pairs as token ids, until the training is finished
    train.links             their word alignments, where a head is taught them, likewise

Nothing in it is a pickle. Other files in the folder are left alone.
"""

import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mtattn
from mtattn.config import Config, config_from, parse_settings
from mtattn.corpus.pairs import Pair
from mtattn.errors import ConfigError, InUseError, RunError
from mtattn.files import forget_attempt, write_whole
from mtattn.replaced import Replaced
from mtattn.surroundings import describe_machine
from mtattn.tokenizer import Tokenizer

RUNS = Path("runs")
CONFIG, MANIFEST, TOKENIZER = "config.toml", "manifest.json", "tokenizer.model"
MODEL, CHECKPOINT, PREVIOUS = "model.safetensors", "checkpoint.safetensors", "checkpoint.previous.safetensors"
METRICS, HISTORY = "metrics.jsonl", "history.jsonl"
DEV, TEST, DEV_LINKS, TRAIN_IDS, TRAIN_LINKS = "dev.tsv", "test.tsv", "dev.links", "train.ids", "train.links"
_WEIGHTS = (MODEL, CHECKPOINT, PREVIOUS)
_FOR_TRAINING = (PREVIOUS, DEV_LINKS, TRAIN_IDS, TRAIN_LINKS)  # of no use once it is finished
_FILES = (MANIFEST, CONFIG, TOKENIZER, MODEL, CHECKPOINT, METRICS, HISTORY, DEV, TEST, *_FOR_TRAINING)
_LOCK = ".lock"  # held by the process that trains
_MOST_BYTES = 2**28  # of a file that is not weights, so that a stranger's cannot fill the memory


def refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Refuse links in place of what is to be written to.

    Raises:
        RunError: one of the names is a link's.
    """
    for name in names:
        if (folder / name).is_symlink():
            raise RunError(f"{name} is a link, which is not written to", where=folder, fix="put the file itself there")


@dataclass(frozen=True)
class RunFolder:
    """The files of a run."""

    path: Path

    @classmethod
    def create(cls, path: Path, config: Config, *, force: bool = False, **facts: Any) -> "RunFolder":
        """Make the folder and write its config and a first manifest, before anything slow begins.

        Args:
            path: where; made with its parents.
            config: the settings, resolved.
            force: a run that stands there is replaced, see `give_up`; files that are no part of a run stay. Nothing of
                it is lost, wherever this is cut off, see `recover`.
            facts: what the manifest is to say besides.

        Raises:
            RunError: a run, or a file or folder of such a name, stands there already, or the folder cannot be made.
        """
        run = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"the run folder cannot be made ({error.strerror})",
                where=path,
                fix="choose another with --run",
            ) from error
        run.recover()
        present = [name for name in _FILES if os.path.lexists(path / name)]
        foreign = present if present and not run.is_run() else [name for name in present if (path / name).is_dir()]
        if foreign:
            raise RunError(f"{foreign[0]} stands here and is no part of a run", where=path, fix="choose another --run")
        if present and not {CONFIG, METRICS, *_WEIGHTS} & {*present}:
            run.give_up()  # a beginning that was cut off
            present = []
        if present and not force:
            raise RunError(
                "a run stands here already",
                where=path,
                fix="go on with it with --resume, replace it with --force, or choose another --run",
            )
        with run.locked() if present else nullcontext():
            if present:
                run._make_place()
            run.write_manifest({"command": sys.argv[1:], "started_at": now(), **describe_machine(), **facts})
            write_whole(path / CONFIG, config.to_toml().encode())
        return run

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for one training; a process that is dead holds nothing.

        Raises:
            InUseError: another training holds it.
            RunError: it cannot be written to.
        """
        from filelock import FileLock, Timeout  # here, since most commands train nothing

        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise InUseError(
                "another training is at work in this folder",
                where=self.path,
                fix="wait for it or choose another --run",
            ) from error
        except OSError as error:  # a link in place of the lock too
            raise RunError(
                f"the run cannot be written to ({error.strerror})", where=self.path, fix="choose another with --run"
            ) from error
        try:
            yield
        finally:
            (self.path / _LOCK).unlink(missing_ok=True)
            lock.release()

    @property
    def replaced(self) -> Replaced:
        """The run that this one is to replace, if any."""
        return Replaced(self.path, _FILES)

    def _make_place(self) -> None:
        """Put the files of this run aside, see `create`."""
        if self.replaced.is_there():
            if self.has_checkpoint():  # this run is itself one that has taken another's place
                self.replaced.forget()
            else:
                self.give_up()
        try:
            self.replaced.take()
        except OSError as error:
            raise RunError(
                f"the run cannot be replaced ({error.strerror})", where=self.path, fix="choose another with --run"
            ) from error

    def give_up(self) -> None:
        """Delete the files of a beginning that came to nothing; those of a run that it was to replace come back."""
        for name in (CONFIG, *reversed(_FILES)):  # without the config it is not begun, see `recover`
            (self.path / name).unlink(missing_ok=True)
        self.forget_attempts()
        if self.replaced.is_there():
            self.replaced.bring_back()

    def recover(self) -> None:
        """Bring a run back whose replacement was cut off before the other was begun.

        Raises:
            RunError: another training holds the folder, or it cannot be written to.
        """

        def cut_off() -> bool:
            return self.replaced.is_there() and not (self.replaced.is_whole() and self.has_config())

        if cut_off():
            with self.locked():  # another process may be on its way there
                if cut_off():
                    self.give_up() if self.replaced.is_whole() else self.replaced.bring_back()

    def forget_attempts(self) -> None:
        """Delete what a training left that was killed while it wrote a file."""
        for name in _FILES:
            forget_attempt(self.path / name)

    def tidy(self) -> None:
        """Delete what is of no use once the training is finished."""
        for name in _FOR_TRAINING:
            if os.path.lexists(self.path / name):  # where nothing is left, it may be a folder that is only read
                (self.path / name).unlink()
        self.replaced.forget()

    def has_checkpoint(self) -> bool:
        """Say whether there is something to go on from."""
        return any((self.path / name).is_file() for name in (PREVIOUS, CHECKPOINT))  # the first becomes the second

    def is_run(self) -> bool:
        """Say whether mtattn made this folder's files: its manifest names the version."""
        try:
            return "mtattn" in self.manifest()
        except RunError:
            return False

    def has_config(self) -> bool:
        """Say whether a run was begun here."""
        return (self.path / CONFIG).is_file()

    def refuse_links(self) -> None:
        """Refuse to write to a run whose files lie elsewhere: a stranger's could be any file of ours.

        Raises:
            RunError: one is a link.
        """
        refuse_links(self.path, _FILES)

    def readable(self, name: str) -> Path:
        """Find one file of the run.

        Raises:
            RunError: it is missing, no file, or too large for what it is.
        """
        path, cause = self.path / name, None
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # a pipe or a device may have no end
                problem = "it is no file"
            elif status.st_size > _MOST_BYTES and name not in _WEIGHTS:
                problem = f"it has {status.st_size:,} bytes"
            else:
                path.open("rb").close()
                return path
        except OSError as error:
            problem, cause = str(error.strerror), error
        raise RunError(
            f"the run has no {name} that can be read ({problem})",
            where=self.path,
            fix="train it to its end with --resume, or name another run with --run",
        ) from cause

    def read(self, name: str) -> bytes:
        """Read one file of the run.

        Raises:
            RunError: it is missing or cannot be read.
        """
        return self.readable(name).read_bytes()

    def config(self) -> Config:
        """Read the settings.

        Raises:
            RunError: there is no run here.
            ConfigError: its settings are unknown or impossible.
        """
        fix = "check --run, or train one with `mtattn train --run ...`"
        try:
            begun = any(file.name == CONFIG for file in self.path.iterdir())
        except OSError as error:
            what = "there is no such folder" if isinstance(error, FileNotFoundError) else str(error.strerror)
            raise RunError(f"no run can be read here ({what})", where=self.path, fix=fix) from error
        if self.replaced.is_there():
            fix = f"it was cut off while it was replaced; `mtattn train --run {self.path} --resume` brings it back"
        if not begun:
            raise RunError("no run is in this folder", where=self.path, fix=fix)
        path = self.path / CONFIG
        try:
            return config_from(parse_settings(self.read(CONFIG), path), path)
        except ConfigError as error:
            raise ConfigError(error.what, where=error.where, fix=self.of_another_version() or error.fix) from error

    def of_another_version(self) -> str:
        """Say that another version of mtattn made the run, "" where that is not known."""
        try:
            made_by = self.manifest().get("mtattn", mtattn.__version__)
        except RunError:
            return ""
        if made_by == mtattn.__version__:
            return ""
        return f"mtattn {str(made_by)[:20]} made the run and this is {mtattn.__version__}: use that one, or train anew"

    def manifest(self) -> dict[str, Any]:
        """Read what is known of the run.

        Raises:
            RunError: the manifest is missing or no JSON object.
        """
        fix = "restore the file, or train the run again"
        try:
            manifest = json.loads(self.read(MANIFEST))
        except (ValueError, RecursionError) as error:
            raise RunError(f"this is no JSON ({error})", where=self.path / MANIFEST, fix=fix) from error
        if not isinstance(manifest, dict):
            raise RunError("this is no JSON object", where=self.path / MANIFEST, fix=fix)
        return manifest

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace what is known of the run."""
        write_whole(self.path / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")

    def update_manifest(self, **facts: Any) -> None:
        """Add facts to what is known of the run, or replace them."""
        self.write_manifest(self.manifest() | facts)

    def write_pairs(self, name: str, pairs: Sequence[Pair]) -> None:
        """Keep held-out pairs with the run."""
        write_whole(self.path / name, "".join(f"{pair.src}\t{pair.tgt}\n" for pair in pairs).encode())

    def read_pairs(self, name: str) -> list[Pair]:
        """Read held-out pairs back.

        Raises:
            RunError: the file is missing or a line has no tab.
        """
        pairs = []
        for n, line in enumerate(self.read(name).decode("utf-8", "replace").removesuffix("\n").split("\n"), 1):
            src, tab, tgt = line.partition("\t")
            if not tab:
                raise RunError("this line is no pair", where=f"{self.path / name}:{n}", fix="restore the file")
            pairs.append(Pair(src, tgt))
        return pairs

    def tokenizer(self) -> Tokenizer:
        """Load the tokenizer.

        Raises:
            RunError: it is missing or no tokenizer.
        """
        return Tokenizer(self.read(TOKENIZER), self.path / TOKENIZER)


def now() -> str:
    """Say the local time, in ISO 8601 with its offset."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def newest_finished(runs: Path = RUNS) -> RunFolder:
    """Find the run that finished last.

    Raises:
        RunError: there is none.
    """
    finished = []
    for manifest in runs.glob(f"*/{MANIFEST}"):
        run = RunFolder(manifest.parent)
        try:
            finished_at = run.manifest().get("finished_at")
            if isinstance(finished_at, str):
                finished.append((datetime.fromisoformat(finished_at).astimezone(), run.path))
        except (RunError, ValueError, OverflowError):
            continue  # no run that could be used
    if not finished:
        raise RunError(
            "no finished run is in this folder",
            where=runs,
            fix="train one with `mtattn train`, or name one with --run",
        )
    return RunFolder(max(finished)[1])
