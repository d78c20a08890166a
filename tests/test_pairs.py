import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.corpus.pairs import Direction, Pair, as_line, fingerprint, sentence_key
from mtattn.corpus.split import split_pairs
from mtattn.errors import DataError
from mtattn.text import normalise

ES_EN = Direction("es", "en")
EN_ES = Direction("en", "es")
CORPUS = [Pair(f"frase número {i}", f"sentence number {i}") for i in range(2_000)]


def turned(pairs: Iterable[Pair]) -> list[Pair]:
    return [Pair(pair.tgt, pair.src) for pair in pairs]


@pytest.mark.parametrize("text", ["es-en", " ES-EN ", "es-en\n"])
def test_a_direction_is_read_as_it_is_typed(text: str) -> None:
    assert Direction.parse(text) == ES_EN
    assert str(ES_EN) == "es-en"


@pytest.mark.parametrize("text", ["", "es", "es-", "-en", "es-es", "es_en", "español-en", "es-en-fr", "e1-en"])
def test_nonsense_is_no_direction(text: str) -> None:
    with pytest.raises(DataError, match="not a direction of translation; write two different"):
        Direction.parse(text)


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once == once.strip()
    assert "  " not in once


def test_no_control_or_line_separator_survives() -> None:
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            assert normalise(f"a{character}b") == "a b", hex(code)
    for code in [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]:
        assert normalise(f"a{chr(code)}b") == "a b", hex(code)


