"""Word alignments read off the cross-attention."""

from collections.abc import Sequence

from mtattn.corpus.lengths import batches_by_length
from mtattn.heads.capture import Labels, forced_weights, piece_map
from mtattn.heads.record import Selection
from mtattn.tokenizer import Tokenizer
from mtattn.transformer import Transformer

Links = list[tuple[int, int]]

_BATCH_TOKENS = 4096


def links(selection: Selection) -> Links:
    """Link each output word to the source word that it attends to most.

    Weight on </s> is left out: it is where heads rest when they have nothing to ask, no word. The row
    of a word is that of the step which emits it.

    Args:
        selection: of the cross-attention between words, </s> last in rows and columns.

    Returns:
        (source word, output word) pairs, from 0, sorted.
    """
    weights = selection.weights[:-1, :-1]
    if not weights.size:
        return []
    return sorted((int(s), t) for t, s in enumerate(weights.argmax(axis=1)))


def pharaoh(found: Links) -> str:
    """Write links in the Pharaoh format, source word first.

    Example:
        >>> pharaoh([(0, 0), (1, 2)])
        '0-0 1-2'
    """
    return " ".join(f"{src}-{tgt}" for src, tgt in found)


def align(
    model: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
    layer: int | None = None,
    head: int | None = None,
) -> list[Links | None]:
    """Align the words of given sentence pairs.

    Args:
        model: trained; it is made to write the given targets.
        tokenizer: its own.
        pairs: source and target texts; words are counted as `split_words` finds them.
        layer: from 1; None = the mean over all.
        head: from 1; None = the mean over all.

    Returns:
        For each pair its links, none where a side is blank; None where a side has more tokens than
        the model has positions.

    Raises:
        InputError: there is no such layer or head.
    """
    encoded = [(tokenizer.encode(src), tokenizer.encode(tgt)) for src, tgt in pairs]
    result: list[Links | None] = [[] for _ in pairs]
    possible = []
    for i, (src, tgt) in enumerate(encoded):
        if max(len(src), len(tgt)) >= model.max_positions:
            result[i] = None
        elif src and tgt:
            possible.append(i)
    sizes = [sum(map(len, encoded[i])) + 2 for i in possible]
    for batch in batches_by_length(sizes, _BATCH_TOKENS):
        members = [possible[n] for n in batch]
        sources, targets = [encoded[i][0] for i in members], [encoded[i][1] for i in members]
        weights = forced_weights(model, sources, targets)
        for n, i in enumerate(members):
            rows, columns = Labels.until_eos(tokenizer, targets[n]), Labels.until_eos(tokenizer, sources[n])
            words = piece_map("cross", weights.cross, n, rows, columns).merged(rows.words, columns.words)
            result[i] = links(words.select(layer, head))
    return result
