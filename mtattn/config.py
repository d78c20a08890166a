"""All settings: typed, documented, closed. An unknown key is an error, and every problem is told at once.

A setting comes from a TOML file (`configs/*.toml` or one's own), from `--set section.key=value`, or from
its default here; the later of file and `--set` wins. `mtattn train` writes all of them, resolved, into the
run folder.
"""

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tomli_w
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mtattn.carried import carried_folder
from mtattn.errors import ConfigError
from mtattn.text import normalise

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

DEFAULT_CONFIG = "small"
# From so many minutes on, what does best: measured at 5, 10 and 30, on 2 cores with bfloat16 units and 114,000 pairs.
_CONFIG_FROM_MINUTES = ((0.0, DEFAULT_CONFIG), (8.0, "medium"), (20.0, "large"))

_LONGEST_SHOWN = 60  # characters of a wrong value

Count = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=1, le=65_536)]  # bounded, so that a stranger's config cannot ask for all memory
Depth = Annotated[int, Field(ge=1, le=1_000)]
Share = Annotated[float, Field(ge=0, lt=1)]
Column = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]

PROBE_SEPARATOR = "|||"


def _a_probe(text: str) -> str:
    if not all(map(normalise, text.split(PROBE_SEPARATOR, 1))):
        raise ValueError("a side of the probe is blank")
    return normalise(text)


Probe = Annotated[str, AfterValidator(_a_probe)]


def _between_two_languages(direction: str) -> str:
    src, _, tgt = direction.partition("-")
    if src == tgt:
        raise ValueError(f"{direction} goes from a language to itself")
    return direction


class Section(BaseModel):
    """Settings that belong together; frozen and closed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class DataConfig(Section):
    """Where the sentence pairs come from."""

    sources: list[str] = []
    """Paths or hub ids; none = the corpus that mtattn carries."""
    dev: str = ""
    """A source to validate on; none = a part of the data, chosen by the hash of the sentence."""
    split: str = "train"
    """Split of a hub data set."""
    src_column: Column = ""
    """Column of the source sentence, a name or a number from 1; none = found out and said."""
    tgt_column: Column = ""
    """Column of the target sentence, likewise."""
    dev_share: Share = 0.025
    """Share of the data held out for validation where `dev` is not given."""
    test_share: Share = 0.025
    """Share of the data held out for `mtattn evaluate` where `dev` is not given."""
    held_out_pairs: Count = 5_000
    """Pairs of either part that is held out so, at most; of many, those with the lowest hashes are taken."""
    grammar_pairs: Annotated[int, Field(ge=0)] = 0
    """Pairs of the paired grammar to train on beside the carried corpus; none of them is held out."""
    max_words: Count = 60
    """Training pairs with more words than this on a side are dropped."""

    @model_validator(mode="after")
    def _columns_go_together(self) -> "DataConfig":
        if bool(self.src_column) != bool(self.tgt_column):
            raise ValueError("src_column and tgt_column are given both or neither")
        return self

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> "DataConfig":
        if self.dev_share + self.test_share >= 1:
            raise ValueError(f"dev_share={self.dev_share} and test_share={self.test_share} leave nothing to train on")
        return self


class TokenizerConfig(Section):
    """The joint vocabulary."""

    vocab_size: Annotated[int, Field(ge=1, le=1_000_000)] = 3000
    """Pieces of both languages, 260 special and byte pieces among them; fewer where the text gives no more."""


class ModelConfig(Section):
    """The sizes of the Transformer."""

    d_model: Size = 128
    """Size of a position's vector; even."""
    n_heads: Size = 8
    """Heads of every attention; divides d_model."""
    n_encoder_layers: Depth = 2
    n_decoder_layers: Depth = 2
    d_ff: Size = 512
    """Hidden size of the feed-forward networks."""
    dropout: Share = 0.0
    """Probability of dropping, in training; rounded to a 256th."""
    max_positions: Annotated[int, Field(ge=8, le=65_536)] = 256
    """Longest sentence in tokens; longer text is split before it is translated."""

    @model_validator(mode="after")
    def _heads_fit(self) -> "ModelConfig":
        if self.d_model % 2:
            raise ValueError(f"d_model={self.d_model} is odd; sines and cosines come in pairs")
        if self.d_model % self.n_heads:
            divisors = [n for n in range(1, self.d_model + 1) if self.d_model % n == 0]
            near = sorted(sorted(divisors, key=lambda n: abs(n - self.n_heads))[:3])
            raise ValueError(
                f"n_heads={self.n_heads} does not divide d_model={self.d_model}; near it, "
                f"{', '.join(map(str, near))} do"
            )
        return self


