"""Runs the examples of a README that are marked to be run: fenced blocks that begin with ```sh run.

    python tests/readme_examples.py README.md FOLDER

Each line runs in FOLDER with the folder's own .venv first on the PATH; the first that fails ends it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path


def main(readme: Path, folder: Path) -> None:
    blocks = re.findall(r"^```sh run\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    if not lines:
        sys.exit(f"{readme} has no example to run")
    path = f"{folder.resolve() / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for line in lines:
        print(f"$ {line}", flush=True)
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env={**os.environ, "PATH": path}, check=True
        )
    print(f"{len(lines)} examples ran")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
