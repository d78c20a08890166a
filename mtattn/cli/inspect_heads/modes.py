"""The ways in which `inspect-heads` looks at heads, and which of its options go with each."""

from typing import Any

import typer

_LOOKED_AT = {"texts", "target", "beam", "mute", "only", "uniform"}
_HEADS = {"kind", "layer", "head"}
_MAP = {*_HEADS, "subwords"}
MAP = ""  # the way that has no option of its own
# All go with --run and --json too.
_USED: dict[str, set[str]] = {
    MAP: {*_LOOKED_AT, *_MAP, "html", "svg"},
    "as_overview": {*_LOOKED_AT, "kind", "subwords", "html", "svg"},
    "why_asked": {*_LOOKED_AT, "layer", "head", "language"},
    "explain_asked": {*_LOOKED_AT, *_MAP, "language"},
    "scorecard": {*_HEADS, "data", "sort", "ablation_pairs", "as_csv"},
    "history": {"texts", *_MAP, "html"},
}
# JSON has all maps, and no language.
_NOT_IN_JSON: dict[str, set[str]] = {
    MAP: _MAP,
    "as_overview": {"as_overview"},
    "why_asked": {"language"},
    "explain_asked": {"language"},
    "scorecard": {"as_csv"},
    "history": _MAP,
}


def check_options(ctx: typer.Context) -> None:
    """Refuse options that the way to look which was chosen does not use: it would leave them aside in silence.

    Args:
        ctx: of the command, whose parameters have the names used here.

    Raises:
        typer.BadParameter: the message names both options.
    """
    names = {str(one.name): _shown(one) for one in ctx.command.params}
    given = [name for name in names if _is_given(ctx, name)]
    ways = [name for name in given if name in _USED]
    if len(ways) > 1:
        raise typer.BadParameter(f"{names[ways[0]]} and {names[ways[1]]} do not go together")
    (way,) = ways or [MAP]
    of_ways = set().union(*_USED.values())
    for name in given:
        if name in of_ways - _USED[way]:
            others = " or ".join(names[other] for other, used in _USED.items() if other and name in used)
            raise typer.BadParameter(
                f"{names[name]} does not go with {names[way]}" if way else f"{names[name]} goes with {others}"
            )
    unused = _NOT_IN_JSON[way] - (_MAP if {"html", "svg"} & {*given} else set())
    if "as_json" in given and (wrong := [name for name in given if name in unused]):
        raise typer.BadParameter(f"{names[wrong[0]]} does not go with --json, which would be the same without it")


def _shown(parameter: Any) -> str:
    """Name a parameter as it is typed."""
    return str(parameter.opts[0]) if parameter.param_type_name == "option" else "TEXT"


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE" and ctx.params[name] not in (None, [], ())