def test_what_belongs_to_a_text_is_kept() -> None:
    assert normalise("1º … «¿Sí?» 😀 \u00a0 fin") == "1º … «¿Sí?» 😀 fin"
    assert normalise("Que\u0301") == "Qué"


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert sentence_key(sentence_key(text)) == sentence_key(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_a_key_of_ascii_is_as_that_of_any_text(text: str) -> None:
    words = [sentence_key(text)] if any(character.isalnum() or character == "_" for character in text) else []
    assert sentence_key(f"{text} Ñ") == " ".join([*words, "ñ"])


def test_a_key_ignores_case_and_punctuation_alone() -> None:
    assert sentence_key("¡Hola, Tomás!") == sentence_key("HOLA TOMA\u0301S") == "hola tomás"
    assert sentence_key("Hola.") != sentence_key("Holas.")
    assert sentence_key("tomas") != sentence_key("tomás")
    assert sentence_key(" ?! ") == "?!"


def sizes(pairs: list[Pair], share: float) -> list[int]:
    parts = split_pairs(pairs, ES_EN, dev=None, dev_share=share, test_share=share, max_words=9)
    return [len(parts.train), len(parts.dev), len(parts.test)]


def test_adding_pairs_moves_none() -> None:
    more = [Pair(f"otra {i}", f"another {i}") for i in range(500)]
    alone = split_pairs(CORPUS, ES_EN, dev=None, dev_share=0.1, test_share=0.1, max_words=9)
    mixed = split_pairs(more + CORPUS, ES_EN, dev=None, dev_share=0.1, test_share=0.1, max_words=9)
    assert [pair for pair in mixed.dev if pair not in more] == alone.dev
    assert [pair for pair in mixed.test if pair not in more] == alone.test


def test_parts_have_about_their_shares() -> None:
    train, dev, test = sizes(CORPUS, share=0.1)
    assert 150 < dev < 250
    assert 150 < test < 250
    assert train + dev + test == 2_000
    assert sizes(CORPUS, share=0.0) == [2_000, 0, 0]
    assert sizes(CORPUS, share=0.5)[0] == 0


def test_both_directions_hold_out_the_same_pairs() -> None:
    there = split_pairs(CORPUS, ES_EN, dev=None, dev_share=0.1, test_share=0.1, max_words=9)
    back = split_pairs(turned(CORPUS), EN_ES, dev=None, dev_share=0.1, test_share=0.1, max_words=9)
    assert (turned(back.train), turned(back.dev), turned(back.test)) == (list(there.train), there.dev, there.test)


def test_one_source_sentence_lies_in_one_part_whatever_its_translations() -> None:
    variants = [Pair("¡Hola, Tomás!", "Hi!"), Pair("hola Tomás", "Hello, Tom."), Pair("Hola tomás…", "Hey")]
    for n in range(10):
        assert sorted(sizes(variants, share=n / 20)) == [0, 0, 3]


def test_every_pair_is_counted_once_and_order_is_kept() -> None:
    long = Pair("x " * 9 + "x", "long")
    pairs = [CORPUS[0], *CORPUS, CORPUS[5], long]
    parts = split_pairs(pairs, ES_EN, dev=None, dev_share=0.1, test_share=0.1, max_words=9)
    report = parts.report
    kept = (report.n_train, report.n_dev, report.n_test)
    assert kept == (len(parts.train), len(parts.dev), len(parts.test))
    assert sum(kept) + report.n_duplicates + report.n_long + report.n_leaks == report.n_read == len(pairs)
    assert report.n_duplicates == 2
    assert report.n_long == 1
    for part in (list(parts.train), parts.dev, parts.test):
        assert part == sorted(part, key=CORPUS.index)


def test_no_training_pair_shares_a_sentence_with_what_is_held_out() -> None:
    dev = [Pair("¿Qué tal?", "How are you?")]
    pairs = [
        Pair("qué tal", "How's it going?"),
        Pair("¿Cómo estás?", "HOW ARE YOU"),
        Pair("How are you?", "¿Qué tal?"),  # source with target is no leak
        Pair("¿Qué tal estás?", "How are you doing?"),
    ]
    parts = split_pairs(pairs, ES_EN, dev=dev, dev_share=0.5, test_share=0.5, max_words=9)
    assert list(parts.train) == pairs[2:]
    assert (parts.dev, parts.test) == (dev, [])
    assert parts.report.n_leaks == 2


def test_a_translation_in_common_is_a_leak_between_parts_of_one_corpus() -> None:
    pairs = [Pair(f"frase {i}", "the same!") for i in range(100)]
    parts = split_pairs(pairs, ES_EN, dev=None, dev_share=0.1, test_share=0.1, max_words=9)
    assert list(parts.train) == []
    assert parts.report.n_leaks == 100 - len(parts.dev) - len(parts.test)


def test_what_is_held_out_is_kept_at_any_length() -> None:
    long = [Pair("x " * 99 + str(i), "y") for i in range(50)]
    parts = split_pairs(long, ES_EN, dev=None, dev_share=0.5, test_share=0.5, max_words=5)
    assert len(parts.dev) + len(parts.test) == 50


def test_the_report_says_what_was_dropped_and_what_was_held_out() -> None:
    pairs = [CORPUS[0], CORPUS[0], Pair("a b c", "d"), Pair("a", "D!"), Pair("uno", "one")]
    given_dev = split_pairs(pairs, ES_EN, dev=[Pair("z", "d")], dev_share=0, test_share=0, max_words=3)
    assert given_dev.report.lines() == [
        "2 pairs to train on, 1 given for dev",
        "dropped pairs that repeat an earlier pair: 1",
        "dropped pairs that share a sentence with the dev part: 2",
    ]
    hashed = split_pairs(CORPUS, ES_EN, dev=None, dev_share=0.1, test_share=0.1, max_words=3)
    report = hashed.report
    assert report.lines() == [
        f"{report.n_train:,} pairs to train on; held out, chosen by the hash of the sentence: "
        f"{report.n_dev:,} for dev and {report.n_test:,} for test"
    ]
    shorter = split_pairs(CORPUS, ES_EN, dev=[], dev_share=0, test_share=0, max_words=2)
    assert shorter.report.lines()[1] == "dropped pairs that have more than 2 words on a side: 2,000"


def test_a_fingerprint_tells_order_sides_and_borders_apart() -> None:
    a, b = Pair("uno", "one"), Pair("dos", "two")
    lists = [[a, b], [b, a], [a], [], turned([a, b]), [Pair("uno one", "dos two")]]
    assert len({fingerprint(map(as_line, pairs)) for pairs in lists}) == len(lists)
    assert fingerprint([b"uno\tone", b"dos\ttwo"]) == fingerprint(map(as_line, [a, b]))
