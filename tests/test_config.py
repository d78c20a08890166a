import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mtattn.carried import carried_folder
from mtattn.config import Config, apply_settings, config_for, config_from, load_config, read_settings
from mtattn.errors import ConfigError

CARRIED = sorted(file.stem for file in carried_folder("configs").glob("*.toml"))

BOUNDED = {"training": {"steps": 5}}


def problems_of(*assignments: str, **sections: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from(apply_settings({**BOUNDED, **sections}, list(assignments)), where="my.toml")
    assert str(caught.value).startswith("my.toml: ")
    return caught.value.what


def test_three_configs_are_carried_and_the_usual_one_has_the_papers_heads() -> None:
    assert {"tiny", "small", "medium", "large", "base"} <= set(CARRIED)
    assert load_config() == load_config("small")
    assert load_config().model.n_heads == 8


@pytest.mark.parametrize("name", CARRIED)
def test_a_carried_config_loads_and_ends(name: str) -> None:
    training = load_config(name).training
    assert training.epochs or training.steps


def test_no_settings_are_the_defaults() -> None:
    assert config_from({}) == Config()


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("model.nheads", "model.n_heads"),
        ("training.learning_rat", "training.learning_rate"),
        ("sed", "seed"),
        ("model.vocab_size", "tokenizer.vocab_size"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest(key: str, near: str) -> None:
    assert problems_of(f"{key}=5") == f"{key} is no setting; did you mean {near}?"


def test_an_unknown_section_is_told_with_the_nearest() -> None:
    assert "modle is no section; did you mean model?" in problems_of("modle.n_heads=4")
    assert "trainig is no section; did you mean training?" in problems_of("trainig.steps=4")


def test_all_problems_are_told_at_once() -> None:
    told = problems_of(
        "model.nheads=4", "model.d_model=30", "training.threads=-1", "direction=3", "training.optimizer=sgd"
    )
    assert len(told.strip().splitlines()) == 5
    for what in ("model.nheads", "d_model=30", "training.threads = -1", "direction = 3", "training.optimizer"):
        assert what in told
    assert "'muon' or 'adamw'" in told


@pytest.mark.parametrize("n", [1, 2, 3])
def test_each_wrong_item_of_a_list_is_told(n: int) -> None:
    told = problems_of(f"data.sources={list(range(n))}", "data.nothing=1")
    assert len(told.strip().splitlines()) == n + 1
    assert all(f"data.sources.{i} = {i}" in told for i in range(n))


def test_no_problem_is_told_that_is_none() -> None:
    """A wrong number of steps is a bound all the same."""
    assert problems_of("training.steps=-1") == "training.steps = -1: input should be greater than or equal to 0"


def test_heads_that_do_not_divide_are_told_with_some_that_do() -> None:
    told = problems_of("model.d_model=96", "model.n_heads=7")
    assert "n_heads=7 does not divide d_model=96; near it, 4, 6, 8 do" in told
    assert "d_model=33 is odd" in problems_of("model.d_model=33", "model.n_heads=3")


@given(d_model=st.integers(1, 200).map(lambda n: 2 * n), n_heads=st.integers(1, 400))
def test_any_number_of_heads_that_divides_is_taken_and_no_other(d_model: int, n_heads: int) -> None:
    settings = {"model": {"d_model": d_model, "n_heads": n_heads}}
    if d_model % n_heads == 0:
        assert config_from(settings).model.n_heads == n_heads
        return
    with pytest.raises(ConfigError) as caught:
        config_from(settings)
    *_, near = str(caught.value).split("near it, ")
    numbers = [int(number) for number in near.removesuffix(" do").split(", ")]
    assert all(d_model % number == 0 for number in numbers)
    divisors = [number for number in range(1, d_model + 1) if d_model % number == 0]
    assert min(abs(number - n_heads) for number in numbers) == min(abs(n - n_heads) for n in divisors)


@pytest.mark.parametrize(
    "assignment",
    [
        "training.learning_rate=nan",
        "training.learning_rate=inf",
        "training.learning_rate=0",
        "training.learning_rate=-0.1",
        "training.minutes=-1",
        "training.minutes=nan",
        "training.minutes=inf",
        "training.weight_decay=-1",
        "training.warmup=1",
        "training.warmup=nan",
        "training.label_smoothing=1",
        "training.clip_norm=0",
        "training.batch_tokens=0",
        "training.threads=-1",
        "training.steps=1.5",
        "training.epochs=many",
        "training.precision=float16",
        "model.dropout=1",
        "model.n_heads=0",
        "model.d_model=-8",
        "model.max_positions=7",
        "tokenizer.vocab_size=0",
        "seed=-1",
        "seed=9223372036854775808",
        "data.dev_share=1",
        "data.dev_share=nan",
        "data.sources=one.tsv",
        "model=5",
        "seed.x=5",
    ],
)
def test_impossible_values_are_refused(assignment: str) -> None:
    key = assignment.partition("=")[0]
    assert key.rpartition(".")[2] in problems_of(assignment)


def test_a_training_needs_an_end_and_columns_each_other() -> None:
    assert "the training has no end: set epochs, steps or minutes" in problems_of("training.steps=0")
    assert "src_column and tgt_column are given both or neither" in problems_of("data.src_column=es")


@pytest.mark.parametrize("assignment", ["training.epochs=true", "seed=true", "training.minutes=true"])
def test_a_truth_value_is_no_number(assignment: str) -> None:
    with pytest.raises(ConfigError):
        config_from(apply_settings(BOUNDED, [assignment]))


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("model.n_heads=4", "model.n_heads", 4),
        ("training.learning_rate=1e-3", "training.learning_rate", 0.001),
        ("training.minutes=0.5", "training.minutes", 0.5),
        ("training.minutes=3", "training.minutes", 3.0),
        ("training.optimizer=adamw", "training.optimizer", "adamw"),
        ('training.optimizer="adamw"', "training.optimizer", "adamw"),
        ("data.sources=['a.tsv', \"b.tsv\"]", "data.sources", ["a.tsv", "b.tsv"]),
        ("data.sources=[]", "data.sources", []),
        ("data.dev=a=b.tsv", "data.dev", "a=b.tsv"),
        ("data.dev=", "data.dev", ""),
        ("data.dev=hf:owner/name:config@main", "data.dev", "hf:owner/name:config@main"),
        (" direction =en-es", "direction", "en-es"),
        ("seed=7", "seed", 7),
    ],
)
def test_assignments_are_read_as_they_are_meant(assignment: str, key: str, value: object) -> None:
    config = config_from(apply_settings(BOUNDED, [assignment]))
    found: object = config
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


