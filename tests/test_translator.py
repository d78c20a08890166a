import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.decoding.search import TorchSearch
from mtattn.decoding.translator import Translation, Translator, split_long
from mtattn.text import normalise
from mtattn.tokenizer import BOS, EOS, Tokenizer
from mtattn.transformer import Transformer

TEXTS = ["El gato negro.", "", "¿Dónde está el perro?", "   ", "Hola", "No.", "El gato negro.", "日本 😀"]
LONG = "El gato negro puede dormir hoy. ¿Dónde está el perro? Mañana vamos a la playa! Hola."
BLANK = Translation("", 0.0, 0.0, complete=True)


@pytest.fixture(scope="module")
def translator(text_model: Transformer, tokenizer: Tokenizer) -> Translator:
    return Translator(TorchSearch(text_model), tokenizer)


def assert_close(a: list[Translation], b: list[Translation]) -> None:
    assert [(x.text, x.complete) for x in a] == [(x.text, x.complete) for x in b]
    for one, other in zip(a, b, strict=True):
        assert one.log_prob == pytest.approx(other.log_prob, abs=1e-3)
        assert one.score == pytest.approx(other.score, abs=1e-3)


@pytest.mark.parametrize("beam", [1, 3])
def test_each_text_has_its_result_in_order(translator: Translator, beam: int) -> None:
    results = translator.translate(TEXTS, beam=beam)
    assert [result.source for result in results] == TEXTS
    for text, result in zip(TEXTS, results, strict=True):
        assert result.n_parts == 1
        (translation,) = result.translations
        if text.strip():
            assert translation.log_prob < 0
        else:
            assert translation == BLANK
    assert results[0] == results[6]
    assert translator.translate([]) == []


@pytest.mark.parametrize("beam", [1, 3])
def test_the_texts_around_it_change_no_result(translator: Translator, beam: int) -> None:
    together = translator.translate([*TEXTS, LONG], beam=beam, n_best=beam)
    for result in together:
        (alone,) = translator.translate([result.source], beam=beam, n_best=beam)
        assert_close(result.translations, alone.translations)
        assert result.n_parts == alone.n_parts


def test_many_texts_make_several_batches_and_stay_in_order(cat_model: Transformer, tokenizer: Tokenizer) -> None:
    texts = ["El gato negro puede dormir hoy", "El gato negro hoy puede dormir", ""] * 300
    told: list[int] = []
    results = Translator(TorchSearch(cat_model), tokenizer).translate(texts, beam=1, on_progress=told.append)
    assert [result.source for result in results] == texts
    expected = ["The black cat may sleep", "The black cat may sleep", ""] * 300
    assert [result.translations[0].text for result in results] == expected
    assert sum(told) == 600
    assert len(told) > 1


def test_as_many_translations_as_asked_for_the_best_first(translator: Translator) -> None:
    for n_best in (1, 2, 4):
        for text, result in zip(TEXTS, translator.translate(TEXTS, beam=4, n_best=n_best), strict=True):
            scores = [translation.score for translation in result.translations]
            assert len(scores) == (n_best if text.strip() else 1)
            assert scores == sorted(scores, reverse=True)
    best = translator.translate(TEXTS, beam=4)
    all_four = translator.translate(TEXTS, beam=4, n_best=4)
    assert [result.translations[0] for result in best] == [result.translations[0] for result in all_four]


@pytest.mark.parametrize("beam", [1, 3])
def test_long_text_is_split_and_comes_back_as_one_line(translator: Translator, beam: int) -> None:
    (result,) = translator.translate([LONG], beam=beam, n_best=beam)
    parts = split_long(LONG, translator.fits)
    assert len(parts) > 1
    assert result.n_parts == len(parts)
    assert len(result.translations) == beam
    separately = [part.translations for part in translator.translate(parts, beam=beam, n_best=beam)]
    for rank, translation in enumerate(result.translations):
        of_rank = [translations[rank] for translations in separately]
        assert translation.text == normalise(" ".join(part.text for part in of_rank))
        assert translation.log_prob == pytest.approx(sum(part.log_prob for part in of_rank), abs=1e-3)
        assert translation.score == pytest.approx(sum(part.score for part in of_rank) / len(parts), abs=1e-3)
        assert translation.complete == all(part.complete for part in of_rank)


