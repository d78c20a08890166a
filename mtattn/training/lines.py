"""Files of JSON lines that grow with a training: what they hold beyond the last checkpoint goes on resuming."""

import os
from pathlib import Path

from mtattn.errors import OutputError, RunError
from mtattn.text import json_line


class LineFile:
    """A file to which lines are added; those since the last save are kept in memory.

    Args:
        path: of the file; a save makes it where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unsaved: list[object] = []

    def append(self, line: object) -> None:
        """Add a line; its numbers are finite."""
        self._unsaved.append(line)

    def save(self) -> int:
        """Write what is not written yet, down to the disk.

        Returns:
            The file's length in bytes, which a checkpoint counts.

        Raises:
            OutputError: it cannot be written; resuming cuts off what was.
        """
        lines = "".join(json_line(line) + "\n" for line in self._unsaved)
        try:
            with self._path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
                n_bytes = file.tell()
        except OSError as error:
            raise self._unwritable(error) from error
        self._unsaved.clear()
        return n_bytes

    def cut(self, n_bytes: int) -> None:
        """Leave of the file what a checkpoint counts.

        Raises:
            RunError: it has less than that.
            OutputError: it cannot be written to.
        """
        try:
            size = self._path.stat().st_size if self._path.is_file() else 0
            if size > n_bytes:
                os.truncate(self._path, n_bytes)
        except OSError as error:
            raise self._unwritable(error) from error
        if size < n_bytes:
            raise RunError("lines are missing that the checkpoint counts", where=self._path, fix="restore the file")

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot be written ({error.strerror})", where=self._path, fix="make room for it, or change its permissions"
        )
