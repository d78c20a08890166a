"""Text to pieces and back with sentencepiece, and which pieces make which word.

Text is split at word borders before sentencepiece sees it, so that no piece that it writes spans two
words. A piece that begins with "▁" begins behind white space or at the start of the text. White space
of any length and kind comes back as one space; everything else comes back as it was, rare
characters by way of byte pieces.
"""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import sentencepiece

from mtattn.errors import ConfigError, RunError
from mtattn.text import without_controls

PAD, BOS, EOS, UNK = 0, 1, 2, 3
EOS_LABEL = "</s>"
BOS_LABEL = "<s>"
_SPACE = "▁"
_MOST_WORDS = 10_000_000  # more are counted as if they were so many: sentencepiece takes some 80 bytes for each
_LONGEST_KEPT = 100  # characters of a word whose pieces are remembered
_WORD = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")
_WORD_IN_RUN = re.compile(f" ?(?:{_WORD.pattern})")


def split_words(text: str) -> list[str]:
    """Split text into words: runs of letters and digits with an inner apostrophe, each other mark by itself.

    Example:
        >>> split_words("¿No? It doesn't matter.")
        ['¿', 'No', '?', 'It', "doesn't", 'matter', '.']
    """
    return _WORD.findall(text)


def _spaced_words(run: str) -> list[str]:
    """Split what stands between white space into words, the first with the space before it."""
    return _WORD_IN_RUN.findall(f" {run}")


@dataclass(frozen=True, slots=True)
class Spelling:
    """What pieces spell.

    Attributes:
        text: the text.
        words: its words, as `split_words` finds them; one empty word where pieces spell none.
        word_of_piece: for each piece the index of its word. Never falls, and each word has a piece.
    """

    text: str
    words: list[str]
    word_of_piece: list[int]


