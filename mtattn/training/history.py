"""Keeps what the heads do at each validation, so that one can see later how they found their roles."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtattn.config import PROBE_SEPARATOR, Config
from mtattn.corpus.pairs import Direction, Pair, evenly
from mtattn.decoding.search import greedy_search
from mtattn.errors import ConfigError
from mtattn.heads.capture import capture
from mtattn.heads.card import HeadCard
from mtattn.heads.history import Frame, Probe
from mtattn.heads.samples import fits, gold_pairs
from mtattn.heads.scorecard import measure
from mtattn.run import HISTORY, RunFolder
from mtattn.text import normalise
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.training.lines import LineFile
from mtattn.training.preparation import Materials
from mtattn.transformer import Transformer

# So few that a validation takes a few tenths of a second more; a share is then off by some 0.02, an AER too.
_N_PAIRS = _N_GOLD = 60
_LONGEST_PROBE = 40  # tokens
_TEACHABLE = range(5, 10)  # words of a side
_BEST_LENGTH = 7


def teachable(pairs: Sequence[Pair], tokenizer: Tokenizer) -> Pair:
    """Choose the pair whose maps are the easiest to read.

    Both its sides have 5 to 9 words, or as nearly so as there are; among those it has the fewest words that are cut
    into pieces, and among those it is nearest to 7 words, then the first.

    Args:
        pairs: at least one.
        tokenizer: of the run.
    """

    def effort(pair: Pair) -> tuple[int, int, int]:
        sides = (pair.src, pair.tgt)
        n_words = [len(split_words(text)) for text in sides]
        beyond = sum(max(_TEACHABLE.start - n, n - _TEACHABLE.stop + 1, 0) for n in n_words)
        n_pieces = sum(len(tokenizer.encode(text)) for text in sides)
        return beyond, n_pieces - sum(n_words), sum(abs(n - _BEST_LENGTH) for n in n_words)

    return min(pairs, key=effort)


@dataclass(frozen=True)
class _Asked:
    """A probe as token ids; no target = the model's own output, whatever it is by then."""

    source: list[int]
    target: list[int] | None


def _asked(text: str, tokenizer: Tokenizer, max_positions: int) -> _Asked:
    """Encode a probe of the config.

    Raises:
        ConfigError: it is too long.
    """
    sides = [tokenizer.encode(side) for side in text.split(PROBE_SEPARATOR, 1)]
    longest = min(_LONGEST_PROBE, max_positions - 1)
    if any(len(side) > longest for side in sides):
        raise ConfigError(f"a probe has at most {longest} pieces a side", where=text, fix="give a shorter one")
    return _Asked(sides[0], sides[1] if len(sides) > 1 else None)


class History:
    """The history of one run's heads.

    Args:
        run: the folder.
        config: its settings.
        materials: what it trains on.

    Attributes:
        lines: history.jsonl.

    Raises:
        ConfigError: a probe is too long.
    """

    def __init__(self, run: RunFolder, config: Config, materials: Materials) -> None:
        self.lines = LineFile(run.path / HISTORY)
        self._tokenizer, max_positions = materials.tokenizer, config.model.max_positions
        dev = [pair for pair in materials.dev if fits(pair, self._tokenizer, max_positions)]
        self._pairs = evenly(dev, _N_PAIRS)
        self._gold = gold_pairs(Direction.parse(config.direction), _N_GOLD, self._tokenizer, max_positions)
        probes = config.training.probes
        if not probes:
            pair = teachable(dev, self._tokenizer)
            self._probes = [_Asked(*(self._tokenizer.encode(text) for text in (pair.src, pair.tgt)))]
        else:
            self._probes = [_asked(text, self._tokenizer, max_positions) for text in probes]

    def record(self, model: Transformer, step: int, bleu: float) -> None:
        """Look at the heads of a validation's model; `lines.save` writes what was seen.

        Args:
            model: that is validated; put into eval mode.
            step: after which.
            bleu: of dev, greedy.
        """
        numbers, _ = measure(model, self._tokenizer, self._pairs, self._gold, lambda name, n: lambda n_done: None)
        frame = Frame(
            step=step,
            bleu=bleu,
            n_pairs=len(self._pairs),
            n_gold=len(self._gold),
            heads=tuple(HeadCard.of(head, numbers[head]) for head in numbers),
            probes=tuple(self._look(model, probe) for probe in self._probes),
        )
        self.lines.append(frame.as_object())

    def _look(self, model: Transformer, probe: _Asked) -> Probe:
        own = greedy_search(model, [probe.source])[0].ids
        forced = probe.target is not None
        target = own if probe.target is None else probe.target
        record = capture(model, self._tokenizer, probe.source, target, forced=forced)
        return Probe(record, normalise(self._tokenizer.decode(own)))
