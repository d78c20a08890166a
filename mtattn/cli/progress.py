"""How far the work of a command is, on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from mtattn.heads.ablation import OnProgress
    from mtattn.heads.scorecard import OnStage

_PLAIN_EVERY_S = 10.0


@contextmanager
def counting(console: "Console", *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show in a terminal how many sentences were translated while it goes on.

    Args:
        console: of stderr.
        shown: False where the results themselves appear in the terminal meanwhile.

    Yields:
        What is to be called with the number of sentences translated since the call before.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} sentences translated"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task("", total=None)
        yield lambda n: progress.advance(task, n)


@contextmanager
def stages(console: "Console") -> Iterator["OnStage"]:
    """Show how far each stage is and how long it still takes: a bar in a terminal, else a line every ten seconds."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mtattn.training.progress import clock

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeRemainingColumn())
    live = console.is_terminal and not console.is_dumb_terminal
    with Progress(*columns, console=console, transient=True, disable=not live) as progress:

        def begin(name: str, total: int) -> "OnProgress":
            task = progress.add_task(name, total=total)
            began = told_at = time.monotonic()
            done = 0

            def advance(n: int) -> None:
                nonlocal done, told_at
                done += n
                progress.advance(task, n)
                now = time.monotonic()
                if not live and now - told_at >= _PLAIN_EVERY_S and done < total:
                    told_at = now
                    left_s = (now - began) / done * (total - done)
                    console.print(f"{name}: {done:,} of {total:,}, {clock(left_s)} left")

            return advance

        yield begin
