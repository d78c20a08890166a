"""Runs `mtattn` in processes that are killed at a chosen change of a folder: before a file in it is opened, renamed, …

A process of its own imports all that is slow once and forks for each command, see `Killer`.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Ended(NamedTuple):
    """How a command ended: its exit status, or minus a signal; how many changes it made, what it said."""

    status: int
    n_changes: int
    stderr: str


class Killer:
    """Runs commands; used as a context."""

    def __enter__(self) -> "Killer":
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(None, None, None)

    def __call__(self, *arguments: object, run: Path, kill_at: int = 0, most_bytes: int = -1) -> Ended:
        """Run a command.

        Args:
            arguments: of `mtattn`, to which `--run` is added.
            run: the run folder, whose changes are counted.
            kill_at: the change, from 1, before which it is killed; 0 = none.
            most_bytes: of a file; what is beyond fails as on a full disk. -1 = any.
        """
        assert self._server.stdin
        assert self._server.stdout
        log = run.with_name(f"{run.name}.log")
        asked = {"arguments": [*map(str, arguments), "--run", str(run)], "folder": str(run), "log": str(log)}
        print(json.dumps(asked | {"kill_at": kill_at, "most_bytes": most_bytes}), file=self._server.stdin, flush=True)
        status, n_changes = json.loads(self._server.stdout.readline())
        return Ended(status, n_changes, log.read_text())


def _changes(event: str, arguments: tuple[object, ...], folder: str) -> bool:
    """Say whether an audit event is a change of the folder that is about to happen."""
    if event == "open":
        _, _, flags = arguments
        if not isinstance(flags, int) or not flags & _WRITES:
            return False
    elif event not in _CHANGES:
        return False
    paths = [os.fsdecode(path) for path in arguments if isinstance(path, str | bytes | os.PathLike)]
    return any(path.startswith(folder) for path in paths) or (event == "os.remove" and arguments[1] != -1)


def _run(arguments: list[str], folder: str, kill_at: int, most_bytes: int, log: str, counter: int) -> None:
    """Be the process of one command."""
    n = 0

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal n
        if _changes(event, args, folder):
            n += 1
            os.pwrite(counter, n.to_bytes(8, "little"), 0)
            if n == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    import resource

    status = 1
    try:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["mtattn", *arguments]
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
        sys.addaudithook(watch)
        from mtattn.cli import app

        app(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _serve() -> None:
    import sacrebleu  # noqa: F401  what the commands would import one by one
    import torch._dynamo

    import mtattn.training.start  # noqa: F401

    torch.set_num_threads(1)
    counter = os.memfd_create("changes")
    for line in sys.stdin:
        asked = json.loads(line)
        os.pwrite(counter, bytes(8), 0)
        child = os.fork()
        if not child:
            _run(**asked, counter=counter)
        _, waited = os.waitpid(child, 0)
        n_changes = int.from_bytes(os.pread(counter, 8, 0), "little")
        print(json.dumps([os.waitstatus_to_exitcode(waited), n_changes]), flush=True)


if __name__ == "__main__":
    _serve()
