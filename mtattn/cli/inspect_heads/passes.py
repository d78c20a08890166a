"""What `inspect-heads` looks at: a text and its output, the model's own or a given one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mtattn.decoding.search import TorchSearch
from mtattn.decoding.translator import Translator, split_long
from mtattn.errors import InputError
from mtattn.heads.capture import capture
from mtattn.heads.record import HeadRecord
from mtattn.run import RunFolder
from mtattn.text import normalise
from mtattn.tokenizer import Tokenizer
from mtattn.weights import load_model

Ids = list[int]


@dataclass(frozen=True)
class Passes:
    """Passes of texts through a run's model.

    Attributes:
        search: of the model.
        tokenizer: its own.
        target: the output to look at; None = what the search finds.
        beam: width of the search.
        note: told when a text is split.
    """

    search: TorchSearch
    tokenizer: Tokenizer
    target: str | None
    beam: int
    note: Callable[[str], object]

    @classmethod
    def of_run(cls, run: RunFolder, target: str | None, beam: int, note: Callable[[str], object]) -> "Passes":
        """Load a run's model.

        Raises:
            RunError: the run cannot be used.
        """
        tokenizer = run.tokenizer()
        return cls(TorchSearch(load_model(run, tokenizer.vocab_size)), tokenizer, target, beam, note)

    @property
    def forced(self) -> bool:
        """Whether the output is given."""
        return self.target is not None

    def _longer(self, what: str, where: str, fix: str) -> InputError:
        return InputError(
            f"{what} is longer than the model's {self.search.max_positions} positions", where=where, fix=fix
        )

    def of(self, text: str) -> Iterator[tuple[Ids, Ids]]:
        """Give the token ids of a text and its output; of each part where the text is longer than the model reads.

        Raises:
            InputError: the text or the given output is too long.
        """
        translator, text = Translator(self.search, self.tokenizer), normalise(text)
        if self.target is not None:
            output = normalise(self.target)
            if not (translator.fits(text) and translator.fits(output)):
                raise self._longer("a side", "--target", "give a shorter pair")
            yield self.tokenizer.encode(text), self.tokenizer.encode(output)
            return
        parts = split_long(text, translator.fits)
        if len(parts) > 1:
            self.note(
                f"text longer than the model's {self.search.max_positions} positions: split into {len(parts)} parts"
            )
        for part in parts:
            source = self.tokenizer.encode(part)
            yield source, self.search([source], self.beam)[0][0].ids

    def only(self, text: str, option: str) -> tuple[Ids, Ids]:
        """Give the token ids of a text that must not be split, and its output.

        Raises:
            InputError: it is too long, which is said of the option.
        """
        if not Translator(self.search, self.tokenizer).fits(normalise(text)):
            raise self._longer("the text", option, "give one of its sentences")
        return next(self.of(text))

    def records(self, text: str) -> Iterator[HeadRecord]:
        """Record what the heads attend to in each pass of a text."""
        for source, output in self.of(text):
            yield capture(self.search.model, self.tokenizer, source, output, forced=self.forced)
