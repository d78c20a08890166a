"""The files that `mtattn inspect-heads` writes beside what it shows: a page, a drawing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtattn.errors import InputError
from mtattn.files import open_whole

if TYPE_CHECKING:
    from mtattn.heads.record import HeadRecord, Kind

HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", help="Write also a page with all heads of all texts, one file.", metavar="FILE"),
]
SvgOption = Annotated[
    Path | None,
    typer.Option("--svg", help="Write also a drawing of the map; of all heads if none is named.", metavar="FILE"),
]


def check_files(html: Path | None, svg: Path | None, texts: Sequence[str]) -> None:
    """Look before the work begins whether the files can be written.

    Raises:
        typer.BadParameter: both are one file, or the drawing would be of no single text.
        InputError: a folder is missing.
    """
    if svg and len(texts) != 1:
        raise typer.BadParameter("--svg goes with one TEXT")
    if html and html == svg:
        raise typer.BadParameter("--html and --svg name the same file")
    for option, path in (("--html", html), ("--svg", svg)):
        if path and not path.parent.is_dir():
            raise InputError("there is no such folder", where=path.parent, fix=f"make it, or name another {option}")


def write_files(
    records: Sequence["HeadRecord"],
    html: Path | None,
    svg: Path | None,
    *,
    kind: "Kind",
    layer: int | None,
    head: int | None,
    subwords: bool,
    note: Callable[[str], object],
) -> None:
    """Write the files that are wanted, all of them or none, and tell where.

    Args:
        records: one for each sentence that was shown.
        html: of the page; None = no page.
        svg: of the drawing; None = no drawing.
        kind: what is shown, or shown at first; so too the following, see `views.terminal.show`.
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.
        subwords: between pieces instead of words.
        note: is told where.

    Raises:
        InputError: there is no sentence, or more than a drawing holds.
        OutputError: a file cannot be written.
    """
    if not records:
        raise InputError("there is no sentence to show", where=html or svg or "", fix="give one")
    if svg and len(records) > 1:
        raise InputError(
            f"the text was split into {len(records)} parts, and a drawing holds one",
            where="--svg",
            fix="give each alone",
        )
    contents = {}
    if html:
        from mtattn.heads.views.html import to_html

        contents[html] = to_html([[record] for record in records], kind=kind, layer=layer, head=head, subwords=subwords)
    if svg:
        from mtattn.heads.views.svg import to_svg

        contents[svg] = to_svg(records[0], kind=kind, layer=layer, head=head, subwords=subwords)
    with open_whole(*contents) as files:
        for file, content in zip(files, contents.values(), strict=True):
            file.write(content.encode())
    for path in contents:
        note(f"written: {path}")
