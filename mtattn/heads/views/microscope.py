"""One query's way through one head, step by step, in a terminal and as JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from mtattn.heads.record import Kind
from mtattn.heads.row import RowInHead
from mtattn.heads.views.cells import BAR_STYLE, bar, columns, decimal, glued, paragraph, vector
from mtattn.heads.views.terminal import fitted
from mtattn.text import json_line, visible
from mtattn.tokenizer import BOS_LABEL, EOS_LABEL

_FORMULA = "head_i = Attention(q, K, V) = softmax(q Kᵀ / √d_k) V"
_LONGEST_LABEL = 12
_MOST_ROWS = 6
_SUBSCRIPTS = "₁₂₃₄"
_WIDEST_BAR = 16


@dataclass(frozen=True)
class MicroscopeWording:
    """The words around the numbers, in one language; {braces} name what is put in.

    Attributes:
        given: mark of an output that was given.
        named: the head, where it was named: head.
        chosen: the head, where it was chosen: head, n.
        whole: the query, where it is a whole word: row, word.
        part: the query, where it is a part of one: row, word, nth, n, pieces.
        special: the query, where it is </s>: row.
        reads: what the decoder has read: reads.
        query: what q stands for: row.
        key: what k stands for.
        value: what v stands for.
        masked: what is masked: n.
        same_word: keys that form one word: words.
        output: what W^O does: n.
        rest: heading of the products that are not shown one by one.
        others: label of the keys that are put together: n.
        other_heads: label of the other heads: n.
        all_heads: label of all heads: n.
        norm: heading of a length.
        share: heading of the share of the sum.
    """

    given: str
    named: str
    chosen: str
    whole: str
    part: str
    special: str
    reads: str
    query: Mapping[Kind, str]
    key: Mapping[Kind, str]
    value: Mapping[Kind, str]
    masked: Mapping[Kind, str]
    same_word: str
    output: str
    rest: str
    others: str
    other_heads: str
    all_heads: str
    norm: str
    share: str


def _rows(shown: RowInHead) -> list[list[int]]:
    """Say which keys a line stands for: one each, but of many the weakest together in the last line."""
    n = len(shown.columns)
    if n <= _MOST_ROWS:
        return [[j] for j in range(n)]
    order = np.argsort(-shown.weights, kind="stable").tolist()
    return [*([j] for j in sorted(order[: _MOST_ROWS - 1])), sorted(order[_MOST_ROWS - 1 :])]


def _label(shown: RowInHead, keys: list[int], wording: MicroscopeWording) -> str:
    label = visible(shown.columns[keys[0]]) if len(keys) == 1 else wording.others.format(n=len(keys))
    return fitted(label, min(_LONGEST_LABEL, cell_len(label)))


def _subscripts(letter: str, n: int) -> list[str]:
    return [letter + subscript for subscript in _SUBSCRIPTS[:n]]


def _large(number: float) -> str:
    """Write e^s: two places, fewer where it is large."""
    if number < 1000:
        return decimal(number)
    return f"{number:.0f}" if number < 1e7 else f"{number:.3g}"


def _key_table(shown: RowInHead, wording: MicroscopeWording, n: int) -> list[list[str]]:
    """Set q·k, its parts, the score, its exponential and the weight of each key, and their sums."""
    products, scores, weights = shown.products, shown.scores, shown.weights
    rest = products - shown.keys[:, :n] @ shown.query[:n]
    with np.errstate(over="ignore"):
        exps = np.exp(scores)
    table = [["", *_subscripts("k", n), wording.rest, "q·k", "s", "eˢ", "α"]]
    for keys in _rows(shown):
        if len(keys) == 1:
            (j,) = keys
            numbers = [*map(decimal, shown.keys[j, :n]), decimal(rest[j]), decimal(products[j]), decimal(scores[j])]
        else:  # as one key of the same eˢ
            numbers = [""] * (n + 3)
        numbers += [_large(exps[keys].sum()), decimal(weights[keys].sum(), 3)]
        table.append([_label(shown, keys, wording), *numbers])
    return [*table, ["Σ", *[""] * (n + 3), _large(exps.sum()), decimal(weights.sum(), 3)]]


def _value_table(shown: RowInHead, wording: MicroscopeWording, n: int) -> list[list[str]]:
    """Set the weight and the value of each key, and the weighted sum of the values."""
    weights, values = shown.weights, shown.values
    table = [["", "α", *_subscripts("v", n), "‖v‖"]]
    for keys in _rows(shown):
        weight = float(weights[keys].sum())
        # Several keys count as one whose value is their mean by the weights.
        value = weights[keys] @ values[keys] / weight if weight else values[keys].mean(axis=0)
        numbers = [*map(decimal, value[:n]), decimal(float(np.linalg.norm(value)))]
        table.append([_label(shown, keys, wording), decimal(weight, 3), *numbers])
    answer = shown.answer
    return [*table, ["head_i = Σ α v", "", *map(decimal, answer[:n]), decimal(float(np.linalg.norm(answer)))]]


def _output_table(shown: RowInHead, wording: MicroscopeWording, n: int) -> list[list[str]]:
    """Set what the head adds to the layer's output beside what the other heads add."""
    n_heads = len(shown.outputs)
    table = [["", *(str(i + 1) for i in range(n)), wording.norm, wording.share]]
    for label, output, share in (
        (f"{shown.head}", shown.output, shown.share),
        (wording.other_heads.format(n=n_heads - 1), shown.total - shown.output, 1 - shown.share),
        (wording.all_heads.format(n=n_heads), shown.total, 1.0),
    ):
        norm = float(np.linalg.norm(output))
        table.append([label, *map(decimal, output[:n]), decimal(norm), decimal(share)])
    return table


