"""A run repeated: from what its folder records to the same bytes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtattn.config import config_from
from mtattn.errors import DataError, RunError
from mtattn.files import file_sha256
from mtattn.run import MANIFEST, METRICS, RunFolder

# What a manifest must say of a run, that it can be repeated.
_RECORDED = {
    "steps": int,
    "data_sha256": str,
    "weights_sha256": str,
    "sources": dict,
    "device": str,
    "threads": int,
    "processes": int,
    "precision": str,
}


@dataclass(frozen=True)
class Course:
    """What the clock has decided in a run that was bounded by time.

    Attributes:
        positions: each step's place on the schedule, 0 to 1.
        validated: the steps after which there was a validation.
    """

    positions: list[float]
    validated: frozenset[int]

    def position(self, step: int) -> float:
        """Say how much of the training was done after so many steps."""
        return self.positions[step] if step < len(self.positions) else 1.0


class Original:
    """A finished run that another one repeats.

    Args:
        run: its folder.

    Attributes:
        config: its settings.
        manifest: what is known of it.

    Raises:
        RunError: no run is there, it is not finished, or its manifest does not say enough.
        ConfigError: its settings are unknown or impossible.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run, self.config = run, run.config()
        self.manifest = run.manifest()
        if "finished_at" not in self.manifest:
            fix = f"finish it with: mtattn train --run {run.path} --resume"
            raise RunError("the run is not finished, so that there is nothing to compare with", where=run.path, fix=fix)
        for name, kind in _RECORDED.items():
            if not isinstance(self.manifest.get(name), kind):
                raise RunError(
                    f"{name} is not recorded, without which the run cannot be repeated",
                    where=run.path / MANIFEST,
                    fix=run.of_another_version() or "restore the file, or train a new run",
                )
        computing = {name: self.manifest[name] for name in ("device", "threads", "precision")}
        config_from({"training": {"steps": 1} | computing}, run.path / MANIFEST)

    @classmethod
    def of(cls, run: RunFolder) -> "Original | None":
        """Find the run that this one repeats; None where it repeats none.

        Raises:
            RunError: it is no longer what can be repeated.
        """
        repeats = run.manifest().get("repeats")
        return cls(RunFolder(Path(str(repeats)))) if repeats else None

    def refuse_changed_sources(self) -> None:
        """See to it that each file that the run was trained on is there, with the same bytes.

        Raises:
            DataError: one is missing, cannot be read, or has changed.
        """
        for name, sha256 in self.manifest["sources"].items():
            path, problem = Path(name), ""
            try:
                if not path.is_file():  # a device may have no end
                    problem = "is not there"
                elif file_sha256(path) != sha256:
                    problem = "has changed since"
            except OSError as error:
                problem = f"cannot be read ({error.strerror})"
            if problem:
                raise DataError(
                    f"{self.run.path} was trained on this file, which {problem}",
                    where=name,
                    fix=f"put the one there whose SHA-256 is {sha256}, or go to the folder where the run was begun",
                )

    def refuse_other_data(self, repetition: RunFolder) -> None:
        """See to it that a repetition trains on the same pairs; of the carried corpus and the hub only these tell.

        Raises:
            DataError: they are others.
        """
        if repetition.manifest()["data_sha256"] != self.manifest["data_sha256"]:
            sources = ", ".join(self.config.data.sources) or "the corpus that mtattn carries"
            raise DataError(
                f"these are not the pairs that {self.run.path} was trained on",
                where=sources,
                fix=self._differences(repetition.manifest()) or "restore them",
            )

    def course(self) -> Course | None:
        """Read what the clock decided; None where it decided nothing.

        Raises:
            RunError: it was not recorded.
        """
        if not self.config.training.minutes:
            return None
        where, fix = self.run.path / METRICS, "restore the file: the steps of a run bounded by time stand in it alone"
        try:
            lines = [json.loads(line) for line in self.run.read(METRICS).splitlines()]
            positions = [float(line["position"]) for line in lines if "position" in line]
            validated = frozenset(int(line["step"]) for line in lines if "dev_loss" in line)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise RunError(f"this is not what a training writes ({error})", where=where, fix=fix) from error
        if len(positions) != self.manifest["steps"] or not all(0 <= position <= 1 for position in positions):
            what = f"it has not the places of {self.manifest['steps']:,} steps on the schedule"
            raise RunError(what, where=where, fix=fix)
        return Course(positions, validated)

    def confirm(self, repetition: RunFolder, note: Callable[[str], None]) -> None:
        """Say that the weights of a finished repetition are the same bytes.

        Raises:
            RunError: they are not; it names what differs that they could depend on.
        """
        manifest = repetition.manifest()
        if manifest["weights_sha256"] != self.manifest["weights_sha256"]:
            raise RunError(
                f"the weights are not the same bytes as those of {self.run.path}",
                where=repetition.path,
                fix=self._differences(manifest) or "nothing differs that manifest.json records of versions and machine",
            )
        note(f"the weights are the same bytes as those of {self.run.path}: SHA-256 {manifest['weights_sha256']}")

    def _differences(self, manifest: dict[str, Any]) -> str:
        here, there = _surroundings(manifest), _surroundings(self.manifest)
        names = [name for name in here | there if here.get(name) != there.get(name)]
        told = "; ".join(
            f"{name} is {here.get(name, 'missing')} here, {there.get(name, 'missing')} there" for name in names
        )
        return f"what differs: {told}" if told else ""


def _surroundings(manifest: dict[str, Any]) -> dict[str, Any]:
    """Pick out what bytes may depend on: versions, system, CPU."""
    packages = manifest.get("packages")
    named: dict[str, Any] = {name: manifest[name] for name in ("mtattn", "python", "system", "cpu") if name in manifest}
    return named | (packages if isinstance(packages, dict) else {})
