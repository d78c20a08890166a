"""A study's folder: what it is to train, and `study.json` with all that was measured; no torch.

study.json        settings, numbers
heads-8-seed-1/   the run folder of one model, and so on
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import mtattn
from mtattn.config import Config, apply_settings, config_from, load_config, read_settings
from mtattn.errors import ConfigError, RunError
from mtattn.files import write_whole
from mtattn.run import RunFolder, refuse_links
from mtattn.study.conclusion import conclude
from mtattn.study.results import ModelNumbers, by_heads

STUDY = "study.json"


class Member(NamedTuple):
    """One model of a study."""

    n_heads: int
    seed: int

    @property
    def name(self) -> str:
        """Its run folder in the study's."""
        return f"heads-{self.n_heads}-seed-{self.seed}"


@dataclass(frozen=True)
class Plan:
    """What a study trains: a model for each number of heads and each seed, all else equal.

    Attributes:
        heads: the numbers of heads, the fewest first.
        seeds: of the trainings.
        config_name: the config that the settings began with.
        config: all other settings; its own seed and number of heads are those of one model.
    """

    heads: tuple[int, ...]
    seeds: tuple[int, ...]
    config_name: str
    config: Config

    def members(self) -> list[Member]:
        """Give the models, those of one seed after the other, so that numbers of heads can be compared early."""
        return [Member(n_heads, seed) for seed in self.seeds for n_heads in self.heads]

    def config_of(self, member: Member) -> Config:
        """Give the settings of one model."""
        settings = self.config.model_dump()
        settings["model"]["n_heads"], settings["seed"] = member
        return config_from(settings)

    def settings(self) -> dict[str, Any]:
        """Give what makes this study another than others, key by key."""
        settings: dict[str, Any] = {"heads": [*self.heads], "seeds": [*self.seeds]}
        for section, value in self.config.model_dump().items():
            if isinstance(value, dict):
                settings |= {f"{section}.{name}": inner for name, inner in value.items()}
            else:
                settings[section] = value
        return {key: value for key, value in settings.items() if key not in ("seed", "model.n_heads")}

    def refuse_other(self, other: "Plan", where: Path) -> None:
        """Refuse a plan that is not this one, which stands in the folder.

        Raises:
            RunError: the message tells every difference.
        """
        mine, others = self.settings(), other.settings()
        differences = [f"{key} is {mine[key]!r}, not {others[key]!r}" for key in mine if mine[key] != others[key]]
        if differences:
            raise RunError(
                f"the study that stands here has other settings: {'; '.join(differences)}",
                where=where,
                fix="go on with it by `mtattn study-heads --run` alone, or name another folder",
            )


def make_plan(
    heads: Sequence[int], n_seeds: int, config_name: str, assignments: list[str], options: dict[str, Any]
) -> Plan:
    """Settle what a study trains, and refuse what cannot be trained.

    Heads are to find their tasks by themselves: unless the assignments have it so, none is taught to align.

    Args:
        heads: numbers of heads.
        n_seeds: how many models of each; the seeds begin with the config's own.
        config_name: see `load_config`; this one and what follows.
        assignments: see `load_config`.
        options: see `load_config`.

    Raises:
        ConfigError: with every problem of all models at once.
    """
    assignments = ["training.guided_alignment=false", *assignments]
    apply_settings(read_settings(config_name), assignments)  # tells by itself what cannot be read at all
    problems: dict[str, None] = {}
    for n_heads in heads:
        try:
            config = load_config(config_name, assignments, options | {"model.n_heads": n_heads})
        except ConfigError as error:
            problems |= dict.fromkeys(error.what.removeprefix("\n  - ").split("\n  - "))
    if problems:
        raise ConfigError("".join(f"\n  - {problem}" for problem in problems), where=config_name)
    seeds = tuple(config.seed + k for k in range(n_seeds))
    return Plan(tuple(sorted(set(heads))), seeds, config_name, config)


@dataclass(frozen=True)
class Study:
    """A plan, and what was measured so far of its models."""

    plan: Plan
    models: tuple[ModelNumbers, ...] = ()

    def missing(self) -> list[Member]:
        """Give the models that were not measured yet."""
        measured = {(model.n_heads, model.seed) for model in self.models}
        return [member for member in self.plan.members() if member not in measured]

    def with_model(self, numbers: ModelNumbers) -> "Study":
        """Add what was measured of a model."""
        return replace(self, models=(*self.models, numbers))

    def as_json(self) -> dict[str, Any]:
        """Give settings, the numbers of each model, and, once all are there, those of each number of heads."""
        plan = self.plan
        shown: dict[str, Any] = {
            "mtattn": mtattn.__version__,
            "heads": plan.heads,
            "seeds": plan.seeds,
            "config_name": plan.config_name,
            "config": plan.config.model_dump(),
            "models": [asdict(model) | {"spare": model.spare} for model in self.models],
        }
        if not self.missing():
            counts = by_heads(self.models)
            shown |= {"by_heads": [asdict(count) for count in counts], "conclusion": conclude(counts)}
        return shown


@dataclass(frozen=True)
class StudyFolder:
    """Where a study lies."""

    path: Path

    def begun(self) -> bool:
        """Say whether a study was begun here.

        Raises:
            RunError: a run stands here instead.
        """
        if RunFolder(self.path).has_config():
            raise RunError("a run stands here already", where=self.path, fix="name another folder with --run")
        return (self.path / STUDY).is_file()

    def read(self) -> Study:
        """Read what is to be trained and what was measured.

        Raises:
            RunError: `study.json` cannot be read, or is none.
            ConfigError: its settings are unknown or impossible.
        """
        path = self.path / STUDY
        try:
            found = json.loads(path.read_bytes())
            models = []
            for model in found["models"]:
                del model["spare"]  # follows from the rest
                models.append(ModelNumbers(**model))
            settings, seeds = found["config"], tuple(found["seeds"])
            plan = Plan(tuple(found["heads"]), seeds, found["config_name"], config_from(settings, path))
        except OSError as error:
            raise RunError(f"the study cannot be read ({error.strerror})", where=path) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"this is no study of mtattn ({error!r})", where=path, fix="name another folder with --run"
            ) from error
        return Study(plan, tuple(models))

    def write(self, study: Study) -> None:
        """Replace what was measured; the folder is made where it is not there.

        Raises:
            RunError: the folder cannot be made.
            OutputError: the file cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"the folder cannot be made ({error.strerror})", where=self.path, fix="choose another with --run"
            ) from error
        text = json.dumps(study.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(self.path / STUDY, text.encode() + b"\n")

    def refuse_links(self, plan: Plan) -> None:
        """Refuse to write to a study whose files lie elsewhere: a stranger's could be any file of ours.

        Raises:
            RunError: one is a link.
        """
        members = plan.members()
        refuse_links(self.path, (STUDY, *(member.name for member in members)))
        for member in members:
            self.run_of(member).refuse_links()

    def remove(self) -> None:
        """Delete `study.json`, and the folder where nothing else lies in it."""
        (self.path / STUDY).unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()

    def run_of(self, member: Member) -> RunFolder:
        """Give the run folder of one model."""
        return RunFolder(self.path / member.name)