class TrainingConfig(Section):
    """How long and how to train."""

    epochs: Annotated[int, Field(ge=0)] = 0
    """Passes over the data; 0 = bounded by `steps` or `minutes`."""
    steps: Annotated[int, Field(ge=0)] = 0
    """Optimizer steps in all, those before a resume included; 0 = bounded otherwise."""
    minutes: Annotated[float, Field(ge=0)] = 0.0
    """Wall clock of the command from start to exit; 0 = bounded otherwise."""
    batch_tokens: Count = 2048
    """Source and target tokens in a batch, at most; padding counts."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """muon = Muon for the layers' matrices, AdamW for the rest; adamw = AdamW for all."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.004
    """Peak of AdamW's learning rate."""
    muon_learning_rate: Annotated[float, Field(gt=0)] = 0.02
    """Peak of Muon's learning rate."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the training in which the learning rate rises from 0 to its peak; then it falls to 0."""
    average: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Validated and saved is an average of the weights over this share of the steps, the last ones; 0 = the last."""
    label_smoothing: Share = 0.1
    guided_alignment: bool = False
    """Teach two heads of the cross-attention the word alignments that a statistical aligner finds in the pairs."""
    alignment_weight: Annotated[float, Field(gt=0)] = 0.3
    """Weight of those heads' loss beside the one of the emitted tokens."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """The gradient of a step is scaled down to this norm where it is longer."""
    validations: Count = 10
    """Validations in the whole training, evenly spaced, the last at its end."""
    validation_pairs: Count = 300
    """Dev pairs that are translated at a validation, at most."""
    probes: list[Probe] = []
    """Sentences whose maps are kept at each validation, `source` or `source ||| output`; none = a pair of dev."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Stop after so many validations without a better BLEU; 0 = never. Without effect under `minutes`."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto = an NVIDIA GPU where there is one, else Apple's, else the CPU."""
    threads: Annotated[int, Field(ge=0, le=1_024)] = 0
    """CPU threads; 0 = one a core that this process may use."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto = bfloat16 where the CPU has units for it, else float32."""

    @model_validator(mode="after")
    def _is_bounded(self) -> "TrainingConfig":
        if not (self.epochs or self.steps or self.minutes):
            raise ValueError("the training has no end: set epochs, steps or minutes")
        return self


class Config(Section):
    """All settings of a run."""

    direction: Annotated[str, Field(pattern="^[a-z]{2,3}-[a-z]{2,3}$"), AfterValidator(_between_two_languages)] = (
        "es-en"
    )
    """SRC-TGT: the first language is translated into the second."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    data: DataConfig = DataConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig(epochs=10)

    def to_toml(self) -> str:
        """Write all settings as TOML; `load_config` reads them back."""
        return tomli_w.dumps(self.model_dump())


def _known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += _known_keys(inner, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _explain(detail: "ErrorDetails") -> str:
    """Say what is wrong with one setting and what would be right."""
    key = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        kind, known = "setting", _known_keys(Config)
        if len(detail["loc"]) == 1 and isinstance(detail["input"], dict):
            kind, known = "section", sorted({name.partition(".")[0] for name in known if "." in name})
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.6 if kind == "section" else 0.4)
        return f"{key} is no {kind}; " + (f"did you mean {near[0]}?" if near else "mtattn/config.py lists all")
    if detail["type"] == "model_type":
        return f"{key} = {_shortened(detail['input'])}: this is a section; set {key}.KEY"
    if key == "direction" and detail["type"] == "string_pattern_mismatch":
        return f"direction = {_shortened(detail['input'])}: write two language codes, such as es-en"
    if detail["type"] == "value_error":
        return f"{key}: {detail['ctx']['error']}"
    return f"{key} = {_shortened(detail['input'])}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _shortened(value: object) -> str:
    """Show a value, of a long one the beginning."""
    try:
        shown = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number without end"
    return shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"


def _without(settings: dict[str, Any], key: tuple[int | str, ...]) -> dict[str, Any]:
    """Leave one setting, or one section, out, so that the rest can be checked."""
    first, *rest = key
    inner = settings.get(str(first))
    if rest and isinstance(inner, dict):
        return settings | {str(first): _without(inner, tuple(rest))}
    return {name: value for name, value in settings.items() if name != first}


def config_from(settings: dict[str, Any], where: str | Path = "settings") -> Config:
    """Check settings and fill in the defaults.

    Args:
        settings: nested as in TOML.
        where: the file they come from, for messages.

    Raises:
        ConfigError: with every problem at once.
    """
    problems: list[str] = []
    wrong_values: set[int | str] = set()  # sections that have one
    while True:
        try:
            config = Config.model_validate(settings)
            break
        except ValidationError as error:
            # Whether settings fit each other shows only once each by itself is right.
            for detail in error.errors(include_url=False):
                section = detail["loc"][0]
                if detail["type"] != "value_error" or section not in wrong_values:
                    problems.append(_explain(detail))
                if detail["type"] != "extra_forbidden":
                    wrong_values.add(section)
                settings = _without(settings, detail["loc"])
    if problems:
        one = len(problems) == 1
        raise ConfigError(problems[0] if one else "".join(f"\n  - {p}" for p in problems), where=where)
    return config


def _find(name_or_file: str) -> Path:
    """Find a config of one's own by path, or one that mtattn carries by name."""
    carried = carried_folder("configs")
    if "/" not in name_or_file and (carried / f"{name_or_file}.toml").is_file():
        return carried / f"{name_or_file}.toml"
    path = Path(name_or_file)
    if path.suffix == ".toml" or path.is_file():
        return path
    names = ", ".join(sorted(file.stem for file in carried.glob("*.toml")))
    raise ConfigError(
        "there is no config of this name", where=name_or_file, fix=f"take one of {names}, or a .toml file"
    )