def test_columns_may_be_named_by_number(tmp_path: Path) -> None:
    """The settings say "a name or a number from 1"."""
    data = load_config("tiny", ["data.src_column=1", "data.tgt_column=2"]).data
    assert (data.src_column, data.tgt_column) == ("1", "2")
    file = tmp_path / "my.toml"
    file.write_text("[data]\nsrc_column = 1\ntgt_column = 'en'\n")
    assert load_config(str(file)).data.src_column == "1"


@pytest.mark.parametrize("assignment", ["model.n_heads", "", "tiny"])
def test_an_assignment_without_a_value_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match=f"^--set {assignment}: this sets nothing; write section.key=value"):
        apply_settings({}, [assignment])


def test_a_setting_is_no_section() -> None:
    with pytest.raises(ConfigError, match="n_heads is no section"):
        apply_settings({"model": {"n_heads": 8}}, ["model.n_heads.x=5"])


def test_assignments_leave_what_they_are_put_over_unchanged() -> None:
    settings = {"model": {"n_heads": 8}}
    assert apply_settings(settings, ["model.n_heads=4", "model.d_ff=9"]) == {"model": {"n_heads": 4, "d_ff": 9}}
    assert settings == {"model": {"n_heads": 8}}


def test_options_go_over_assignments_and_those_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("seed = 3\n[model]\nn_heads = 2\nd_ff = 10\n[training]\nsteps = 5\n")
    config = load_config(
        str(file), ["model.n_heads=4", "model.d_ff=20", "model.d_ff=30", "seed=4"], {"seed": 5, "data.dev": "x"}
    )
    assert (config.model.n_heads, config.model.d_ff, config.seed, config.data.dev) == (4, 30, 5, "x")
    assert (config.training.steps, config.model.d_model) == (5, Config().model.d_model)


