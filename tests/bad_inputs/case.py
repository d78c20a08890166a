"""A bad input over the real command line, and what is expected of it."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from mtattn.cli import app

TRAIN = (
    "mtattn train --config tiny --threads 1 --set training.steps=2 --set training.validations=1 "
    "--set training.validation_pairs=2 --run out"
)
RUN_FILES = {
    f"out/{name}": None
    for name in [
        "checkpoint.safetensors",
        "config.toml",
        "dev.tsv",
        "manifest.json",
        "metrics.jsonl",
        "model.safetensors",
        "tokenizer.model",
    ]
}
LINE = re.compile(r"[^\n]+\n")
SAME_LINE_TWICE = re.compile(r"([^\n]+)\n\1\n")
ANY = re.compile(r"[\s\S]*")

Files = Mapping[str, str | bytes] | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """What is done, and what is to come of it.

    Attributes:
        name: of the case.
        command: as it is typed in a folder of its own; $RUN is a trained run, which must not be written to.
        says: what stands on stderr, in parts; None = nothing does.
        status: the exit status.
        out: all of stdout, or a pattern of all of it.
        files: what lies in the folder before, by name; or a function that makes it.
        stdin: what comes from standard input.
        leaves: what lies in the folder afterwards beside that, with its contents; None = any.
        shell: run by bash in a process of its own, for pipes, signals, limits and the environment.
        modes: rights of files and folders while it runs, by name; it is run by a user who may only what anybody may.
    """

    name: str
    command: str
    says: tuple[str, ...] | None = ()
    status: int = 1
    out: str | re.Pattern[str] = ""
    files: Files = field(default_factory=dict)
    stdin: str | bytes = b""
    leaves: Mapping[str, str | None] = field(default_factory=dict)
    shell: bool = False
    modes: Mapping[str, int] = field(default_factory=dict)


class Result(NamedTuple):
    status: int
    stdout: str
    stderr: str


def parameters(*tables: list[Case]) -> list[object]:
    """Make the parameters of a test, a case each."""
    cases = [case for table in tables for case in table]
    assert len({case.name for case in cases}) == len(cases)
    return [pytest.param(case, id=case.name) for case in cases]


def lay_out(files: Files, folder: Path) -> None:
    if callable(files):
        files(folder)
        return
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Read all that lies in a folder; empty folders, links and what cannot be read have no contents."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            regular = path.is_file() and not path.is_symlink() and path.stat().st_size < 2**28
            found[str(path.relative_to(folder))] = path.read_bytes() if regular else None
        elif not any(path.iterdir()):
            found[f"{path.relative_to(folder)}/"] = None
    return found


def carry_out(case: Case, run: Path) -> Result:
    """Run a case's command in the working folder."""
    stdin = case.stdin.encode() if isinstance(case.stdin, str) else case.stdin
    if case.shell:
        python = f'{shlex.quote(sys.executable)} -m mtattn "$@"'
        script = f"set -o pipefail\nmtattn() {{ {python}; }}\n{case.command}"
        environment = os.environ | {
            "PYTHON": sys.executable,
            "RUN": str(run),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        done = subprocess.run(
            ["bash", "-c", script], input=stdin, capture_output=True, timeout=120, env=environment, check=False
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    name, *arguments = shlex.split(case.command.replace("$RUN", shlex.quote(str(run))))
    assert name == "mtattn"
    trains = arguments[0] == "train"  # perhaps on a GPU, for which addresses are set aside without measure
    with with_modes(case.modes), nobody() if case.modes else nullcontext() if trains else limited():
        result = CliRunner().invoke(app, arguments, input=stdin)
    return Result(result.exit_code, result.stdout_bytes.decode(), result.stderr_bytes.decode())


@contextmanager
def with_modes(modes: Mapping[str, int]) -> Iterator[None]:
    before = {name: Path(name).stat().st_mode for name in modes}
    try:
        for name, mode in modes.items():
            Path(name).chmod(mode)
        yield
    finally:
        for name, mode in before.items():
            Path(name).chmod(mode)


@contextmanager
def nobody() -> Iterator[None]:
    """Become a user who may read and write only what anybody may; who is not root is one already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def limited() -> Iterator[None]:
    """Have a gigabyte of memory beside what is in use, no more, where the system tells how much that is."""
    try:
        import resource

        n_pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (n_pages * resource.getpagesize() + 2**30, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
