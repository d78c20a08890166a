"""Pipes that are closed, disks that are full, folders that may not be entered, terminals that are narrow."""

import re
from pathlib import Path

from bad_inputs.case import LINE, TRAIN, Case, lay_out
from bad_inputs.corpora import PAIRS
from bad_inputs.runs import copy_of_the_run, unfinished

GREEDY = "mtattn translate Hola --beam 1 --run"
NARROW = re.compile(r"(?:.{0,20}\n)+")


def pairs_and_run(folder: Path) -> None:
    lay_out({"p.tsv": PAIRS, "folder/a.tsv": PAIRS}, folder)
    copy_of_the_run(folder)


CASES = [
    Case("a reader that has enough", "mtattn data gold --pairs 3000 | head -n 1", None, 0, LINE, shell=True),
    Case("a reader that wants nothing", "mtattn --help | head -n 0", None, 0, shell=True),
    Case(
        "a reader that has enough of findings",
        "mtattn data check p.tsv --dev p.tsv -q | head -n 1; echo ${PIPESTATUS[0]}",
        None,
        0,
        re.compile(r"[^\n]*\n[01]\n"),
        files={"p.tsv": PAIRS},
        shell=True,
    ),
    Case(
        "a full disk",
        "mtattn data gold > /dev/full",
        ("mtattn: standard output: cannot be written (No space left on device); make room",),
        shell=True,
    ),
    Case("a full disk for the help", "mtattn --help > /dev/full", ("mtattn: No space left on device",), shell=True),
    Case("a full disk for the version", "mtattn --version > /dev/full", ("mtattn: No space left",), shell=True),
    Case(
        "translate: a full disk",
        f"{GREEDY} $RUN > /dev/full",
        ("mtattn: standard output: cannot be written (No space left on device)",),
        shell=True,
    ),
    Case(
        "translate: an output on a full disk",
        f"{GREEDY} $RUN --output /dev/full",
        ("/dev/full: cannot be written (No space left on device); make room for it, or name another place",),
    ),
    Case(
        "data export: a disk that fills up leaves no half of a file",
        "ulimit -f 1; mtattn data export x.tsv",
        ("x.tsv: cannot be written (File too large); make room for it, or name another place",),
        shell=True,
    ),
    Case(
        "train: a disk that fills up",
        f"ulimit -f 40; {TRAIN} --data p.tsv",
        (
            "no step was saved yet; go on with: mtattn train --run out --resume",
            "mtattn: out/history.jsonl: cannot be written (File too large); make room for it, or change its permi",
        ),
        files={"p.tsv": PAIRS},
        leaves={
            f"out/{name}": None
            for name in (
                *("config.toml", "dev.tsv", "manifest.json", "test.tsv", "tokenizer.model", "train.ids", "dev.links"),
                *("metrics.jsonl", "history.jsonl"),
            )
        },
        shell=True,
    ),
    Case(
        "translate: standard input is closed",
        "mtattn translate --run $RUN <&-",
        ("mtattn: standard input is closed; give texts or name a file",),
        shell=True,
    ),
    Case(
        "standard output is closed",
        "mtattn data gold --pairs 1 >&-",
        ("mtattn: standard output: it is closed",),
        shell=True,
    ),
    Case(
        "standard error is closed",
        "mtattn data export --data p.tsv x.tsv 2>&-",
        None,
        0,
        files={"p.tsv": PAIRS},
        leaves={"x.tsv": PAIRS},
        shell=True,
    ),
    Case(
        "no home, no locale, no terminal",
        'env -i PATH="$PATH" PYTHONPATH="$PYTHONPATH" TERM=dumb "$PYTHON" -m '
        'mtattn translate Hola --beam 1 --run "$RUN"',
        None,
        0,
        LINE,
        shell=True,
    ),
    Case(
        "the hub, offline",
        "HF_HUB_OFFLINE=1 mtattn data check hf:a-owner/a-name",
        ("hf:a-owner/a-name: Couldn't reach 'a-owner/a-name' on the Hub", "check the network (and HF_HUB_OFFLINE)"),
        shell=True,
    ),
    Case(
        "no address of the hub",
        f"{TRAIN} --data hf:name",
        ("hf:name: that is no data set's address; write hf:owner/name",),
    ),
    Case(
        "inspect-heads: a terminal of 20 columns",
        "COLUMNS=20 mtattn inspect-heads 'Hola, amigo.' --beam 1 --run $RUN | sed -n '/^ /,/^$/p'",
        None,
        0,
        NARROW,
        shell=True,
    ),
    Case(
        "translate: bytes that are no UTF-8 among the arguments",
        "mtattn translate --json --beam 1 $'a\\xff' --run $RUN",
        None,
        0,
        re.compile(r'\{"source": "a\ufffd", .*\}\n'),
        shell=True,
    ),
    Case(
        "train: a file that may not be read",
        f"{TRAIN} --data p.tsv",
        ("p.tsv: you may not read the file; change its permissions",),
        files=pairs_and_run,
        modes={"p.tsv": 0},
    ),
    Case(
        "translate: a file that may not be read",
        f"{GREEDY} run --input p.tsv".replace("Hola ", ""),
        ("p.tsv: cannot be read (Permission denied)",),
        files=pairs_and_run,
        modes={"p.tsv": 0},
    ),
    Case(
        "data check: a file in a folder that may not be read",
        "mtattn data check folder",
        None,
        out=re.compile(r"folder/a\.tsv: broken: you may not read the file\n[\s\S]*"),
        files=pairs_and_run,
        modes={"folder/a.tsv": 0},
    ),
    Case(
        "data check: a folder that may not be entered",
        "mtattn data check folder/a.tsv",
        ("folder/a.tsv: you may not read the file; change its permissions",),
        files=pairs_and_run,
        modes={"folder": 0},
    ),
    Case(
        "translate: a run that may not be entered",
        f"{GREEDY} run",
        ("run: no run can be read here (Permission denied); check --run",),
        files=pairs_and_run,
        modes={"run": 0},
    ),
    Case(
        "translate: weights that may not be read",
        f"{GREEDY} run",
        ("run: the run has no model.safetensors that can be read (Permission denied)",),
        files=pairs_and_run,
        modes={"run/model.safetensors": 0},
    ),
    Case(
        "translate: a working folder that may not be written to does",
        f"{GREEDY} run",
        None,
        0,
        LINE,
        files=pairs_and_run,
        modes={".": 0o555},
    ),
    Case(
        "train: a working folder that may not be written to",
        TRAIN.replace("--run out", "--data p.tsv"),
        ("the run folder cannot be made (Permission denied); choose another with --run",),
        files=pairs_and_run,
        modes={".": 0o555},
    ),
    Case(
        "train: --force over a run that may not be written to",
        TRAIN.replace("out", "run --force --data p.tsv"),
        ("run: the run cannot be written to (Permission denied); choose another with --run",),
        files=pairs_and_run,
        modes={"run": 0o555},
    ),
    Case(
        "train: --resume of a run that may not be written to",
        "mtattn train --resume --run run",
        ("run: the run cannot be written to (Permission denied); choose another with --run",),
        files=unfinished,
        modes={"run": 0o555},
    ),
    Case(
        "translate: an output that may not be written",
        f"{GREEDY} run --output x",
        ("x: cannot be written (Permission denied); make room for it, or name another place",),
        files=pairs_and_run,
        modes={".": 0o555},
    ),
    Case(
        "export: a run that may not be written to",
        "mtattn export --to ctranslate2 --run run",
        ("run/ctranslate2: cannot be written (Permission denied); make room for it, or name another place",),
        files=pairs_and_run,
        modes={"run": 0o555},
    ),
]
