"""mtattn's commands, run as a user runs them."""

import subprocess
import sys


def mtattn(*arguments: object) -> str:
    """Run a command to its end and give what it wrote to stdout."""
    command = [sys.executable, "-m", "mtattn", "-q", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True).stdout