class Tokenizer:
    """A sentencepiece model with the vocabulary of both languages.

    Args:
        model: a serialised sentencepiece model.
        where: its file, for messages.

    Raises:
        RunError: the bytes are no sentencepiece model, or not one that mtattn trained.
    """

    def __init__(self, model: bytes, where: str | Path = "") -> None:
        problem = ""
        try:
            if not model:
                raise ValueError("empty, which sentencepiece takes silently")
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            self._pieces = [self._processor.id_to_piece(i) for i in range(self.vocab_size)]
            self._byte_of_id = {
                i: int(piece[3:5], 16) for i, piece in enumerate(self._pieces) if self._processor.is_byte(i)
            }
            if self._pieces[:4] != ["<pad>", BOS_LABEL, EOS_LABEL, "<unk>"]:
                problem = "the tokenizer's first pieces are not <pad> <s> </s> <unk>"
            elif sorted(self._byte_of_id.values()) != list(range(256)):
                problem = "the tokenizer has not a piece for each byte"
        except (RuntimeError, OSError, IndexError, ValueError):
            problem = "this is not a sentencepiece model"
        if problem:
            raise RunError(problem, where=where, fix="train the run again or restore the file")
        self.model = model
        self._id_of_byte = {byte: i for i, byte in self._byte_of_id.items()}
        self._encode_run = lru_cache(maxsize=2**17)(self._encode_run_anew)

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> "Tokenizer":
        """Learn a vocabulary from texts: the unigram model of Kudo 2018.

        Args:
            texts: sentences of all languages, in any order.
            vocab_size: number of pieces at most, the 4 special and 256 byte pieces among them; with little
                text it becomes lower, see `vocab_size`.

        Returns:
            The tokenizer: the same for the same words and counts, whatever their order.

        Raises:
            ConfigError: there is no text, or vocab_size has no room for its characters.
        """
        counts: Counter[str] = Counter()
        for run, n in Counter(run for text in texts for run in text.split()).items():
            for word in _spaced_words(run):
                if _SPACE not in word:
                    counts[word] += n
        if (n_words := counts.total()) > _MOST_WORDS:
            counts = Counter({word: -(-n * _MOST_WORDS // n_words) for word, n in counts.items()})
        if not counts:
            raise ConfigError("there is no text to train a tokenizer on", fix="name data with words in them")
        buffer = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=(f"{word}\t{count}" for word, count in sorted(counts.items())),
                input_format="tsv",  # word and count
                model_writer=buffer,
                model_type="unigram",
                vocab_size=vocab_size,
                hard_vocab_limit=False,
                character_coverage=0.9999,
                required_chars="0123456789",
                byte_fallback=True,
                split_digits=True,
                normalization_rule_name="identity",
                add_dummy_prefix=False,
                remove_extra_whitespaces=False,
                pad_id=PAD,
                bos_id=BOS,
                eos_id=EOS,
                unk_id=UNK,
                pad_piece="<pad>",
                num_threads=1,  # with more, the result changes from run to run
                minloglevel=2,
            )
        except RuntimeError as error:
            needed = re.search(r"required_chars\. \d+ vs (\d+)", str(error))
            problem = f"needs at least {needed[1]} pieces for its characters" if needed else str(error)
            raise ConfigError(
                f"a vocabulary of {vocab_size} pieces cannot be trained: the text {problem}",
                where="tokenizer.vocab_size",
                fix="set a larger one with --set tokenizer.vocab_size=N",
            ) from error
        return cls(buffer.getvalue())

    @property
    def vocab_size(self) -> int:
        """V, the number of pieces, special and byte pieces included."""
        return int(self._processor.get_piece_size())

    def _encode_run_anew(self, run: str) -> tuple[int, ...]:
        ids: list[int] = []
        for word in _spaced_words(run):
            for n, part in enumerate(word.split(_SPACE)):
                if n:  # sentencepiece would read a literal ▁ as a space
                    ids += [self._id_of_byte[byte] for byte in _SPACE.encode()]
                ids += self._processor.encode(part) if part else []
        return tuple(ids)

    def encode(self, text: str) -> list[int]:
        """Turn text into piece ids, without <s> and </s>.

        Args:
            text: any text; line breaks count as white space.

        Returns:
            Ids in 4 … V-1, none for blank text. `decode` gives the text back, its white space as single spaces.
        """
        return [
            i
            for run in text.split()
            for i in (self._encode_run(run) if len(run) <= _LONGEST_KEPT else self._encode_run_anew(run))
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Turn piece ids into text; special pieces and bytes that spell no character are left out."""
        return self.spell(ids).text

    @property
    def pieces(self) -> Sequence[str]:
        """The vocabulary, in the order of ids, "▁" standing for a space."""
        return self._pieces

    def labels(self, ids: Sequence[int]) -> list[str]:
        """Name each piece, "▁" standing for the space before a word."""
        return [without_controls(self._pieces[i]) for i in ids]

    def spell(self, ids: Sequence[int]) -> Spelling:
        """Turn piece ids into text and words, and say which piece belongs to which word.

        Args:
            ids: any ids in 0 … V-1, also ones that no text encodes to, as a model may emit them.

        Returns:
            The spelling. A piece that spells nothing visible goes to the word behind it, at the end to the
            last one; a piece that spells parts of two words goes to the first of them.
        """
        text, ends = "", []
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        for i in ids:
            if i in self._byte_of_id:
                text += decoder.decode(bytes([self._byte_of_id[i]]))
            else:
                decoder.reset()  # forget the start of a character that does not go on
                text += "" if i <= UNK else self._pieces[i].replace(_SPACE, " ")
            ends.append(len(text))
        text = without_controls(text)  # byte pieces can spell them
        spans = [match.span() for match in _WORD.finditer(text)]
        word_of_piece, word, start = [], 0, 0
        for end in ends:
            # On to the word that this piece has a part of, or that follows it.
            while word < len(spans) - 1 and spans[word][1] <= start:
                word += 1
            word_of_piece.append(word)
            start = end
        # A word that has no piece of its own, such as the mark in a piece "_'", is one with the word before it.
        owners = sorted(set(word_of_piece)) if spans else []
        starts = [spans[word][0] for word in owners]
        words = [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]
        rank = {word: n for n, word in enumerate(owners)}
        return Spelling(text.strip(" "), words or [""], [rank.get(word, 0) for word in word_of_piece])
