"""A run's files while another run is to take their place: kept in a folder of their own until that is sure.

Each file is renamed by itself, the manifest last, and first on the way back: without it they are on their way. So a
kill at any moment loses nothing.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

_ASIDE, _FORGOTTEN = ".replaced", ".replaced.gone"


class Replaced:
    """The files of a run that is replaced.

    Args:
        run: its folder.
        names: of a run's files; the first is the manifest, which every run has.
    """

    def __init__(self, run: Path, names: Sequence[str]) -> None:
        self._run, self._names = run, names
        self._aside = run / _ASIDE

    def is_there(self) -> bool:
        """Say whether files are kept, all or those on their way."""
        try:
            return stat.S_ISDIR(self._aside.lstat().st_mode)  # a stranger's link could lead to any files
        except OSError:
            return False

    def is_whole(self) -> bool:
        """Say whether all are kept."""
        return self.is_there() and os.path.lexists(self._aside / self._names[0])

    def take(self) -> None:
        """Move the files out of the run's folder.

        Raises:
            OSError: one cannot be moved.
        """
        self._aside.mkdir()
        for name in reversed(self._names):
            if os.path.lexists(self._run / name):
                (self._run / name).rename(self._aside / name)

    def bring_back(self) -> None:
        """Move them back, where no file of such a name is by now."""
        for name in self._names:
            if os.path.lexists(self._aside / name):
                (self._aside / name).rename(self._run / name)
        self.forget()

    def forget(self) -> None:
        """Delete them."""
        forgotten = self._run / _FORGOTTEN
        shutil.rmtree(forgotten, ignore_errors=True)
        if self.is_there():
            self._aside.rename(forgotten)  # first, since half of them could be taken for what is on its way
            shutil.rmtree(forgotten, ignore_errors=True)
