"""What can go wrong, each kind with where it happened and what to do about it.

Every error that a user can cause or mend is an `MtattnError`. The command line prints it
without a traceback and exits with status 1.
"""

from pathlib import Path


class MtattnError(Exception):
    """Something could not be done.

    Args:
        what: what is wrong, one sentence without the final stop.
        where: the file, the file and line, or the setting; "" where there is no such place.
        fix: what the user can do; "" where nothing helps.

    Example:
        >>> print(MtattnError("the file is empty", where="pairs.tsv", fix="name a file with pairs"))
        pairs.tsv: the file is empty; name a file with pairs
    """

    def __init__(self, what: str, *, where: str | Path = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, str(where), fix
        place = f"{self.where}: " if self.where else ""
        super().__init__(f"{place}{what}" + (f"; {fix}" if fix else ""))


class ConfigError(MtattnError):
    """Settings are unknown, impossible or contradictory; `what` lists every problem."""


class DataError(MtattnError):
    """Sentence pairs could not be read, or there are too few of them."""


class RunError(MtattnError):
    """A run folder is missing, incomplete, damaged or not what it claims to be."""


class DamagedError(RunError):
    """A file of a run was cut off or altered."""


class InUseError(RunError):
    """Another process trains in the run folder."""


class DivergedError(MtattnError):
    """Loss, gradient or weights of a training are no finite numbers."""


class EngineError(MtattnError):
    """A translation engine is not installed, or what was exported for it cannot be used."""


class InputError(MtattnError):
    """The text or file given to translate, inspect-heads, align or evaluate cannot be used."""


class OutputError(MtattnError):
    """A file could not be written."""
