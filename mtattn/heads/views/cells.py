"""Cells of a terminal: numbers, bars and sentences that keep to a width."""

import math
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from mtattn.heads.views.terminal import fitted

BAR_STYLE = "bright_blue"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def decimal(number: float, places: int = 2) -> str:
    """Write a number with a true minus; one that is rounded to 0 has none.

    Example:
        >>> decimal(-1.234), decimal(-0.001), decimal(-math.inf)
        ('−1.23', '0.00', '−∞')
    """
    if math.isinf(number):
        return "−∞" if number < 0 else "∞"
    return f"{number:z.{places}f}".replace("-", "−")


def vector(numbers: Sequence[float], size: int) -> str:
    """Write the first numbers of a vector of `size`, with … for those left out.

    Example:
        >>> vector([0.5, -1.0], 16)
        '(0.50, −1.00, …)'
    """
    left_out = ["…"] if len(numbers) < size else []
    return f"({', '.join([*map(decimal, numbers), *left_out])})"


def bar(share: float, width: int) -> str:
    """Draw a bar of a share of some cells, in eighths; none for a share below 0.

    Example:
        >>> bar(0.5, 3), bar(1.0, 3), bar(-1.0, 3)
        ('█▌', '███', '')
    """
    full, eighths = divmod(round(min(max(share, 0.0), 1.0) * width * 8), 8)
    return "█" * full + _EIGHTHS[eighths].strip()


def glued(formula: str) -> str:
    """Let no line break fall into a formula."""
    return formula.replace(" ", "\N{NO-BREAK SPACE}")


def paragraph(text: str, width: int, first: str = "", *, indent: int | None = None) -> list[str]:
    """Break a sentence into lines behind a label, the later lines indented as deep as the label is long.

    Example:
        >>> paragraph("one two three", 10, "q ")
        ['q one two', '  three']
    """
    depth = cell_len(first) if indent is None else indent
    lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * depth, break_on_hyphens=False)
    return lines or [first.rstrip()]


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """Set rows of cells in columns, the first to the left and the others to the right.

    Example:
        >>> columns([["", "α"], ["gato", "0.9"]])
        ['        α', 'gato  0.9']
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for label, *numbers in rows:
        cells = [fitted(label, widths[0])]
        cells += [fitted(number, width, right=True) for number, width in zip(numbers, widths[1:], strict=True)]
        lines.append((" " * gap).join(cells))
    return lines
