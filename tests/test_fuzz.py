"""Whatever comes in: it is used, or refused with a message; nothing else happens.

A longer run by hand: python -m pytest tests/test_fuzz.py --hypothesis-profile=long
"""

import io
import json
import math
import re
import shutil
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mtattn.cli import app
from mtattn.cli.lines import LineReader
from mtattn.config import Config, apply_settings, config_from, parse_settings
from mtattn.corpus.checks import CheckReport, check_corpus
from mtattn.corpus.pairs import Direction
from mtattn.corpus.readers import ReadReport, read_pairs
from mtattn.errors import ConfigError, DataError, InputError, MtattnError, RunError
from mtattn.heads.capture import capture
from mtattn.heads.views.json import to_json
from mtattn.run import RunFolder
from mtattn.text import foreign_encoding, json_line, normalise
from mtattn.tokenizer import Tokenizer, split_words
from mtattn.transformer import Transformer

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
FEWER = settings(max_examples=max(1, settings().max_examples // 4))

AWKWARD = st.sampled_from(
    list("\t\n\r\x00\x0b\x1b\x85\xa0\xad▁'’\"\\{}[],;:.¿?áñÑ😀\u0301\u0323\u200b\u200d\u2028\u202e\ufeff\ufffd")
)
TEXTS = st.text(st.one_of(st.characters(), AWKWARD, st.sampled_from("abc <>/0123")), max_size=60)
SNIPPETS = st.sampled_from(
    [
        *(
            b"\t",
            b"\n",
            b"\r\n",
            b"\r",
            b"\0",
            b"\xff",
            b"\xc3",
            b"\xa1",
            b"\xef\xbb\xbf",
            b"es\ten\n",
            b'"',
            b'""',
            b",",
            b";",
        ),
        *(b"Hola.\tHello.\n", b'{"es": "a", "en": "b"}\n', b'{"translation": {"es": "a", "en": "b"}}\n'),
        *(b"[[", b"1e999", b"null"),
    ]
)
FILES = st.lists(
    st.one_of(SNIPPETS, TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=9))
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
KEYS = [
    f"{section}{name}"
    for section, fields in [
        ("", Config),
        *((f"{name}.", field.annotation) for name, field in Config.model_fields.items()),
    ]
    if hasattr(fields, "model_fields")
    for name in fields.model_fields
]


def outcome(kind: type[MtattnError], work: Callable[[], Any]) -> Any:
    """Do work that may be refused; an error of that kind is an outcome, any other is a fault."""
    try:
        return work()
    except kind as error:
        return error


@given(TEXTS)
def test_normalised_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not CONTROLS.search(once)
    assert not re.search(r"[\t\n]|^\s|\s$|\s\s", once)


@given(st.text(st.one_of(AWKWARD, st.sampled_from("\u0300\u0323\u0344é")), min_size=2).map(lambda text: text * 600))
def test_so_is_long_text_with_towers_of_marks(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(TEXTS, st.sampled_from(["utf-16", "utf-32", "utf-16-le", "utf-16-be"]))
def test_text_in_utf_8_is_never_taken_for_another_encoding(text: str, other: str) -> None:
    visible = re.sub("[\x00\ud800-\udfff]", " ", text)
    assert foreign_encoding(visible.encode()[:17]) == ""
    assert foreign_encoding(f"¿Qué quiere usted? {text[:3]}".encode(other, "replace"))[:3] == "UTF"


@given(st.sampled_from(["tsv", "csv", "jsonl", "txt"]), FILES)
def test_any_file_gives_clean_pairs_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, ending: str, pieces: list[bytes]
) -> None:
    data = b"".join(pieces)
    path = tmp_path_factory.getbasetemp() / f"fuzz.{ending}"
    path.write_bytes(data)
    report = ReadReport(str(path))
    pairs = outcome(DataError, lambda: list(read_pairs(str(path), Direction("es", "en"), report=report)))
    if isinstance(pairs, DataError):
        assert pairs.fix
        return
    assert report.n_pairs == len(pairs)
    for pair in pairs:
        for side in (pair.src, pair.tgt):
            assert side
            assert normalise(side) == side
    if ending == "tsv" and pairs:
        n_lines = data.count(b"\n") + (not data.endswith(b"\n"))
        assert n_lines - 1 <= report.n_rows <= n_lines  # the first may be a header


@given(FILES)
def test_any_file_is_checked_or_refused(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz_check.tsv"
    path.write_bytes(b"".join(pieces))
    report = CheckReport()
    findings = check_corpus([str(path)], Direction("es", "en"), note=lambda _: None, report=report)
    found = outcome(DataError, lambda: list(findings))
    if isinstance(found, DataError):
        assert found.fix
        return
    assert len(found) == report.n_errors + report.n_warnings
    assert not any(CONTROLS.search(str(finding)) or "\n" in str(finding) for finding in found)


@given(FILES)
def test_as_many_lines_are_read_as_there_are(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    reader = LineReader(io.BytesIO(data), "standard input")
    lines = outcome(InputError, lambda: list(reader))
    if isinstance(lines, InputError):
        assert lines.fix.startswith("convert it: iconv")
        return
    assert len(lines) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


@given(
    st.dictionaries(st.sampled_from([*KEYS, "x", "model.x", "x.y", "", "."]), VALUES, max_size=5),
    st.lists(TEXTS, max_size=2),
)
def test_any_settings_make_a_config_or_are_refused(values: dict[str, object], texts: list[str]) -> None:
    settings_read: dict[str, Any] = {"training": {"steps": 5}}
    for key, value in values.items():
        section, dot, name = key.rpartition(".")
        inner = settings_read.get(section, {})
        if dot and isinstance(inner, dict):
            settings_read[section] = inner | {name: value}
        else:
            settings_read[key] = value
    config = outcome(ConfigError, lambda: config_from(apply_settings(settings_read, texts)))
    assert str(config) if isinstance(config, ConfigError) else again(config) == config


def again(config: Config) -> Config:
    return config_from(parse_settings(config.to_toml().encode(), "again"))


@given(st.lists(st.tuples(st.sampled_from([*KEYS, "x", "model.x"]), TEXTS), max_size=4))
def test_any_assignments_make_a_config_or_are_refused(pairs: list[tuple[str, str]]) -> None:
    assignments = [f"{key}={text}" for key, text in pairs]
    config = outcome(ConfigError, lambda: config_from(apply_settings({}, assignments)))
    assert str(config) if isinstance(config, ConfigError) else again(config) == config


@given(st.one_of(st.binary(max_size=60), TEXTS.map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_a_config_or_refused(data: bytes) -> None:
    config = outcome(ConfigError, lambda: config_from(parse_settings(data, "x.toml"), "x.toml"))
    assert str(config).startswith("x.toml: ") if isinstance(config, ConfigError) else again(config) == config


@given(VALUES)
def test_json_is_one_line_that_reads_back(value: object) -> None:
    try:
        line = json_line(value)
    except ValueError:
        assert re.search(r"\b(nan|inf)\b", repr(value))
        return
    assert not CONTROLS.search(line)
    assert "\n" not in line
    assert "\t" not in line
    assert json.loads(line) == json.loads(json.dumps(value))


@given(TEXTS, TEXTS)
@FEWER
def test_any_two_texts_are_recorded_word_by_word(
    text_model: Transformer, tokenizer: Tokenizer, source: str, target: str
) -> None:
    src, tgt = (tokenizer.encode(normalise(text))[: text_model.max_positions - 1] for text in (source, target))
    record = capture(text_model, tokenizer, src, tgt, forced=True)
    shown = to_json([record])
    assert not CONTROLS.search(shown)
    read = json.loads(shown, parse_constant=pytest.fail)
    for unit, maps in (("words", record.words), ("pieces", record.pieces)):
        for kind, attention in maps.items():
            one = read[unit][kind]
            assert (one["rows"], one["columns"]) == (list(attention.rows), list(attention.columns))
            for row in (row for layer in one["weights"] for head in layer for row in head):
                assert len(row) == len(attention.columns)
                assert math.isclose(sum(row), 1, abs_tol=1e-3)
    words = split_words(tokenizer.decode(src))
    assert len(record.words["cross"].columns) <= len(words) + 2
    assert "".join(record.words["cross"].columns[:-1]).replace(" ", "") == "".join(words)


@given(st.lists(st.tuples(st.integers(0, 2**20), st.binary(max_size=4)), min_size=1, max_size=5), st.booleans())
def test_a_damaged_tokenizer_is_refused_or_keeps_its_laws(
    tokenizer: Tokenizer, changes: list[tuple[int, bytes]], cut: bool
) -> None:
    data = bytearray(tokenizer.model)
    for place, put in changes:
        place %= len(data)
        data[place : place + len(put)] = put
    if cut:
        del data[changes[0][0] % len(data) :]
    damaged = outcome(RunError, lambda: Tokenizer(bytes(data)))
    if isinstance(damaged, RunError):
        assert damaged.fix
        return
    ids = damaged.encode("El gato ▁ negro 12 😀")
    spelling = damaged.spell([*ids, *range(min(300, damaged.vocab_size))])
    assert not CONTROLS.search(spelling.text)
    assert spelling.word_of_piece == sorted(spelling.word_of_piece)
    assert set(spelling.word_of_piece) == set(range(len(spelling.words)))


@given(
    st.sampled_from(["config.toml", "manifest.json", "tokenizer.model", "model.safetensors"]),
    st.lists(st.tuples(st.integers(0, 2**20), st.one_of(st.binary(max_size=3), SNIPPETS)), min_size=1, max_size=4),
)
@FEWER
def test_a_damaged_run_translates_or_is_refused(
    trained_run: RunFolder, tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[int, bytes]]
) -> None:
    run = tmp_path_factory.getbasetemp() / "fuzz_run"
    if not run.is_dir():
        shutil.copytree(trained_run.path, run)
    whole = trained_run.read(name)
    data = bytearray(whole)
    for place, put in changes:
        place %= min(len(data), 9_000)  # a safetensors file's header, and some of what follows
        data[place : place + len(put)] = put
    (run / name).write_bytes(data)
    command = ["translate", "-v", "--beam", "1", "--run", str(run), "Hola."]
    result = CliRunner().invoke(app, command)
    (run / name).write_bytes(whole)
    assert result.exit_code in (0, 1)
    assert "--debug" not in result.stderr  # which is named where no message was written for what happened
    assert len(result.stdout.splitlines()) == (result.exit_code == 0)


@given(FILES)
@FEWER
def test_as_many_lines_come_out_as_go_in(trained_run: RunFolder, pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    command = ["translate", "--beam", "1", "--json", "--run", str(trained_run.path)]
    result = CliRunner().invoke(app, command, input=data)
    assert not CONTROLS.search(result.stdout)
    if result.exit_code:
        assert "convert it: iconv" in result.stderr
        return
    lines = result.stdout_bytes.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    for line in lines:
        for translation in json.loads(line, parse_constant=pytest.fail)["translations"]:
            assert translation["log_prob"] <= 0
