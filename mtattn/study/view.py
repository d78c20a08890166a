"""A study in a terminal: a table, a chart, what the numbers mean, and what they say."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mtattn.study.conclusion import conclude
from mtattn.study.folder import Study
from mtattn.study.results import TOLERANCE, HeadCount, by_heads
from mtattn.training.progress import clock

_WIDEST_CHART = 100


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"


def _columns(counts: Sequence[HeadCount]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Write the table's columns: what more heads cost and yield, and what becomes of the heads."""
    spread = "95% interval" if counts[0].n_models == 1 else "min–max"
    yields = {
        "d_head": [f"{count.d_head}" for count in counts],
        "tokens/s": [_number(count.tokens_per_s, ",.0f") for count in counts],
        "BLEU": [f"{count.bleu:.1f}" for count in counts],
        spread: [f"{count.low:.1f}–{count.high:.1f}" for count in counts],
    }
    becomes = {
        "AER": [_number(count.aer, ".3f") for count in counts],
        "JS cross": [_number(count.diversity["cross"], ".2f") for count in counts],
        "JS enc.": [_number(count.diversity["encoder"], ".2f") for count in counts],
        "JS dec.": [_number(count.diversity["decoder"], ".2f") for count in counts],
        "spare": [f"{count.spare:.0%}" for count in counts],
    }
    return yields, becomes


def _tables(counts: Sequence[HeadCount], width: int) -> Iterator[Table]:
    """Show the columns in one table, or in two where one is too wide."""
    yields, becomes = _columns(counts)
    both = yields | becomes
    total = len("heads ") + sum(1 + max(len(name), *map(len, cells)) for name, cells in both.items())
    for columns in [both] if total <= width else [yields, becomes]:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        table.add_column("heads", justify="right", no_wrap=True)
        for name in columns:
            table.add_column(name, justify="right", no_wrap=True)
        for row, count in enumerate(counts):
            table.add_row(*map(Text, (str(count.n_heads), *(cells[row] for cells in columns.values()))))
        yield table


def _chart(counts: Sequence[HeadCount], width: int) -> Iterator[Text]:
    """Draw each number's BLEU with its spread on one scale, which does not begin at 0."""
    low = min(min(count.low, count.bleu) for count in counts)
    high = max(max(count.high, count.bleu) for count in counts)
    n_cells = min(width, _WIDEST_CHART) - len("heads  ") - 1

    def cell(bleu: float) -> int:
        return round((bleu - low) / (high - low) * (n_cells - 1)) if high > low else 0

    best = max(counts, key=lambda count: count.bleu)
    spread = "95% interval" if best.n_models == 1 else "min–max"
    yield Text(f"heads  BLEU: ● {'the model' if best.n_models == 1 else 'mean'}, ├─┤ {spread}", style="bold")
    for count in counts:
        start, end = cell(count.low), cell(count.high)
        line = [" "] * n_cells
        line[start : end + 1] = "─" * (end + 1 - start)
        line[start], line[end], line[cell(count.bleu)] = "├", "┤", "●"
        drawn = Text(f"{count.n_heads:>5}  ")
        drawn.append("".join(line).rstrip(), style="bold blue" if count is best else "blue")
        yield drawn
    left, right = f"{low:.1f}", f"{high:.1f}"
    yield Text(" " * len("heads  ") + left + right.rjust(n_cells - len(left)))


def _budget(study: Study) -> str:
    """Say what each training was bounded by."""
    training = study.plan.config.training
    bounds = {"minute": training.minutes, "step": training.steps, "epoch": training.epochs}
    return " or ".join(f"{n:,g} {unit}{'' if n == 1 else 's'}" for unit, n in bounds.items() if n)


def _findings(study: Study) -> Iterator[str]:
    """Say what was trained, and in what all models are alike."""
    plan, n_models = study.plan, len(study.models)
    heads, seeds = (", ".join(map(str, numbers)) for numbers in (plan.heads, plan.seeds))
    yield (
        f"{n_models} model{'s' if n_models > 1 else ''}, numbers of heads: {heads}; seeds: {seeds}; config "
        f"{plan.config_name}, {_budget(study)} each, "
        f"{clock(sum(model.elapsed_s for model in study.models))} of training in all"
    )
    d_model = plan.config.model.d_model
    yield (
        f"each has {study.models[0].n_parameters:,} parameters, whatever its heads: their projections together are "
        f"{d_model} × {d_model}, and a head has d_head = {d_model} / heads rows of them"
    )


def _notes(study: Study) -> Iterator[str]:
    """Say what the columns mean."""
    first, n_seeds = study.models[0], len(study.plan.seeds)
    spread = "with its 95% interval, bootstrap of 1,000 samples" if n_seeds == 1 else "mean, least and greatest"
    chosen = ", by which the weights were chosen too" if first.part == "dev" else ""
    yield f"BLEU: of {first.n_pairs:,} {first.part} pairs{chosen}, beam 5; {spread}."
    if first.n_gold > 1:
        n_chosen = (first.n_gold + 1) // 2
        yield (
            f"AER: of the cross-attention head that aligns best, chosen on {n_chosen} pairs with gold alignments and "
            f"counted on {first.n_gold - n_chosen} others; 0 is best."
        )
    yield (
        "JS: how differently the heads of a layer look, the mean Jensen–Shannon distance (square root of the "
        f"divergence, log₂) over rows, pairs of heads and layers, on {first.n_dev} dev pairs; 0 = alike, 1 = nothing "
        "in common. A single head has none."
    )
    yield (
        f"spare: share of all heads that can be muted, one at a time, with the loss on these pairs rising by "
        f"{TOLERANCE:.1%} of it at most."
    )
    yield "tokens/s: source and target tokens in training, the median over steps."


def show(study: Study, width: int) -> Iterator[RenderableType]:
    """Show a complete study no wider than a terminal.

    Args:
        study: all models are measured.
        width: cells of the terminal, 60 or more.

    Yields:
        What rich prints.
    """
    counts = by_heads(study.models)
    for line in _findings(study):
        yield Text(line)
    for table in _tables(counts, width):
        yield ""
        yield table
    yield ""
    yield from _chart(counts, width)
    yield ""
    for line in _notes(study):
        yield Text(line)
    yield ""
    yield Text(conclude(counts))