def test_a_bound_of_minutes_takes_the_place_of_the_files_own() -> None:
    training = load_config("small", [], {"training.minutes": 2.0}).training
    assert (training.minutes, training.epochs, training.steps) == (2.0, 0, 0)
    training = load_config("small", ["training.steps=9"], {"training.minutes": 2.0}).training
    assert (training.minutes, training.epochs, training.steps) == (2.0, 0, 9)


def test_a_larger_budget_never_takes_a_smaller_model() -> None:
    assert load_config(config_for(0)) == load_config()
    sizes = [load_config(config_for(minutes)).model.d_model for minutes in (0.05, 5, 7.9, 8, 19.9, 20, 10_000)]
    assert sizes[0] == sizes[2] < sizes[3] == sizes[4] < sizes[5] == sizes[6]


def test_an_option_for_what_is_no_section_is_told(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("data = 3\n")
    for options in ({"data.dev": "x"}, {}, {"training.minutes": 1.0}):
        with pytest.raises(ConfigError, match="data"):
            load_config(str(file), [], options)


texts = st.text(max_size=8)
shares = st.floats(0, 0.99)


@given(
    seed=st.integers(0, 2**63 - 1),
    sources=st.lists(texts, max_size=3),
    dev=texts,
    rate=st.floats(1e-9, 1e3),
    minutes=st.floats(0.01, 1e6),
    share=shares,
)
def test_what_is_written_as_toml_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    sources: list[str],
    dev: str,
    rate: float,
    minutes: float,
    share: float,
) -> None:
    config = config_from(
        {
            "seed": seed,
            "data": {"sources": sources, "dev": dev, "dev_share": share, "test_share": 0.0},
            "training": {"learning_rate": rate, "minutes": minutes},
        }
    )
    file = tmp_path_factory.getbasetemp() / "written.toml"
    file.write_text(config.to_toml(), encoding="utf-8", newline="")
    assert load_config(str(file)) == config


@pytest.mark.parametrize("name", CARRIED)
def test_all_settings_are_written_resolved(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    written = tomllib.loads(config.to_toml())
    assert written == config.model_dump()
    assert set(written) == set(Config.model_fields)
    assert config_from(written) == config


def test_settings_are_frozen() -> None:
    config = load_config()
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 2  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        config.model.n_heads = 4  # type: ignore[misc]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"there is no config of this name; take one of base, large, medium, small, tiny"
    ):
        load_config("smal")
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read \(No such file"):
        load_config(str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigError, match="there is no config of this name"):
        load_config(str(tmp_path))
    for content in (b"[model", b"\xff\xfe", b"n_heads: 4"):
        file = tmp_path / "broken.toml"
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=r"broken\.toml: this is no TOML"):
            read_settings(str(file))


def test_every_setting_is_closed_and_finite() -> None:
    for name, section in Config.model_fields.items():
        kind = section.annotation
        if hasattr(kind, "model_fields"):
            assert kind.model_config["extra"] == "forbid", name
            assert kind.model_config["frozen"], name
            for key, field in kind.model_fields.items():
                if field.annotation is float:
                    for value in (math.nan, math.inf, -math.inf):
                        settings = {**BOUNDED.get(name, {}), key: value}
                        assert f"{name}.{key}" in problems_of(**{name: settings})
