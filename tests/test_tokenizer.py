import io
import random
import re
import unicodedata

import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mtattn.tokenizer as tokenizer_room
from mtattn.errors import ConfigError, RunError
from mtattn.text import normalise
from mtattn.tokenizer import BOS, EOS, PAD, UNK, Spelling, Tokenizer, split_words

ALPHABET = "abcdeñáüzÑ019 .,;:?!¿¡\"'’«»…-_/▁😀👩‍👩‍👧🇪🇸\u0301\u0327\u200d\u00a0\t\n\u2028ºª½日本語한لاग़"
TEXTS = st.one_of(st.text(st.sampled_from(ALPHABET), max_size=40), st.text(max_size=30))


def trained_elsewhere(texts: list[str], **options: object) -> bytes:
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=buffer,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"vocab_size": 300, **options},
    )
    return buffer.getvalue()


def check(spelling: Spelling, n_pieces: int) -> None:
    """State what holds of any spelling."""
    assert spelling.words == (split_words(spelling.text) or [""])
    assert len(spelling.word_of_piece) == n_pieces
    assert spelling.word_of_piece == sorted(spelling.word_of_piece)
    if n_pieces:
        assert set(spelling.word_of_piece) == set(range(len(spelling.words)))


@given(TEXTS)
@example("▁")
@example("a▁b ▁▁ c")
@example("Él dijo: «¿2:30 o 14'5?»…")
@example("don't don’t 'tis rock'n'roll O''Brien")
@example("<s> </s> <unk> <0x0A> <pad>")
@example("👩‍👩‍👧 x\u0327\u0301 \u0301")
def test_decoding_gives_the_text_back(tokenizer: Tokenizer, text: str) -> None:
    text = normalise(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(UNK < i < tokenizer.vocab_size for i in ids)
    assert bool(ids) == bool(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_decoding_gives_any_text_back_up_to_its_form(tokenizer: Tokenizer, text: str) -> None:
    assert normalise(tokenizer.decode(tokenizer.encode(text))) == normalise(text)


def test_the_texts_it_was_trained_on_come_back(tokenizer: Tokenizer, sentences: list[str]) -> None:
    for text in sentences:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@given(TEXTS)
@example("¿Qué?\"'Sí'» 2:30, don't!")
def test_no_piece_of_a_text_spans_two_words(tokenizer: Tokenizer, text: str) -> None:
    text = normalise(text)
    ids = tokenizer.encode(text)
    spelling = tokenizer.spell(ids)
    check(spelling, len(ids))
    if not ids:
        return
    assert spelling.words == split_words(text)
    # The pieces of each word, by themselves, spell that word and nothing else.
    for n, word in enumerate(spelling.words):
        own = [i for i, of in zip(ids, spelling.word_of_piece, strict=True) if of == n]
        assert tokenizer.decode(own) == word


@given(data=st.data())
@settings(max_examples=300)
def test_any_ids_can_be_spelled(tokenizer: Tokenizer, data: st.DataObject) -> None:
    some = st.integers(0, tokenizer.vocab_size - 1)
    byte_like = st.sampled_from([0x0A, 0x1B, 0x20, 0x41, 0xC3, 0xB1, 0xE2, 0x80, 0xA8, 0xF0, 0x9F, 0x98, 0xFF])
    ids = data.draw(st.lists(some | byte_like.map(lambda byte: 4 + byte), max_size=12))
    spelling = tokenizer.spell(ids)
    check(spelling, len(ids))
    assert spelling.text == tokenizer.decode(ids)
    assert spelling.text == spelling.text.strip(" ")
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in spelling.text)


def test_a_word_without_a_piece_of_its_own_is_one_with_the_word_before_it() -> None:
    """A mark between letters is tempting: `_'` is two words, but the beginning of one before another `_`."""
    tokenizer = Tokenizer.train(["_'_ µ'µ x_'_ y_'_ _'a"] * 20, 400)
    learned = range(260, tokenizer.vocab_size)
    for ids in ([i, j] for i in learned for j in learned):
        spelling = tokenizer.spell(ids)
        assert "".join(spelling.words) == "".join(split_words(spelling.text))
        assert set(spelling.word_of_piece) == set(range(len(spelling.words)))
    assert any(len(tokenizer.spell([i]).words) < len(split_words(tokenizer.spell([i]).text)) for i in learned)


def test_pieces_that_spell_nothing_go_to_the_word_behind_them(tokenizer: Tokenizer) -> None:
    (cat,) = tokenizer.encode("gato")
    (black,) = tokenizer.encode("negro")
    lead_byte = 4 + 0xC3  # the start of a character that does not go on
    assert tokenizer.spell([EOS, cat, lead_byte, black, PAD]) == Spelling(
        "gato negro", ["gato", "negro"], [0, 0, 1, 1, 1]
    )
    assert tokenizer.spell([BOS, PAD]) == Spelling("", [""], [0, 0])
    assert tokenizer.spell([]) == Spelling("", [""], [])


def test_bytes_that_spell_no_character_are_left_out(tokenizer: Tokenizer) -> None:
    (cat,) = tokenizer.encode("gato")
    for junk in ([0xFF], [0xC3], [0xF0, 0x9F, 0x98], [0x80, 0x80], [0xED, 0xA0, 0x80]):
        ids = [4 + byte for byte in junk]
        assert tokenizer.decode([cat, *ids, cat]) == "gato gato"
        assert tokenizer.decode(ids) == ""
    first, second = (4 + byte for byte in "ñ".encode())
    assert tokenizer.decode([first, second]) == "ñ"
    assert tokenizer.decode([first, cat, second]) == "gato"  # its halves are no character
    assert tokenizer.decode([4 + byte for byte in "日".encode()]) == "日"


def test_labels_name_each_piece(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("El gato pingüinólogo")
    labels = tokenizer.labels(ids)
    assert len(labels) == len(ids)
    assert "".join(labels).replace("▁", " ").strip() == "El gato pingüinólogo"
    assert tokenizer.labels([PAD, BOS, EOS, UNK, 4]) == ["<pad>", "<s>", "</s>", "<unk>", "<0x00>"]


def test_a_word_is_the_same_pieces_wherever_it_stands(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("El gato negro") == [i for word in ("El", "gato", "negro") for i in tokenizer.encode(word)]
    assert tokenizer.encode(" \tEl\n gato ") == tokenizer.encode("El gato")
    assert tokenizer.encode("¿gato?") != tokenizer.encode("¿ gato ?")


def test_digits_stand_alone(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("1234567890")
    assert [label for label in tokenizer.labels(ids) if label != "▁"] in (
        list("1234567890"),
        ["▁1", *"234567890"],
    )


def test_training_depends_on_words_and_counts_alone(tokenizer: Tokenizer, sentences: list[str]) -> None:
    again = Tokenizer.train(sentences * 3, 440)
    assert again.model == tokenizer.model
    shuffled = [text for text in sentences for _ in range(3)]
    random.Random(3).shuffle(shuffled)
    assert Tokenizer.train(iter(shuffled), 440).model == tokenizer.model
    loaded = Tokenizer(tokenizer.model)
    assert loaded.encode("¿Dónde está 日?") == tokenizer.encode("¿Dónde está 日?")
    assert Tokenizer.train(sentences, 440).model != tokenizer.model


def test_much_text_is_counted_as_if_it_were_less(sentences: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    once = Tokenizer.train(sentences, 440).model
    assert Tokenizer.train(sentences * 40, 440).model != once
    n_words = sum(len(split_words(text)) for text in sentences)
    monkeypatch.setattr(tokenizer_room, "_MOST_WORDS", n_words)
    assert Tokenizer.train(sentences * 40, 440).model == once


def test_too_small_a_vocabulary_is_told_with_the_size_that_is_needed(sentences: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"tokenizer\.vocab_size: a vocabulary of 280 pieces") as caught:
        Tokenizer.train(sentences, 280)
    needed = re.search(r"needs at least (\d+) pieces", str(caught.value))
    assert needed is not None
    assert Tokenizer.train(sentences, int(needed[1])).vocab_size == int(needed[1])
    with pytest.raises(ConfigError, match=f"at least {needed[1]} pieces"):
        Tokenizer.train(sentences, int(needed[1]) - 1)


def test_little_text_lowers_the_vocabulary(sentences: list[str]) -> None:
    small = Tokenizer.train(["hola mundo"], 4000)
    assert 260 < small.vocab_size < 400
    assert small.decode(small.encode("¡Adiós!")) == "¡Adiós!"
    for size in (400, 420):
        assert Tokenizer.train(sentences, size).vocab_size == size


def test_no_text_trains_no_tokenizer() -> None:
    for texts in ([], ["", " \n"]):
        with pytest.raises(ConfigError) as caught:
            Tokenizer.train(texts, 400)
        assert "trainer_interface" not in str(caught.value)
        assert "larger" not in str(caught.value)


@pytest.mark.parametrize("model", [b"", b"\x00", b"no model", b"\x00" * 100, bytes(range(256))])
def test_bytes_that_are_no_model_are_refused(model: bytes) -> None:
    with pytest.raises(RunError, match=r"^runs/x/tokenizer\.model: .*train the run again or restore the file"):
        Tokenizer(model, where="runs/x/tokenizer.model")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_model_or_refused(model: bytes) -> None:
    with pytest.raises(RunError):
        Tokenizer(model)


def test_half_a_model_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(RunError):
        Tokenizer(tokenizer.model[: len(tokenizer.model) // 2 + 1])


def test_a_model_of_another_make_is_refused(sentences: list[str]) -> None:
    with pytest.raises(RunError, match="first pieces are not <pad> <s> </s> <unk>"):
        Tokenizer(trained_elsewhere(sentences))
    same_specials = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "<pad>"}
    with pytest.raises(RunError, match="not a piece for each byte"):
        Tokenizer(trained_elsewhere(sentences, **same_specials))


@given(TEXTS)
def test_words_are_all_of_a_text_but_its_white_space(text: str) -> None:
    words = split_words(text)
    assert "".join(words) == re.sub(r"\s", "", text)
    for word in words:
        assert split_words(word) == [word]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It doesn't matter", ["It", "doesn't", "matter"]),
        ("the dog’s 'bone'", ["the", "dog’s", "'", "bone", "'"]),
        ("¿Qué? ¡Ño!", ["¿", "Qué", "?", "¡", "Ño", "!"]),
        ("10:45, 3.5 €", ["10", ":", "45", ",", "3", ".", "5", "€"]),
        ("...", [".", ".", "."]),
        (" \n ", []),
    ],
)
def test_words_are_counted_as_readers_count_them(text: str, words: list[str]) -> None:
    assert split_words(text) == words