def test_text_fits_up_to_the_models_positions(translator: Translator, tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("gato " * 31)) == 31
    assert translator.fits("gato " * 31)  # and </s>
    assert not translator.fits("gato " * 32)
    (fits, not_quite) = translator.translate(["gato " * 31, "gato " * 32], beam=1)
    assert (fits.n_parts, not_quite.n_parts) == (1, 2)


@given(
    text=st.text(st.sampled_from("ab é.!?…  \n"), max_size=80),
    longest=st.integers(1, 20),
)
def test_parts_fit_and_lose_nothing_but_white_space(text: str, longest: int) -> None:
    parts = split_long(text, lambda part: len(part) <= longest)
    assert all(len(part) <= longest for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(text=st.text(st.sampled_from("ab é.!?…  \n"), max_size=80).map(normalise), longest=st.integers(3, 20))
def test_no_part_of_a_text_is_blank(text: str, longest: int) -> None:
    if text:
        assert all(part.strip() for part in split_long(text, lambda part: len(part) <= longest))


@given(text=st.text(st.sampled_from("ab. \n"), max_size=40).filter(str.strip), longest=st.integers(2, 9))
def test_white_space_around_a_text_makes_no_blank_part(text: str, longest: int) -> None:
    assert all(part.strip() for part in split_long(text, lambda part: len(part) <= longest))


@given(st.lists(st.text(st.sampled_from("abc"), min_size=1, max_size=5), min_size=1, max_size=12))
def test_text_is_split_at_sentence_ends_where_that_is_enough(words: list[str]) -> None:
    sentences = [f"{word}!" for word in words]
    parts = split_long(" ".join(sentences), lambda part: len(part) <= 6)
    assert parts == sentences or len(" ".join(sentences)) <= 6


def test_words_stay_whole_where_they_fit() -> None:
    text = "uno dos tres cuatro cinco seis siete ocho"
    parts = split_long(text, lambda part: len(part) <= 12)
    assert [word for part in parts for word in part.split()] == text.split()


def test_control_characters_never_come_out(written_model: Callable[..., Transformer], tokenizer: Tokenizer) -> None:
    """The model writes a line break, an escape character, U+2028, half a character and more."""
    written = [*"\u2028".encode(), 0x07, *b"Ho", 0x0A, 0x1B, *b"la", 0xC3, 0x7F]
    tokens = list(dict.fromkeys(4 + byte for byte in written))
    # After each token it attends to the next one, and writes what it attends to.
    attends = dict(zip([BOS, *tokens], [*tokens, EOS], strict=True))
    model = written_model(tokenizer.vocab_size, attends, {token: token for token in attends.values()})

    class AsBytes(Tokenizer):
        """Reads any text as those bytes."""

        def encode(self, text: str) -> list[int]:
            return tokens

    for beam in (1, 2):
        translator = Translator(TorchSearch(model), AsBytes(tokenizer.model))
        assert translator.search([tokens], beam)[0][0].ids == tokens  # it does write them
        (result,) = translator.translate(["gato"], beam=beam)
        text = result.translations[0].text
        assert text == "Ho la"
        assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c == "\u202e" for c in text)


def test_any_text_can_be_translated_into_one_line(translator: Translator) -> None:
    texts = ["\x00\x1b[31m", "a\u2028b", "▁▁", "\u202e", "😀" * 40, "x" * 200, ". " * 60, "\u0301"]
    for result in translator.translate(texts, beam=2, n_best=2):
        for translation in result.translations:
            assert translation.text == normalise(translation.text)
            assert len(translation.text.splitlines()) <= 1


def test_a_translator_turns_dropout_off(text_model: Transformer, tokenizer: Tokenizer) -> None:
    before = Translator(TorchSearch(text_model), tokenizer).translate(["El gato negro"], beam=1)
    text_model.train()
    assert Translator(TorchSearch(text_model), tokenizer).translate(["El gato negro"], beam=1) == before
    assert not text_model.training
