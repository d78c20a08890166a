"""`mtattn export`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mtattn.cli.common import RunOption, folder_name, open_run, stderr_console

EXAMPLES = """
Examples:

  mtattn export --to ctranslate2

  mtattn export --to ctranslate2 --run runs/mine --quantization int8

  mtattn export --to ctranslate2 --output for-another-program
"""


class Format(StrEnum):
    """The formats, as they are typed."""

    ctranslate2 = "ctranslate2"


class Quantization(StrEnum):
    """How CTranslate2 keeps weights, as it is typed."""

    float32 = "float32"
    int8 = "int8"


def export(
    ctx: typer.Context,
    to: Annotated[Format, typer.Option("--to", help="The engine that is to read it.")],
    run: RunOption = None,
    quantization: Annotated[
        Quantization, typer.Option(help="float32: as trained; int8: smaller, quicker, a little less exact.")
    ] = Quantization.float32,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write, whole or not at all; else ctranslate2/ in the run.",
            metavar="DIR",
            parser=folder_name,
        ),
    ] = None,
) -> None:
    """Write a run's model for another engine.

    `mtattn translate` then translates with an export that lies in the run,
    until the run is trained anew. It needs CTranslate2: pip install ctranslate2.
    """
    from mtattn.decoding.ctranslate2 import EXPORT
    from mtattn.export import to_ctranslate2

    folder = open_run(ctx, run)
    path = folder.path / EXPORT if output is None else output
    to_ctranslate2(folder, path, quantization.value)
    n_bytes = sum(file.stat().st_size for file in path.iterdir())
    stderr_console(ctx).print(f"exported for {to.value}, {quantization.value}, {n_bytes / 1e6:.1f} MB: {path}")