def _with_bars(lines: list[str], shares: Sequence[float], width: int) -> Iterator[Text]:
    """Put a bar behind each line that has a share, where the width has room for one."""
    room = min(_WIDEST_BAR, width - max(map(cell_len, lines)) - 1)
    strongest = max(shares)
    yield Text(lines[0], style="bold")
    for line, share in zip(lines[1:-1], shares, strict=True):
        text = Text(line, style="bold" if share == strongest else "")
        if room > 2 and (drawn := bar(share, room)):
            text.append(" " + drawn, BAR_STYLE)
        yield text
    yield Text(lines[-1], style="dim")


def _same_words(shown: RowInHead) -> list[str]:
    """Spell the words among the keys that consist of several pieces."""
    found = []
    for member in dict.fromkeys(shown.column_members):
        keys = [j for j, other in enumerate(shown.column_members) if other == member]
        if len(keys) > 1:
            found.append(f"{' '.join(shown.columns[j] for j in keys)} = {shown.column_words[keys[0]]}")
    return found


def _row_sentence(shown: RowInHead, wording: MicroscopeWording) -> str:
    if shown.row in (BOS_LABEL, EOS_LABEL):
        sentence = wording.special.format(row=shown.row)
    elif len(shown.word_pieces) == 1:
        sentence = wording.whole.format(row=shown.row, word=shown.word)
    else:
        sentence = wording.part.format(
            row=shown.row,
            word=shown.word,
            nth=shown.nth_piece,
            n=len(shown.word_pieces),
            pieces=" ".join(shown.word_pieces),
        )
    return sentence + (wording.reads.format(reads=shown.reads) if shown.reads else "") + "."


