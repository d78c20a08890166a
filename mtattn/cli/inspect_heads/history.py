"""`mtattn inspect-heads --history`."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtattn.cli.common import open_run, rendered, stderr_console
from mtattn.cli.lines import write_line
from mtattn.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from mtattn.heads.history import Frame
    from mtattn.heads.record import Kind

_PAUSE_S = 1.0
_LONGEST_S = 20.0  # of a whole animation


def history(
    ctx: typer.Context,
    run: Path | None,
    texts: Sequence[str],
    html: Path | None,
    *,
    kind: "Kind",
    layer: int | None,
    head: int | None,
    subwords: bool,
    as_json: bool,
) -> None:
    """Show how the heads of a run found their roles: in a terminal as an animation first, then at one glance.

    Args:
        ctx: of the command.
        run: its folder; None = the newest finished one.
        texts: those of the probes that are shown; none = all.
        html: a page that is written also.
        kind: which attention; so too the following, see `views.history.show_history`.
        layer: from 1.
        head: from 1.
        subwords: between pieces instead of words.
        as_json: a line a validation instead, as the run's file has it.

    Raises:
        RunError: the run has no history.
        InputError: there is no such probe, layer or head.
        OutputError: the page cannot be written.
    """
    from rich.console import Console

    from mtattn.heads.history import read_history
    from mtattn.heads.views.history import show_history
    from mtattn.text import json_line

    results = Console(highlight=False, soft_wrap=True)
    if results.color_system == "standard":  # sixteen colours do not tell the weights apart; the shades do
        results.no_color = True
    folder = open_run(ctx, run)
    frames = read_history(folder)
    probes = _probes(frames, texts)
    for probe in probes:
        frames[-1].probes[probe].record.words[kind].named(layer, head)  # refuses numbers that there are not
    if as_json:
        for frame in frames:
            write_line(json_line(frame.as_object()))
    else:
        if results.is_terminal and not results.is_dumb_terminal:
            for probe in probes:
                _play(results, frames, probe, kind=kind, layer=layer, head=head, subwords=subwords)
        colour = results.color_system is not None and not results.no_color
        lines = show_history(
            frames, probes, kind=kind, layer=layer, head=head, subwords=subwords, width=results.width, colour=colour
        )
        write_line(rendered(results, lines).removesuffix("\n"))
    if html:
        from mtattn.files import write_whole
        from mtattn.heads.views.html import history_to_html

        page = history_to_html(frames, probes, kind=kind, layer=layer, head=head, subwords=subwords)
        write_whole(html, page.encode())
        stderr_console(ctx).print(f"written: {html}")


def _probes(frames: Sequence["Frame"], texts: Sequence[str]) -> list[int]:
    """Find the probes with these sources.

    Raises:
        InputError: there is no such probe.
    """
    from mtattn.text import normalise

    sources = [probe.record.source for probe in frames[-1].probes]
    wanted = [normalise(text) for text in texts]
    for text in wanted:
        if text not in sources:
            raise InputError(
                "the training kept no maps of this sentence",
                where=text,
                fix=f"name one of its probes: {' | '.join(sources)}; `mtattn train --probe` keeps others",
            )
    return [i for i, source in enumerate(sources) if not wanted or source in wanted]


def _play(
    console: "Console",
    frames: Sequence["Frame"],
    probe: int,
    *,
    kind: "Kind",
    layer: int | None,
    head: int | None,
    subwords: bool,
) -> None:
    """Show one validation after another in the same place; Ctrl-C ends it."""
    from rich.console import Group
    from rich.live import Live

    from mtattn.heads.views.history import show_frame

    pause_s = min(_PAUSE_S, _LONGEST_S / len(frames))
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for n in range(len(frames)):
            lines = show_frame(
                frames, n, probe, kind=kind, layer=layer, head=head, subwords=subwords, width=console.width
            )
            live.update(Group(*lines), refresh=True)
            time.sleep(pause_s)