def config_for(minutes: float) -> str:
    """Name the carried config that makes the best of a time budget.

    Args:
        minutes: wall clock; 0 = no such bound.

    Example:
        >>> config_for(5), config_for(10), config_for(60)
        ('small', 'medium', 'large')
    """
    return [name for start, name in _CONFIG_FROM_MINUTES if minutes >= start][-1]


def read_settings(name_or_file: str = DEFAULT_CONFIG) -> dict[str, Any]:
    """Read a config file's settings as they stand there, not checked yet.

    Raises:
        ConfigError: there is no such config, or the file is no TOML.
    """
    path = _find(name_or_file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot be read ({error.strerror})", where=path, fix="check the path and its permissions"
        ) from error
    return parse_settings(data, path)


def parse_settings(data: bytes, where: str | Path) -> dict[str, Any]:
    """Read settings as they stand in a TOML file, not checked yet.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number or a nesting without end
        raise ConfigError(f"this is no TOML ({error})", where=where, fix="look at configs/small.toml") from error


def apply_settings(settings: dict[str, Any], assignments: list[str]) -> dict[str, Any]:
    """Put `section.key=value` assignments over settings; a value is read as TOML, else as text.

    Raises:
        ConfigError: an assignment has no `=`, or its section is no section.

    Example:
        >>> apply_settings({"model": {"n_heads": 8}}, ["model.n_heads=4", "data.dev=pairs.tsv"])
        {'model': {'n_heads': 4}, 'data': {'dev': 'pairs.tsv'}}
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError("this sets nothing", where=f"--set {assignment}", fix="write section.key=value")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            value = text
        settings = _put(settings, key.strip(), value)
    return settings


def _put(settings: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """Put one `section.key` over settings."""
    first, dot, rest = key.partition(".")
    if not dot:
        return settings | {first: value}
    inner = settings.get(first, {})
    if not isinstance(inner, dict):
        raise ConfigError(f"{first} is no section", where=key)
    return settings | {first: _put(inner, rest, value)}


def load_config(
    name_or_file: str = DEFAULT_CONFIG,
    assignments: list[str] | None = None,
    options: dict[str, Any] | None = None,
) -> Config:
    """Read, override and check settings.

    Args:
        name_or_file: a config that mtattn carries (`tiny`, `small`, `medium`, `large`, `base`) or a TOML file.
        assignments: `section.key=value`, the later wins.
        options: `section.key` to value, over all others. A bound of minutes takes the place of the file's own.

    Raises:
        ConfigError: see `read_settings`, `apply_settings` and `config_from`.
    """
    settings = read_settings(name_or_file)
    options = options or {}
    if "training.minutes" in options:
        settings = apply_settings(settings, ["training.epochs=0", "training.steps=0"])
    settings = apply_settings(settings, assignments or [])
    for key, value in options.items():
        settings = _put(settings, key, value)
    return config_from(settings, name_or_file)