def show_row(shown: RowInHead, wording: MicroscopeWording, width: int = 80) -> Iterator[Text]:
    """Show each step of the formula with its numbers, rounded so that each gives the next.

    Args:
        shown: the row of one head.
        wording: the language.
        width: cells of the terminal, 60 or more; more of it shows more components of the vectors.

    Yields:
        Lines, some 40 at most.
    """
    kind, gap = shown.head.kind, 1 if width < 80 else 2
    for n in range(min(len(_SUBSCRIPTS), shown.d_k), 0, -1):
        tables = [columns(make(shown, wording, n), gap) for make in (_key_table, _value_table, _output_table)]
        if max(cell_len(lines[0]) for lines in tables) <= width:
            break
    key_lines, value_lines, output_lines = tables
    weights = [float(shown.weights[keys].sum()) for keys in _rows(shown)]
    heading = f"{shown.source} → {shown.target}" + (f" ({wording.given})" if shown.forced else "")
    head = wording.named if shown.n_considered == 1 else wording.chosen
    sizes = f"d_k = {shown.d_k}, √d_k = {decimal(math.sqrt(shown.d_k), 3)}"
    yield from _bold(paragraph(heading, width))
    yield from map(Text, paragraph(head.format(head=shown.head, n=shown.n_considered), width))
    yield from map(Text, paragraph(_row_sentence(shown, wording), width))
    yield from _bold(paragraph(f"{glued(_FORMULA)}  {glued(sizes)}", width))

    yield from _section("q = x W_i^Q", wording.query[kind].format(row=shown.row), width)
    length = f"‖q‖ = {decimal(float(np.linalg.norm(shown.query)))}"
    yield Text(f"   q = {vector(shown.query[:n].tolist(), shown.d_k)}, {length}")

    yield from _section("k = x W_i^K", wording.key[kind], width)
    parts = " + ".join(f"q{sub}k{sub}" for sub in _SUBSCRIPTS[:n])
    steps = (f"q·k = {parts} + {wording.rest}", "s = q·k / √d_k", "α = softmax(s) = eˢ / Σ eˢ")
    yield from map(Text, paragraph("  ".join(map(glued, steps)), width, "   "))
    yield from _with_bars(key_lines, weights, width)
    n_masked = int((~shown.may_attend).sum())
    yield from map(Text, paragraph(wording.masked[kind].format(n=n_masked), width, "   "))
    if words := _same_words(shown):
        yield from map(Text, paragraph(wording.same_word.format(words="; ".join(words)), width, "   "))

    yield from _section("v = x W_i^V", wording.value[kind], width)
    yield from _with_bars(value_lines, weights, width)

    yield from _section("head_i W_i^O", wording.output.format(n=len(shown.outputs)), width)
    yield from _bold(output_lines[:1])
    yield from map(Text, output_lines[1:])


def _bold(lines: Sequence[str]) -> Iterator[Text]:
    for line in lines:
        yield Text(line, style="bold")


def _section(formula: str, sentence: str, width: int) -> Iterator[Text]:
    """Begin a step: a blank line, its part of the formula, and what that stands for."""
    yield Text()
    first, *rest = paragraph(sentence, width, f"{formula}  ", indent=3)
    line = Text(first)
    line.stylize("bold", 0, len(formula))
    yield line
    yield from map(Text, rest)


def row_json(shown: RowInHead) -> str:
    """Write every number of a row's way through a head as one line of JSON, unrounded.

    Returns:
        An object with the labels, `query`, `keys`, `values`, and each step: `products` q·k, `scores` (null
        where masked), `may_attend`, `weights`, `answer` Σ α v, `output` what W^O makes of it, `total` the sum
        over heads, `share`.
    """
    scores = [float(s) if seen else None for s, seen in zip(shown.scores, shown.may_attend, strict=True)]
    return json_line(
        {
            "source": shown.source,
            "target": shown.target,
            "forced": shown.forced,
            "head": str(shown.head),
            "n_considered": shown.n_considered,
            "row": shown.row,
            "word": shown.word,
            "word_pieces": shown.word_pieces,
            "nth_piece": shown.nth_piece,
            "reads": shown.reads,
            "columns": shown.columns,
            "column_words": shown.column_words,
            "column_members": shown.column_members,
            "query": shown.query.tolist(),
            "keys": shown.keys.tolist(),
            "products": shown.products.tolist(),
            "may_attend": shown.may_attend.tolist(),
            "scores": scores,
            "weights": shown.weights.tolist(),
            "values": shown.values.tolist(),
            "answer": shown.answer.tolist(),
            "output": shown.output.tolist(),
            "total": shown.total.tolist(),
            "share": shown.share,
        }
    )
